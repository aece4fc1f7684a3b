"""Headquarters judges nobody's time while its own clock is plainly wrong, and waits no longer than it must."""

from __future__ import annotations

import time

import pytest

from ingest.clock import EARLIEST_MS, HeadquartersClock, kernel_is_synchronised
from ingest.errors import RetryLater

MONDAY = 1_763_829_000_000
DAY = 86_400_000


class Told:
    """What a machine says."""

    def __init__(self, now_ms: int, *, synchronised: bool = False) -> None:
        self.now_ms = now_ms
        self.synchronised = synchronised
        self.since_s = 0.0

    def clock(self, latest_ms: int = 0) -> HeadquartersClock:
        return HeadquartersClock(
            latest_ms,
            now_ms=lambda: self.now_ms,
            is_synchronised=lambda: self.synchronised,
            since_s=lambda: self.since_s,
        )


@pytest.mark.parametrize("latest_ms", [0, MONDAY, MONDAY + DAY])
def test_a_clock_that_may_be_right_is_believed(latest_ms: int) -> None:
    assert Told(MONDAY).clock(latest_ms).require() == MONDAY


def test_one_that_somebody_corrects_is_believed_whatever_the_journal_says() -> None:
    assert Told(MONDAY, synchronised=True).clock(MONDAY + 900 * DAY).require() == MONDAY


def test_one_before_vigia_exists_is_waited_for_as_long_as_it_takes() -> None:
    told = Told(EARLIEST_MS - 1)
    clock = told.clock()
    for _ in range(100):
        told.since_s += 3_600
        with pytest.raises(RetryLater, match="before Vigía exists") as caught:
            clock.require()
        assert caught.value.retry_after_s == 10
    told.now_ms = MONDAY
    assert clock.require() == MONDAY


def test_one_behind_the_journal_is_waited_for_for_an_hour() -> None:
    told = Told(MONDAY)
    clock = told.clock(MONDAY + DAY + 1)
    with pytest.raises(RetryLater, match=r"before the journal's last message \(2025-11-23"):
        clock.require()
    told.since_s = 3_599
    with pytest.raises(RetryLater):
        clock.require()
    told.since_s = 3_600  # the journal was written with a wrong clock, then
    assert clock.require() == MONDAY


def test_this_machine_can_be_asked() -> None:
    assert kernel_is_synchronised() in (True, False)
    assert abs(HeadquartersClock().require() - time.time() * 1000) < 60_000
