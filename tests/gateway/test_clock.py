"""Every reading carries the quality of its time, and no clock makes a time that cannot travel."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Clock, FrozenTime, Moment, boot_id, freeze, kernel_error_ms
from gateway.contract.entries import TimeQuality
from gateway.contract.rows import MAX_TIME_MS

NTP, RECOVERED, SYSTEM, UNTRUSTED = (
    TimeQuality.NTP,
    TimeQuality.RECOVERED,
    TimeQuality.SYSTEM,
    TimeQuality.UNTRUSTED,
)
MONDAY = 1_763_829_000_000
SET = Moment(600_000, MONDAY, NTP, 16)
UNSET = Moment(600_000, 5_000, UNTRUSTED, 0)


@pytest.mark.parametrize("quality", [q for q in TimeQuality if q is not UNTRUSTED])
@pytest.mark.parametrize("same_boot", [True, False])
@pytest.mark.parametrize("now", [SET, UNSET])
def test_a_trusted_time_stands(quality: TimeQuality, same_boot: bool, now: Moment) -> None:
    then = Moment(1_000, MONDAY - 77, quality, 4)
    assert freeze(then, same_boot, now) == FrozenTime(MONDAY - 77, quality, 4)


def test_an_untrusted_time_of_this_boot_is_reckoned_back_from_a_trusted_now() -> None:
    then = Moment(100_000, 3_000, UNTRUSTED, 0)  # 1970, as far as the machine knew; 500 s ago, as far as it counted
    assert freeze(then, True, SET) == FrozenTime(MONDAY - 500_000, RECOVERED, 16)


def test_without_a_trusted_now_a_time_stays_what_the_machine_had() -> None:
    then = Moment(100_000, 3_000, UNTRUSTED, 0)
    assert freeze(then, True, UNSET) == FrozenTime(3_000, UNTRUSTED, 0)


@pytest.mark.parametrize("now", [SET, UNSET])
def test_a_time_of_an_earlier_boot_cannot_be_mended(now: Moment) -> None:
    then = Moment(100_000, 3_000, UNTRUSTED, 0)
    assert freeze(then, False, now) == FrozenTime(3_000, UNTRUSTED, 0)


@pytest.mark.parametrize("wall_ms", [-1, -31_536_000_000, MAX_TIME_MS + 1, 2**60])
def test_a_time_that_cannot_travel_is_believed_by_nobody(wall_ms: int) -> None:
    bound = 0 if wall_ms < 0 else MAX_TIME_MS
    for quality, same_boot in itertools.product(TimeQuality, (True, False)):
        frozen = freeze(Moment(0, wall_ms, quality, 9), same_boot, UNSET)
        assert frozen == FrozenTime(bound, UNTRUSTED, 0)


def test_a_recovered_time_before_1970_is_believed_by_nobody() -> None:
    now = Moment(600_000, 1_000, SYSTEM, 0)
    assert freeze(Moment(0, 0, UNTRUSTED, 0), True, now) == FrozenTime(0, UNTRUSTED, 0)


moments = st.builds(
    Moment,
    st.integers(-(2**40), 2**40),
    st.integers(-(2**62), 2**62),
    st.sampled_from(TimeQuality),
    st.integers(0, 10**9),
)


@given(moments, st.booleans(), moments)
def test_whatever_the_clocks_say_the_time_can_travel(then: Moment, same_boot: bool, now: Moment) -> None:
    frozen = freeze(then, same_boot, now)
    assert 0 <= frozen.time_ms <= MAX_TIME_MS
    assert frozen.uncertainty_ms >= 0
    # Nothing becomes better than it was, but for what is reckoned back within one boot.
    if then.quality is UNTRUSTED:
        assert frozen.quality in ({UNTRUSTED, RECOVERED} if same_boot and now.quality is not UNTRUSTED else {UNTRUSTED})


def test_the_kernel_tells_its_error_or_that_it_has_none() -> None:
    error_ms = kernel_error_ms()
    assert error_ms is None or 0 <= error_ms < 2**31


def test_now_counts_up_and_says_who_vouches() -> None:
    clock = Clock("system")
    first, second = clock.now(), clock.now()
    assert first.boot_ms <= second.boot_ms
    assert abs(first.wall_ms - time.time() * 1000) < 60_000
    assert (first.quality, first.uncertainty_ms) == (SYSTEM, 0)


def test_ntp_is_believed_only_while_the_kernel_says_so() -> None:
    before = kernel_error_ms()
    now = Clock("ntp").now()
    after = kernel_error_ms()
    if before is None and after is None:
        assert (now.quality, now.uncertainty_ms) == (UNTRUSTED, 0)
    elif before is not None and after is not None:
        assert now.quality is NTP
        assert now.uncertainty_ms >= min(before, after)  # rounded up, so that the bound stays true


def test_the_boot_has_a_name() -> None:
    assert boot_id() == boot_id()
    assert len(boot_id()) == 36
