"""One look that hangs or fails hides none of the others, and keeps nobody waiting."""

from __future__ import annotations

import threading
import time

import pytest

from deploy.doctor.examine import examine
from deploy.doctor.findings import Check, Finding, Mark, Text, ok


def test_findings_come_in_the_order_of_the_checks() -> None:
    told = examine([Check(Text(n, n), lambda n=n: [ok(n, n, n)]) for n in "abc"])  # type: ignore[misc]  # n is bound
    assert [(t.theme.es, t.finding.code) for t in told] == [("a", "a"), ("b", "b"), ("c", "c")]


def test_a_look_that_hangs_is_left_behind_and_said() -> None:
    let_go = threading.Event()

    def hang() -> list[Finding]:
        let_go.wait(30)
        return []

    started = time.monotonic()
    told = examine(
        [Check(Text("Reloj", "Clock"), hang, limit_s=0.1), Check(Text("Disco", "Disk"), lambda: [ok("disk", "x", "x")])]
    )
    assert time.monotonic() - started < 5
    let_go.set()
    assert [(t.finding.code, t.finding.mark) for t in told] == [("took_too_long", Mark.UNSEEN), ("disk", Mark.OK)]
    assert "Reloj" in told[0].finding.what.es


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_look_that_fails_is_said_and_hides_nothing() -> None:
    def fail() -> list[Finding]:
        raise KeyError("x")

    told = examine([Check(Text("a", "a"), fail), Check(Text("b", "b"), lambda: [ok("b", "b", "b")])])
    assert [t.finding.code for t in told] == ["look_failed", "b"]
    assert "KeyError" in told[0].finding.what.en
