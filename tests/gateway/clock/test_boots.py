"""What boots say of each other: bounds from both sides, one offset a boot, nothing guessed in silence."""

from __future__ import annotations

import pytest

from gateway.clock.boots import EARLIEST_MS, Boot, Boots
from gateway.clock.moments import Anchor, Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.rows import MAX_TIME_MS

MONDAY = 1_763_829_000_000
HOUR = 3_600_000
NTP, RECOVERED, UNTRUSTED = TimeQuality.NTP, TimeQuality.RECOVERED, TimeQuality.UNTRUSTED

KNOWN = Boot(1, "a", seen_ms=2 * HOUR, first=Anchor(0, MONDAY, 512), last=Anchor(2 * HOUR, MONDAY + 2 * HOUR, 512))
"""It ran from Monday for two hours, with a trusted clock."""


def dark(number: int, name: str, after: Boot, *, ran_ms: int = HOUR, wall_ms: int = 0) -> Boot:
    """A boot in which nobody vouched for the clock, which said wall_ms when it came up."""
    return Boot(number, name, after.ends_after_ms(), ran_ms, wall_ms)


def trusted(boot_ms: int, wall_ms: int) -> Moment:
    return Moment(boot_ms, wall_ms, NTP, 512)


def test_a_moment_before_the_first_trusted_one_of_its_boot_is_reckoned_back() -> None:
    boots = Boots((), "now")
    boots.note(trusted(HOUR, MONDAY))
    assert boots.freeze(HOUR - 100, 5_000, "now") == (MONDAY - 100, RECOVERED, 1024)
    boots.note(trusted(40 * HOUR, MONDAY + 39 * HOUR))  # much later the first still says it best
    assert boots.freeze(HOUR - 100, 5_000, "now") == (MONDAY - 100, RECOVERED, 1024)


def test_trusted_moments_that_contradict_each_other_are_both_within_the_bounds() -> None:
    boots = Boots((), "now")
    boots.note(trusted(HOUR, MONDAY))
    boots.note(trusted(2 * HOUR, MONDAY + 900 * HOUR))
    frozen = boots.freeze(HOUR, 0, "now")
    assert frozen.time_ms - frozen.uncertainty_ms <= MONDAY - 512
    assert frozen.time_ms + frozen.uncertainty_ms >= MONDAY + 899 * HOUR + 512


def test_a_boot_without_time_lies_between_its_neighbours() -> None:
    boots = Boots([KNOWN, dark(2, "b", KNOWN)], "now")
    boots.note(trusted(60_000, MONDAY + 24 * HOUR))
    earliest, latest = MONDAY + 2 * HOUR, MONDAY + 24 * HOUR - 60_000 - HOUR  # when it came up
    for boot_ms in (0, 1_000, HOUR):
        frozen = boots.freeze(boot_ms, 5_000, "b")
        middle = (earliest + latest) // 2 + boot_ms
        assert frozen.quality is UNTRUSTED
        assert abs(frozen.time_ms - middle) <= 1_000
        assert (latest - earliest) // 2 <= frozen.uncertainty_ms <= latest - earliest + 10_000
    assert boots.freeze(HOUR, 0, "b").time_ms - boots.freeze(0, 0, "b").time_ms == HOUR


def test_what_the_wall_clock_said_stands_where_it_can_be() -> None:
    told = MONDAY + 5 * HOUR
    boots = Boots([KNOWN, dark(2, "b", KNOWN, wall_ms=told)], "now")
    boots.note(trusted(60_000, MONDAY + 24 * HOUR))
    frozen = boots.freeze(7_000, 99, "b")
    assert frozen.time_ms == told + 7_000
    assert frozen.time_ms + frozen.uncertainty_ms >= MONDAY + 23 * HOUR - 60_000


