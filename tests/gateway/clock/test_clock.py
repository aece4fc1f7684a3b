"""Every reading carries the quality of its time, and no clock makes a time that cannot travel."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock.clock import Clock, freeze
from gateway.clock.machine import boot_id, kernel_error_ms
from gateway.clock.moments import FrozenTime, Moment
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


class _Boot:
    """Time since boot, moved by the test; the machine's own clock is disciplined by nobody."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ms = 100_000
        monkeypatch.setattr("gateway.clock.clock._boot_ms", lambda: self.ms)
        monkeypatch.setattr("gateway.clock.clock.kernel_error_ms", lambda: None)


def test_a_gps_is_believed_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = _Boot(monkeypatch)
    clock = Clock("ntp")
    assert clock.now().quality is UNTRUSTED
    clock.hear_gps(MONDAY)
    boot.ms += 60_000
    assert clock.now() == Moment(160_000, MONDAY + 60_000, TimeQuality.GPS, 1024)
    boot.ms += 1
    assert clock.now().quality is UNTRUSTED


def test_of_what_a_gps_says_the_least_late_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = _Boot(monkeypatch)
    clock = Clock("ntp")
    for second, late_ms in enumerate((4_000, 300, 700, 90_000)):
        boot.ms = 100_000 + second * 1000
        clock.hear_gps(MONDAY + second * 1000 - late_ms)
    assert clock.now().wall_ms == MONDAY + 3_000 - 300
    # A wrong one in the future is believed for a minute, no longer.
    clock.hear_gps(MONDAY + 86_400_000)
    for second in range(4, 66):
        boot.ms = 100_000 + second * 1000
        clock.hear_gps(MONDAY + second * 1000 - 300)
    assert clock.now().wall_ms == MONDAY + 65_000 - 300


def test_ntp_is_believed_before_a_gps_and_the_operator_before_both(monkeypatch: pytest.MonkeyPatch) -> None:
    _Boot(monkeypatch)
    for trust, quality in (("ntp", NTP), ("system", SYSTEM)):
        monkeypatch.setattr("gateway.clock.clock.kernel_error_ms", lambda: 3)
        clock = Clock("ntp" if trust == "ntp" else "system")
        clock.hear_gps(MONDAY)
        assert clock.now().quality is quality


def test_what_was_heard_before_the_gps_gets_its_time_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = _Boot(monkeypatch)
    clock = Clock("ntp")
    then = clock.now()
    boot.ms += 50_000
    clock.hear_gps(MONDAY)
    assert freeze(then, True, clock.now()) == FrozenTime(MONDAY - 50_000, RECOVERED, 1024)
