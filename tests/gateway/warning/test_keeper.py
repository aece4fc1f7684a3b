"""What was not given before a restart is given after it, once; and a bad disk keeps nobody from being warned."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.warning import keeper
from gateway.warning.untold import UntoldFile
from tests.gateway.warning.posts import Post
from tests.gateway.watch.facts_made import raised
from tests.support.waiting import wait_until

SLOW = {"output": "log", "name": "despacio", "repeat_s": 3600.0}
LOG = {"output": "log", "name": "diario"}
SIREN = {"output": "siren", "name": "sirena", "pin": 17, "repeat_s": 0, "pattern": [0.1, 0.05], "seconds": 600}
BOOT = "this boot"


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "gateway.alerts"]


@contextmanager
def kept(
    path: Path,
    *settings: dict[str, object],
    at_ms: int | None = None,
    is_recalled: Callable[[], bool] = lambda: True,
    seen_to: tuple[int, ...] = (),
) -> Iterator[Post]:
    """A post that keeps what it has not given in a file, until a clean stop. at_ms: since boot, in place of now."""
    post = Post(settings)
    now = lambda: Moment(at_ms or time.monotonic_ns() // 1_000_000, 0, TimeQuality.UNTRUSTED, 0)  # noqa: E731
    post.warnings.open(UntoldFile(path, BOOT, now), is_recalled, lambda number: number in seen_to)
    stop = threading.Event()
    writer = threading.Thread(target=post.warnings.keep, args=(stop,))
    writer.start()
    try:
        with post.running():
            try:
                yield post
            finally:
                stop.set()
    finally:
        writer.join(10.0)
        post.warnings.close()


def left_waiting(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One is told, two wait for the output's pause, and the gateway ends."""
    with kept(path, SLOW) as post:
        post.warnings.warn(raised(1, label="chainsaw"))
        wait_until("the first is told", lambda: post.state("despacio").sent == 1)
        post.warnings.warn(raised(2, label="gunshot"))
        wait_until("the second waits", lambda: post.state("despacio").waiting == 1)
    assert post.counts == {}


@pytest.mark.expects_warnings
def test_it_is_told_at_once_after_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    left_waiting(tmp_path / "untold.json", caplog)
    for _ in range(2):  # and at the start after that nobody is told again
        with kept(tmp_path / "untold.json", SLOW):
            wait_until("it is told", lambda: len(told(caplog)) == 2)
    assert "Disparo" in told(caplog)[1]
    assert not (tmp_path / "untold.json").exists()


@pytest.mark.expects_warnings
def test_what_is_too_late_or_has_no_output_any_more_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "untold.json"
    left_waiting(path, caplog)
    late_ms = time.monotonic_ns() // 1_000_000 + 10_000_000
    with kept(path, SLOW, at_ms=late_ms) as post:
        wait_until("it is too late", lambda: post.counts == {("warning despacio", "warning_too_late"): 1})
        assert post.state("despacio").too_late == 1
        wait_until("it is off the disk", lambda: not path.exists())
    left_waiting(path, caplog)
    with kept(path, LOG) as post:
        assert post.counts == {("warning despacio", "warning_too_late"): 1}
        wait_until("it is off the disk", lambda: not path.exists())
    assert len(told(caplog)) == 2


def test_a_siren_that_a_restart_cuts_short_sounds_again_with_all_that_it_stands_for(
    factory: MockFactory, tmp_path: Path
) -> None:
    path = tmp_path / "untold.json"
    with kept(path, SIREN) as post:
        post.warnings.warn(raised(1))
        wait_until("it sounds", lambda: factory.pin(17).state is True)
        for number in (2, 3):
            post.warnings.warn(raised(number))
        assert path.exists()
    assert post.state("sirena").sent == 0
    for _ in range(2):
        ready = threading.Event()
        with kept(path, SIREN, is_recalled=ready.is_set, seen_to=(1,)) as post:
            assert post.state("sirena").waiting == 1  # those who wait and what was cut short are told in one
            ready.set()
            wait_until("it sounds", lambda: factory.pin(17).state is True)
    with kept(path, SIREN) as post:
        wait_until("it sounds", lambda: factory.pin(17).state is True)
        post.warnings.acknowledged(1)
        post.warnings.acknowledged(2)
        assert post.state("sirena").sent == 0
        post.warnings.acknowledged(3)
        wait_until("it ends", lambda: post.state("sirena").sent == 1)
        wait_until("it is off the disk", lambda: not path.exists())
    assert not post.counts


