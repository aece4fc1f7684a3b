"""The rules' time never goes back, keeps distances within a boot, and goes on over reboots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock.moments import Moment
from gateway.clock.steady import Steady, SteadyPoint
from gateway.contract.entries import TimeQuality

MONDAY = 1_763_829_000_000
HOUR = 3_600_000


def moment(boot_ms: int, wall_ms: int = 5_000, *, trusted: bool = False) -> Moment:
    return Moment(boot_ms, wall_ms, TimeQuality.NTP if trusted else TimeQuality.UNTRUSTED, 512)


def test_within_a_boot_the_wall_clock_does_not_matter() -> None:
    steady = Steady(None, "a")
    first = steady.at(moment(60_000, MONDAY, trusted=True))
    assert steady.at(moment(61_000, MONDAY - 86_400_000, trusted=True)) == first + 1_000
    assert steady.at(moment(62_500, 0)) == first + 2_500


def test_a_restart_within_a_boot_is_no_gap() -> None:
    point = SteadyPoint(1_000_000, "a", moment(60_000))
    assert Steady(point, "a").at(moment(90_000)) == 1_030_000


@pytest.mark.parametrize(
    ("before", "after", "gap_ms"),
    [
        (moment(60_000, MONDAY, trusted=True), moment(30_000, MONDAY + 2 * HOUR, trusted=True), 2 * HOUR),
        (moment(60_000, MONDAY, trusted=True), moment(30_000, MONDAY - 2 * HOUR, trusted=True), 30_000),
        (moment(60_000, MONDAY, trusted=True), moment(30_000, MONDAY + 2 * HOUR), 30_000),
        (moment(60_000, MONDAY), moment(30_000, MONDAY + 2 * HOUR, trusted=True), 30_000),
    ],
)
def test_over_a_reboot_it_goes_on_by_what_is_sure(before: Moment, after: Moment, gap_ms: int) -> None:
    steady = Steady(SteadyPoint(1_000_000, "a", before), "b")
    assert steady.at(after) == 1_000_000 + gap_ms
    assert steady.at(moment(after.boot_ms + 500, MONDAY + 9 * HOUR, trusted=True)) == 1_000_500 + gap_ms


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(-(2**40), 2**40), st.integers(-(2**50), 2**50), st.booleans())
    )
)
def test_whatever_the_clocks_say_it_never_goes_back(moments: list[tuple[str, int, int, bool]]) -> None:
    point: SteadyPoint | None = None
    told = 0
    for boot, boot_ms, wall_ms, trusted in moments:
        steady = Steady(point, boot)
        now = steady.at(moment(boot_ms, wall_ms, trusted=trusted))
        assert now >= told
        told, point = now, steady.point
