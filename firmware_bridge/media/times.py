"""From a recorder's own time to the age of what it recorded."""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

IN_STEP_S: Final = 120.0
"""A time this far ahead of ours is taken for now: two clocks are never quite in step."""

OLD_S: Final = 365 * 86_400.0
"""A card may stay in its camera for a season. What claims to be older than a year is believed, but counted: it may be a
clock that was reset."""


def to_utc(taken: dt.datetime, offset_minutes: int | None, zone: ZoneInfo, clock_error_s: float) -> dt.datetime | None:
    """taken: naive, in its own offset from UTC where told, else in zone. clock_error_s: how far that clock is ahead.
    None when no calendar has it."""
    own = zone if offset_minutes is None else dt.timezone(dt.timedelta(minutes=offset_minutes))
    try:
        return (taken.replace(tzinfo=own) - dt.timedelta(seconds=clock_error_s)).astimezone(dt.UTC)
    except OverflowError:
        return None


def age_s(moment: dt.datetime | None, file_s: float, now_s: float, oldest_s: float) -> tuple[float, str]:
    """Seconds between a moment (with a zone, None for unknown) and now_s (Unix time), and a reason or "".

    Without a believable moment the file's own time serves, else 0. Reasons: time_from_file (there was none),
    implausible_time (in the future or longer ago than oldest_s), old_time (more than a year ago, and believed).
    """
    reason = "time_from_file"
    if moment is not None:
        if (age := _believed(now_s - moment.timestamp(), oldest_s)) is not None:
            return age, "old_time" if age > OLD_S else ""
        reason = "implausible_time"
    age = _believed(now_s - file_s, oldest_s)
    return (0.0, "implausible_time") if age is None else (age, reason)


def _believed(age: float, oldest_s: float) -> float | None:
    return max(0.0, age) if -IN_STEP_S <= age <= oldest_s else None