def test_nothing_sounds_for_what_was_seen_to(factory: MockFactory, tmp_path: Path) -> None:
    path = tmp_path / "untold.json"
    with kept(path, SIREN) as post:
        post.warnings.warn(raised(1))
        wait_until("it sounds", lambda: factory.pin(17).state is True)
    sounded = len(factory.pin(17).states)
    with kept(path, SIREN, seen_to=(1,)) as post:
        wait_until("it is off the disk", lambda: not path.exists())
        assert post.state("sirena").sent == 0
        assert True not in [state.state for state in factory.pin(17).states[sounded:]]


def test_a_siren_that_sounded_is_not_late_and_nobody_hears_twice_what_the_rules_tell_anew(
    factory: MockFactory, tmp_path: Path
) -> None:
    path, lamp = tmp_path / "untold.json", SIREN | {"output": "lamp", "too_late_s": 1}
    with kept(path, lamp) as post:
        post.warnings.warn(raised(1))
        wait_until("it shines", lambda: factory.pin(17).state is True)
    with kept(path, lamp, at_ms=time.monotonic_ns() // 1_000_000 + 500_000, is_recalled=lambda: False) as post:
        assert post.state("sirena").waiting == 1
        post.warnings.warn(raised(1))
        wait_until("it shines", lambda: factory.pin(17).state is True)
        assert post.state("sirena").waiting == 0
    assert not post.counts


@pytest.mark.expects_warnings
def test_the_number_of_those_it_stands_for_comes_over_the_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with kept(tmp_path / "untold.json", SLOW) as post:
        for number in range(1, 100):
            post.warnings.warn(raised(number))
        wait_until("those that wait are merged", lambda: post.state("despacio").waiting == 32)
        tail = post.warnings.desks[0].untold()[-1].more
        assert tail > 0
    with kept(tmp_path / "untold.json", SLOW) as post:
        wait_until("the next is told", lambda: post.state("despacio").sent == 1)
        assert post.warnings.desks[0].untold()[-1].more == tail


@pytest.mark.expects_warnings
def test_a_disk_that_takes_nothing_keeps_nobody_from_being_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_RETRY_S", 0.1)
    path = tmp_path / "gone" / "untold.json"
    with kept(path, SLOW, LOG) as post:
        for number in (1, 2, 3):
            post.warnings.warn(raised(number))
        wait_until("all are told", lambda: post.state("diario").sent == 3)
        not_kept = post.counts["warning despacio", "warning_not_kept"]
        assert not_kept in (2, 3)  # the first may be given before anybody tried
        said = [record for record in caplog.records if "not kept" in record.getMessage()]
        assert [record.levelno for record in said if record.levelno >= logging.WARNING] == [logging.WARNING]
        path.parent.mkdir()
        wait_until("they are kept again", path.exists)
        post.warnings.warn(raised(4))
        assert post.counts["warning despacio", "warning_not_kept"] == not_kept
    assert len(UntoldFile(path, BOOT, lambda: Moment(0, 0, TimeQuality.NTP, 0)).read()) == 3


@pytest.mark.expects_warnings
def test_a_disk_that_does_not_come_back_delays_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_RETRY_S", 0.1)
    path, unfinished = tmp_path / "untold.json", tmp_path / "untold.json.part"
    os.mkfifo(unfinished)  # whoever opens it to write hangs until somebody reads
    with kept(path, SLOW, LOG) as post:
        began = time.monotonic()
        for number in range(1, 31):
            post.warnings.warn(raised(number))
        assert time.monotonic() - began < 10.0  # one has waited, half a second, and not all
        wait_until("all are told", lambda: post.state("diario").sent == 30)
        reader = os.open(unfinished, os.O_RDONLY | os.O_NONBLOCK)
        unfinished.unlink()
        try:
            wait_until("it is on disk after all", path.exists)
        finally:
            os.close(reader)


def test_nothing_is_written_in_quiet_times(factory: MockFactory, tmp_path: Path) -> None:
    path = tmp_path / "untold.json"
    with kept(path, SIREN | {"seconds": 0.1}) as post:
        changed_ns = tmp_path.stat().st_mtime_ns
        post.warnings.test("sirena")
        wait_until("a test", lambda: post.state("sirena").sent == 1)
        post.warnings.acknowledged(1)
        post.warnings.warn(raised(1, level="notice"))  # not for it
    assert tmp_path.stat().st_mtime_ns == changed_ns
