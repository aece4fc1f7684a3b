"""Stages under the supervisor: whatever one dies of, it is said, counted and started again; the others never know."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from itertools import pairwise

import pytest

from gateway.supervision import supervisor as module
from gateway.supervision.supervisor import Supervisor
from tests.support.waiting import wait_until


class KnownError(Exception):
    """As a package's own exceptions."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.16)


def failing(times: int, error: BaseException) -> tuple[module.Stage, list[float]]:
    """A stage that fails at its first starts and then works; when it started."""
    starts: list[float] = []

    def stage(stop: threading.Event) -> None:
        starts.append(time.monotonic())
        if len(starts) <= times:
            raise error
        stop.wait()

    return stage, starts


def waits_s(caplog: pytest.LogCaptureFixture) -> list[object]:
    """How long each failure was said to be waited for."""
    return [record.args[1] for record in caplog.records if isinstance(record.args, tuple) and len(record.args) == 2]


@pytest.mark.expects_warnings
@pytest.mark.parametrize("error", [ValueError("a bug"), MemoryError(), SystemExit(3), RecursionError()])
def test_a_stage_that_fails_is_counted_and_started_again(error: BaseException) -> None:
    failed: Counter[str] = Counter()
    supervisor = Supervisor(lambda name: failed.update([name]))
    stage, starts = failing(3, error)
    other = threading.Event()

    def strong(stop: threading.Event) -> None:
        other.set()
        stop.wait()

    supervisor.start("weak", stage)
    supervisor.start("strong", strong)
    wait_until("it was started again", lambda: len(starts) == 4)
    assert other.is_set()
    assert supervisor.stop()
    assert failed == {"weak": 3}


@pytest.mark.expects_warnings
def test_waits_double_up_to_the_longest(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(lambda _: None)
    stage, starts = failing(6, ValueError())
    supervisor.start("weak", stage)
    wait_until("it was started again", lambda: len(starts) == 7)
    supervisor.stop()
    expected_s = [0.02, 0.04, 0.08, 0.16, 0.16, 0.16]
    assert waits_s(caplog) == expected_s
    assert all(b - a >= wait_s for (a, b), wait_s in zip(pairwise(starts), expected_s, strict=True))


@pytest.mark.expects_warnings
def test_a_stage_that_worked_for_long_is_started_again_soon(caplog: pytest.LogCaptureFixture) -> None:
    starts: list[float] = []

    def stage(stop: threading.Event) -> None:
        starts.append(time.monotonic())
        if len(starts) == 5:
            stop.wait(0.2)  # longer than the longest wait
        if len(starts) < 7:
            raise ValueError

    supervisor = Supervisor(lambda _: None)
    supervisor.start("weak", stage)
    wait_until("it was started again", lambda: len(starts) == 7)
    supervisor.stop()
    assert waits_s(caplog)[4] == 0.02  # not another longest wait


@pytest.mark.expects_warnings
def test_a_stage_that_ends_by_itself_does_not_go_missing(caplog: pytest.LogCaptureFixture) -> None:
    failed: Counter[str] = Counter()
    supervisor = Supervisor(lambda name: failed.update([name]))
    starts: list[None] = []
    supervisor.start("short", lambda _: starts.append(None))
    wait_until("it was started again", lambda: len(starts) == 3)
    supervisor.stop()
    assert failed["short"] >= 2
    assert "short ended by itself" in caplog.text


@pytest.mark.expects_warnings
def test_a_known_fault_is_a_sentence_and_a_bug_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(lambda _: None, known=(KnownError,))
    for name, error in (("api", KnownError("port 8080 is taken")), ("sink", ValueError("a bug"))):
        stage, starts = failing(1, error)
        supervisor.start(name, stage)
        wait_until("it was started again", lambda starts=starts: len(starts) == 2)  # type: ignore[misc]  # bound now
    supervisor.stop()
    plain, bug = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert plain.getMessage() == "api: port 8080 is taken. It starts again in 0 s"
    assert plain.exc_info is None
    assert bug.exc_info is not None


@pytest.mark.expects_warnings
def test_an_error_while_stopping_is_no_traceback_and_no_restart(caplog: pytest.LogCaptureFixture) -> None:
    failed: list[str] = []

    def stage(stop: threading.Event) -> None:
        stop.wait()
        raise ValueError("the connection broke")

    supervisor = Supervisor(failed.append)
    supervisor.start("sink", stage)
    assert supervisor.stop()
    assert not failed
    assert [record.exc_info for record in caplog.records] == [None]


@pytest.mark.expects_warnings
def test_stages_that_hang_are_waited_for_together_and_named(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    def hang(_: threading.Event) -> None:
        release.wait()

    def obey(stop: threading.Event) -> None:
        stop.wait()

    supervisor = Supervisor(lambda _: None)
    names = [f"stage{number}" for number in range(40)]
    for name in names:
        supervisor.start(name, hang)
    supervisor.start("good", obey)
    began = time.monotonic()
    assert not supervisor.stop(0.2)
    assert time.monotonic() - began < 0.2 * len(names) / 2  # not one after the other
    assert f"not waited for any longer: {', '.join(names)}" in caplog.text
    release.set()


def test_stopping_waits_for_nobody_who_backs_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 60.0)
    caplog.set_level(sys.maxsize)
    supervisor = Supervisor(lambda _: None)
    stage, starts = failing(1, ValueError())
    supervisor.start("weak", stage)
    wait_until("it failed", lambda: bool(starts))
    assert supervisor.stop(1.0)


@pytest.mark.expects_warnings
def test_a_stage_that_hangs_is_seen_and_one_that_waits_is_not() -> None:
    hang, supervisor = threading.Event(), Supervisor(lambda _: None)

    def waits(stop: threading.Event) -> None:
        stop.wait()

    def hangs(stop: threading.Event) -> None:
        hang.wait()

    def works(stop: threading.Event) -> None:
        while not stop.is_set():
            hang.wait(0.01)

    for stage in (waits, hangs, works):
        supervisor.start(stage.__name__, stage)
    supervisor.start("not watched", hangs, watched=False)
    wait_until("the hanging stage is seen", lambda: supervisor.stuck(1.0) == ["hangs"])
    hang.set()
    assert supervisor.stop()