def test_dark_boots_in_a_row_leave_each_other_room() -> None:
    first = dark(2, "b", KNOWN)
    boots = Boots([KNOWN, first, dark(3, "c", first, ran_ms=20 * HOUR)], "now")
    boots.note(trusted(0, MONDAY + 24 * HOUR))
    frozen = boots.freeze(0, 0, "b")  # it came up within the hour that is left for it
    assert abs(frozen.time_ms - (MONDAY + 2 * HOUR + HOUR // 2)) < 10_000
    assert frozen.uncertainty_ms <= HOUR + 60_000
    later = boots.freeze(20 * HOUR, 0, "c")
    assert later.time_ms - frozen.time_ms >= HOUR


def test_without_a_later_bound_that_is_said() -> None:
    boots = Boots([KNOWN], "now")
    boots.note(Moment(1_000, 1_000, UNTRUSTED, 0))
    frozen = boots.freeze(1_000, 1_000, "now")
    assert frozen == (KNOWN.ends_after_ms() + 1_000, UNTRUSTED, MAX_TIME_MS)
    boots.note(Moment(2_000, MONDAY + 99 * HOUR, UNTRUSTED, 0))  # someone set it by hand
    assert boots.freeze(1_000, 1_000, "now") == (MONDAY + 99 * HOUR - 1_000, UNTRUSTED, MAX_TIME_MS)


def test_a_boot_that_was_lost_is_before_the_present_one_and_no_more() -> None:
    boots = Boots([KNOWN], "now")
    boots.note(trusted(HOUR, MONDAY + 24 * HOUR))
    frozen = boots.freeze(0, 0, "lost")
    assert frozen.time_ms - frozen.uncertainty_ms <= EARLIEST_MS
    assert frozen.time_ms + frozen.uncertainty_ms >= MONDAY + 23 * HOUR + 512


def test_a_trusted_time_that_was_wrong_makes_no_bounds_that_exclude_each_other() -> None:
    wrong = KNOWN._replace(last=Anchor(2 * HOUR, MONDAY + 9_000 * HOUR, 512))
    boots = Boots([wrong, dark(2, "b", wrong)], "now")
    boots.note(trusted(0, MONDAY + 24 * HOUR))
    frozen = boots.freeze(0, 0, "b")
    assert frozen.time_ms - frozen.uncertainty_ms <= MONDAY <= frozen.time_ms + frozen.uncertainty_ms


@pytest.mark.parametrize("boot_ms", [-(2**45), 2**45])
def test_a_time_that_no_message_could_carry_is_believed_by_nobody(boot_ms: int) -> None:
    boots = Boots((), "now")
    boots.note(trusted(0, MONDAY))
    frozen = boots.freeze(boot_ms, 0, "now")
    assert frozen == (0 if boot_ms < 0 else MAX_TIME_MS, UNTRUSTED, MAX_TIME_MS)


def test_what_is_counted_on_is_no_new_word() -> None:
    boots = Boots((), "now")
    boots.note(trusted(0, MONDAY))
    boots.note(Moment(HOUR, MONDAY + HOUR, RECOVERED, 1024))
    assert boots.present.last == Anchor(0, MONDAY, 512)


def test_the_card_is_spared() -> None:
    boots = Boots((), "now")
    written = 0
    for second in range(3_600):
        boots.note(trusted(second * 1_000, MONDAY + second * 1_000))
        if boots.is_due():
            written += 1
            boots.saved()
    assert written == 12


def test_boots_are_forgotten_when_nothing_waits_from_them() -> None:
    second = dark(2, "b", KNOWN)
    boots = Boots([KNOWN, second], "now")
    assert [boot.name for boot in boots.keep(["b", "now"])] == ["b", "now"]
    assert [boot.name for boot in boots.keep(["now"])] == ["now"]
    assert boots.present.not_before_ms == second.ends_after_ms()  # what they said of the present stays


def test_boots_of_a_file_that_was_away_come_first() -> None:
    boots = Boots((), "now")  # in memory, the card was not there
    boots.note(trusted(0, MONDAY + 24 * HOUR))
    boots.join([KNOWN, dark(2, "b", KNOWN)])
    assert [(boot.number, boot.name) for boot in boots.keep(["a", "now"])] == [(1, "a"), (2, "b"), (3, "now")]
    assert boots.freeze(0, 0, "b").uncertainty_ms < 24 * HOUR
