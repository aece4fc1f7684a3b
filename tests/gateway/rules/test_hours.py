"""Hours of the day in the post's zone, and what holds while nobody knows the time."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from gateway.contract.entries import TimeQuality
from gateway.rules.hours import Almanac, Hours, Span, span_of

LIMA = ZoneInfo("America/Lima")
WALL_MS = 1_790_000_000_000  # 09:13 in Lima
ALWAYS = Hours((), frozenset(), None, False)


@pytest.mark.parametrize(
    ("text", "span", "inside", "outside"),
    [
        ("18:00-06:00", Span(1080, 360), [1080, 0, 359], [360, 1079]),
        ("08:30 - 17:15", Span(510, 1035), [510, 1034], [509, 1035]),
        ("12:00-24:00", Span(720, 1440), [1439], [0, 719]),
        ("22:00-00:00", Span(1320, 0), [1439], [0]),
    ],
)
def test_spans_begin_and_end_on_the_minute(text: str, span: Span, inside: list[int], outside: list[int]) -> None:
    assert span_of(text) == span
    assert all(span.holds(minute) for minute in inside)
    assert not any(span.holds(minute) for minute in outside)


@pytest.mark.parametrize("text", ["", "6-18", "25:00-03:00", "10:60-11:00", "10:00", "10:00-10:00"])
def test_what_is_no_span_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        span_of(text)


def test_the_minute_is_of_the_zone() -> None:
    moment = Almanac(LIMA, None).at(WALL_MS, TimeQuality.NTP)
    assert moment is not None
    assert divmod(moment.minute, 60) == (9, 13)
    assert moment.light is None
    auckland = Almanac(ZoneInfo("Pacific/Auckland"), None).at(WALL_MS, TimeQuality.NTP)
    assert auckland is not None
    assert divmod(auckland.minute, 60) == (2, 13)


@pytest.mark.parametrize(("wall_ms", "quality"), [(WALL_MS, TimeQuality.UNTRUSTED), (-1, 2), (2**62, 2)])
def test_a_time_that_nobody_vouches_for_is_none(wall_ms: int, quality: int) -> None:
    moment = Almanac(LIMA, (-3, -72)).at(wall_ms, quality)
    assert moment is None
    assert ALWAYS.hold(moment)
    assert Hours((Span(0, 1),), frozenset(), None, True).hold(moment)
    assert not Hours((), frozenset({"day"}), None, False).hold(moment)


def test_all_that_is_told_must_hold() -> None:
    moment = Almanac(LIMA, (-3, -72)).at(WALL_MS, TimeQuality.SYSTEM)
    morning = Span(540, 600)
    assert Hours((Span(0, 60), morning), frozenset({"day"}), "bright", False).hold(moment)
    assert not Hours((morning,), frozenset({"night"}), None, True).hold(moment)
    assert not Hours((morning,), frozenset(), "dark", True).hold(moment)
    # Where nobody knows the place, the sun is as unknown as the hour of a clock that nobody set.
    nowhere = Almanac(LIMA, None).at(WALL_MS, TimeQuality.NTP)
    assert Hours((), frozenset({"night"}), None, True).hold(nowhere)
    assert not Hours((), frozenset({"day"}), None, False).hold(nowhere)
