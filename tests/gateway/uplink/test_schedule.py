"""When the link may be open: hours of the day in any zone, a cycle while nobody knows the hour."""

from __future__ import annotations

import datetime as dt
import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.uplink.schedule import Always, Cycle, Opening, Windows, schedule_of
from gateway.uplink.settings import DAYS, UplinkSettings, WindowSettings

LIMA = ZoneInfo("America/Lima")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def at(words: str, zone: dt.tzinfo = LIMA, *, boot_s: float = 0.0, trusted: bool = True) -> Moment:
    wall = dt.datetime.fromisoformat(words).replace(tzinfo=zone).timestamp()
    quality = TimeQuality.NTP if trusted else TimeQuality.UNTRUSTED
    return Moment(round(boot_s * 1000), round(wall * 1000), quality, 0)


def windows(*told: WindowSettings, zone: dt.tzinfo = LIMA) -> Windows:
    return Windows(told, zone, Cycle(6 * HOUR, 10 * MINUTE))


def test_a_window_opens_and_closes_at_its_hour_in_the_posts_zone() -> None:
    schedule = windows(WindowSettings(start="06:00", minutes=10), WindowSettings(start="18:00", minutes=5))
    assert schedule.look(at("2026-11-22 05:59:00")) == Opening(False, 1 * MINUTE)
    assert schedule.look(at("2026-11-22 06:00:00")) == Opening(True, 10 * MINUTE)
    assert schedule.look(at("2026-11-22 06:09:30")) == Opening(True, 0.5 * MINUTE)
    assert schedule.look(at("2026-11-22 06:10:00")) == Opening(False, 11 * HOUR + 50 * MINUTE)
    assert schedule.look(at("2026-11-22 20:00:00")) == Opening(False, 10 * HOUR)
    assert schedule.look(at("2026-11-22 11:00:00", dt.UTC)) == Opening(True, 10 * MINUTE)


def test_only_on_its_days_and_over_midnight() -> None:
    schedule = windows(WindowSettings(start="23:50", minutes=30, days=["sun"]))  # 2026-11-22 is a Sunday
    assert schedule.look(at("2026-11-23 00:10:00")) == Opening(True, 10 * MINUTE)
    assert schedule.look(at("2026-11-23 00:20:00")) == Opening(False, 6 * DAY + 23 * HOUR + 30 * MINUTE)


def test_windows_that_touch_are_one() -> None:
    schedule = windows(WindowSettings(start="06:00", minutes=60), WindowSettings(start="07:00", minutes=30))
    assert schedule.look(at("2026-11-22 06:30:00")) == Opening(True, 60 * MINUTE)


def test_a_clock_that_nobody_vouches_for_is_not_asked_the_hour() -> None:
    schedule = windows(WindowSettings(start="06:00", minutes=10))
    assert schedule.look(at("1970-01-01 06:05:00", boot_s=30, trusted=False)) == Opening(True, 10 * MINUTE - 30)
    assert schedule.look(at("1970-01-01 06:05:00", boot_s=HOUR, trusted=False)) == Opening(False, 5 * HOUR)
    assert schedule.look(at("1970-01-01 06:05:00", boot_s=12 * HOUR, trusted=False)).is_open


def test_the_settings_say_which() -> None:
    moment = at("2026-11-22 12:00:00", boot_s=7 * HOUR)
    assert isinstance(schedule_of(UplinkSettings(), LIMA), Always)
    assert schedule_of(UplinkSettings(), LIMA).look(moment) == Opening(True, math.inf)
    assert schedule_of(UplinkSettings(mode="windows"), LIMA).look(moment) == Opening(False, 5 * HOUR)
    noon = UplinkSettings(mode="windows", windows=[WindowSettings(start="12:00", minutes=1)])
    assert schedule_of(noon, LIMA).look(moment) == Opening(True, MINUTE)


@pytest.mark.parametrize("start", ["6:00", "24:00", "06:60", "0600", "seis", ""])
def test_a_start_that_is_no_hour_is_refused(start: str) -> None:
    with pytest.raises(ValueError, match="start"):
        WindowSettings(start=start)


@given(
    st.lists(
        st.builds(
            WindowSettings,
            start=st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
            minutes=st.integers(1, 1440),
            days=st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True),
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([LIMA, ZoneInfo("America/Santiago"), ZoneInfo("Asia/Kathmandu"), dt.UTC]),
    st.integers(1_700_000_000, 1_900_000_000),
)
def test_what_it_foretells_comes_true(told: list[WindowSettings], zone: dt.tzinfo, unix_s: int) -> None:
    schedule = windows(*told, zone=zone)

    def look(second: float) -> Opening:
        return schedule.look(Moment(0, round(second * 1000), TimeQuality.GPS, 0))

    now = look(unix_s)
    assert now.for_s > 0
    if now.for_s < 8 * DAY:
        assert look(unix_s + now.for_s).is_open is not now.is_open
        assert look(unix_s + now.for_s / 2).is_open is now.is_open
