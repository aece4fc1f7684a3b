"""What an output could not say before the gateway was told to end is said at the next start, once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.gateway.warning.posts import Post, running
from tests.gateway.watch.facts_made import raised
from tests.support.waiting import wait_until

SLOW = {"output": "log", "name": "despacio", "repeat_s": 3600.0}
BOOT = "this boot"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "gateway.alerts"]


def left_waiting(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One is told, another waits for the output's pause, and the gateway ends."""
    with running(SLOW) as post:
        post.warnings.warn(raised(1, label="chainsaw"))
        wait_until("the first is told", lambda: len(told(caplog)) == 1)
        post.warnings.warn(raised(2, label="gunshot"))
        wait_until("the second waits", lambda: post.state("despacio").waiting == 1)
    post.warnings.keep_untold(path, BOOT, 10_000)
    assert post.counts == {}


@pytest.mark.expects_warnings
def test_it_is_told_at_once_after_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    left_waiting(tmp_path / "untold.json", caplog)
    for _ in range(2):  # and at the start after that nobody is told again
        with running(SLOW) as post:
            post.warnings.take_up_untold(tmp_path / "untold.json", BOOT, 12_000)
            wait_until("it is told", lambda: len(told(caplog)) == 2)
        post.warnings.keep_untold(tmp_path / "untold.json", BOOT, 13_000)
    assert "Disparo" in told(caplog)[1]
    assert not (tmp_path / "untold.json").exists()


@pytest.mark.expects_warnings
@pytest.mark.parametrize(("boot", "boot_ms"), [("another boot", 12_000), (BOOT, 10_000_000)])
def test_nobody_is_told_late_or_when_nobody_knows_how_late(
    boot: str, boot_ms: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    left_waiting(tmp_path / "untold.json", caplog)
    with running(SLOW) as post:
        post.warnings.take_up_untold(tmp_path / "untold.json", boot, boot_ms)
        post.warnings.test("despacio")
        wait_until("it has worked since", lambda: len(told(caplog)) == 2)
    assert "PRUEBA" in told(caplog)[1]


@pytest.mark.expects_warnings
def test_a_file_that_cannot_be_read_or_written_is_no_obstacle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "untold.json").write_text("{")
    post = Post([SLOW])
    post.warnings.take_up_untold(tmp_path / "untold.json", BOOT, 0)
    post.warnings.warn(raised(1, label="chainsaw"))
    post.warnings.keep_untold(tmp_path / "no" / "such" / "untold.json", BOOT, 0)
    assert post.counts == {("warning despacio", "warning_too_late"): 1}
