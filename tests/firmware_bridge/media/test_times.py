"""From a camera's clock to an age: zones, errors, and times that nobody believes."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from firmware_bridge.media.times import age_s, to_utc

LIMA = ZoneInfo("America/Lima")
NOON = dt.datetime(2024, 3, 1, 12)  # noqa: DTZ001
NOW = dt.datetime(2024, 3, 1, 18, tzinfo=dt.UTC).timestamp()


def test_the_zone_of_the_source_unless_the_file_tells_its_own() -> None:
    assert to_utc(NOON, None, LIMA, 0) == dt.datetime(2024, 3, 1, 17, tzinfo=dt.UTC)
    assert to_utc(NOON, 60, LIMA, 0) == dt.datetime(2024, 3, 1, 11, tzinfo=dt.UTC)
    assert to_utc(NOON, None, LIMA, 3600.0) == dt.datetime(2024, 3, 1, 16, tzinfo=dt.UTC)
    assert to_utc(NOON, None, ZoneInfo("Europe/Brussels"), 0) == dt.datetime(2024, 3, 1, 11, tzinfo=dt.UTC)
    summer = dt.datetime(2024, 7, 1, 12)  # noqa: DTZ001
    assert to_utc(summer, None, ZoneInfo("Europe/Brussels"), 0) == dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)
    assert to_utc(dt.datetime(1, 1, 1), None, ZoneInfo("Asia/Tokyo"), 1e9) is None  # noqa: DTZ001


@pytest.mark.parametrize(
    ("seconds_ago", "file_ago", "right"),
    [
        (60.0, 0.0, (60.0, "")),
        (90 * 86_400.0, 0.0, (90 * 86_400.0, "")),
        (-60.0, 0.0, (0.0, "")),
        (-3600.0, 5.0, (5.0, "implausible_time")),
        (400 * 86_400.0, 5.0, (400 * 86_400.0, "old_time")),
        (1000 * 86_400.0, 5.0, (5.0, "implausible_time")),
        (1000 * 86_400.0, 1000 * 86_400.0, (0.0, "implausible_time")),
        (None, 5.0, (5.0, "time_from_file")),
        (None, -3600.0, (0.0, "implausible_time")),
    ],
)
def test_ages(seconds_ago: float | None, file_ago: float, right: tuple[float, str]) -> None:
    moment = None if seconds_ago is None else dt.datetime.fromtimestamp(NOW - seconds_ago, dt.UTC)
    age, reason = age_s(moment, NOW - file_ago, NOW, 999 * 86_400.0)
    assert (pytest.approx(age), reason) == right
