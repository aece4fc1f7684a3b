"""Sun and moon against almanacs."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.sky import SUNSET_DEGREES, light, moon_lit_ratio, sun_elevation_degrees


def ms(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("place", "rise_or_set"),
    [
        # Sunrise and sunset, UTC, as NOAA's solar calculator and national almanacs print them, to the minute.
        ((51.4779, 0.0), "2024-06-20T03:43"),  # Greenwich, solstice
        ((51.4779, 0.0), "2024-06-20T20:21"),
        ((51.4779, 0.0), "2024-12-21T08:04"),
        ((51.4779, 0.0), "2024-12-21T15:53"),
        ((0.0, 0.0), "2024-03-20T06:04"),  # the equator at the equinox
        ((0.0, 0.0), "2024-03-20T18:10"),
    ],
)
def test_the_sun_is_at_the_horizon_when_almanacs_say_so(place: tuple[float, float], rise_or_set: str) -> None:
    # The sun moves a quarter degree a minute at the most.
    assert sun_elevation_degrees(ms(rise_or_set), *place) == pytest.approx(SUNSET_DEGREES, abs=0.3)


def test_the_sun_stands_highest_at_noon_and_the_poles_have_their_day() -> None:
    assert sun_elevation_degrees(ms("2024-03-20T12:07"), 0, 0) == pytest.approx(90, abs=0.5)
    assert sun_elevation_degrees(ms("2024-06-20T17:00"), -3, -75) == pytest.approx(90 - 26.4, abs=0.5)
    assert light(ms("2024-06-20T00:00"), 80, 0) == "day"
    assert light(ms("2024-12-20T12:00"), 80, 0) == "night"


def test_evening_goes_from_day_over_twilight_to_night() -> None:
    lights = [light(ms("2026-09-21T22:00") + minute * 60_000, -3, -72) for minute in range(120)]
    assert list(dict.fromkeys(lights)) == ["day", "twilight", "night"]
    assert 18 <= lights.count("twilight") <= 25  # short, near the equator


@pytest.mark.parametrize(
    ("moment", "lit"),
    [
        # Phases, UTC, US Naval Observatory.
        ("2024-01-11T11:57", 0.0),
        ("2024-01-18T03:53", 0.5),
        ("2024-01-25T17:54", 1.0),
        ("2024-02-02T23:18", 0.5),
        ("2025-12-04T23:14", 1.0),
    ],
)
def test_the_moon_is_lit_as_almanacs_say(moment: str, lit: float) -> None:
    assert moon_lit_ratio(ms(moment)) == pytest.approx(lit, abs=0.01)


@given(st.integers(0, 4_102_444_799_999), st.floats(-90, 90), st.floats(-180, 180))
def test_any_time_and_place_has_a_sun_and_a_moon(unix_ms: int, latitude: float, longitude: float) -> None:
    assert -90 <= sun_elevation_degrees(unix_ms, latitude, longitude) <= 90
    assert 0 <= moon_lit_ratio(unix_ms) <= 1
