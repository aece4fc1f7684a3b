"""New and full moons of almanacs, and clocks that are wrong by days."""

from __future__ import annotations

import datetime as dt

import pytest

from firmware_bridge.media.moon import PHASES, SYNODIC_DAYS, age_days, contradicts

# Astronomical almanacs (USNO, Espenak): moments of the four phases, UTC.
NEW = [(2000, 1, 6, 18, 14), (2017, 8, 21, 18, 30), (2024, 4, 8, 18, 21), (2026, 8, 12, 17, 37)]
FULL = [(2000, 1, 21, 4, 40), (2019, 1, 21, 5, 16), (2024, 4, 23, 23, 49), (2025, 3, 14, 6, 55)]


@pytest.mark.parametrize("when", NEW)
def test_new_moons(when: tuple[int, int, int, int, int]) -> None:
    age = age_days(dt.datetime(*when, tzinfo=dt.UTC))
    assert min(age, SYNODIC_DAYS - age) < 0.1


@pytest.mark.parametrize("when", FULL)
def test_full_moons(when: tuple[int, int, int, int, int]) -> None:
    assert age_days(dt.datetime(*when, tzinfo=dt.UTC)) == pytest.approx(SYNODIC_DAYS / 2, abs=0.1)


def test_what_cameras_said_agrees_with_their_dates() -> None:
    """Public pictures: an HC500 of 2015-05-07 says waning gibbous, a HyperFire 2 of 2021-04-11 says new."""
    assert not contradicts(PHASES.index("waning_gibbous"), dt.datetime(2015, 5, 7, 14, 8, tzinfo=dt.UTC))
    assert not contradicts(PHASES.index("new"), dt.datetime(2021, 4, 11, 18, 43, tzinfo=dt.UTC))


@pytest.mark.parametrize("days", [-10, -6, 6, 10, 14])
def test_a_clock_that_is_wrong_by_days_is_found_out(days: int) -> None:
    for phase in (0, 2, 4, 6):
        middle = dt.datetime(2024, 4, 8, 18, 21, tzinfo=dt.UTC) + dt.timedelta(days=phase * SYNODIC_DAYS / 8)
        assert not contradicts(phase, middle)
        assert contradicts(phase, middle + dt.timedelta(days=days))


def test_every_phase_of_either_way_to_name_them_passes() -> None:
    new = dt.datetime(2024, 4, 8, 18, 21, tzinfo=dt.UTC)
    for hour in range(0, 29 * 24, 6):
        share = hour / 24 / SYNODIC_DAYS
        moment = new + dt.timedelta(hours=hour)
        assert not contradicts(round(share * 8) % 8, moment)
        between = 1 + 2 * int(share * 4)
        assert not contradicts(between, moment)


def test_a_phase_that_is_none_contradicts_nothing() -> None:
    assert not contradicts(99, dt.datetime(2024, 4, 8, tzinfo=dt.UTC))
