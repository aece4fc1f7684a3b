"""When the link may be open. Pure: the moment comes in."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.uplink.settings import DAYS, UplinkSettings, WindowSettings


class Opening(NamedTuple):
    """Whether the link may be open, and for how many seconds from now that stays so (infinite: for ever)."""

    is_open: bool
    for_s: float


class Schedule(Protocol):
    """Tells the hours of the link."""

    def look(self, now: Moment) -> Opening:
        """How it stands at a moment."""


class Always:
    """Open for ever."""

    def look(self, now: Moment) -> Opening:
        """See `Schedule`."""
        return Opening(True, math.inf)


class Cycle:
    """Open for open_s, and again every every_s: for a post that does not know the hour. begins_s: since boot, when one
    opening begins; at the machine's start if left out."""

    def __init__(self, every_s: float, open_s: float, begins_s: float = 0.0) -> None:
        self._every_s = every_s
        self._open_s = min(open_s, every_s)
        self._begins_s = begins_s

    def look(self, now: Moment) -> Opening:
        """See `Schedule`."""
        since_s = (now.boot_ms / 1000 - self._begins_s) % self._every_s
        if since_s < self._open_s:
            return Opening(True, self._open_s - since_s)
        return Opening(False, self._every_s - since_s)


class Windows:
    """Open at hours of the day in a time zone; by a cycle while nobody vouches for the clock. Daylight saving: an hour
    that does not exist is taken as if the clock had not been put forward, one that comes twice is meant the first
    time."""

    def __init__(self, windows: Sequence[WindowSettings], zone: dt.tzinfo, unknown: Cycle) -> None:
        self._windows = [
            (dt.time.fromisoformat(window.start), window.minutes * 60.0, {DAYS.index(day) for day in window.days})
            for window in windows
        ]
        self._zone = zone
        self._unknown = unknown

    def look(self, now: Moment) -> Opening:
        """See `Schedule`."""
        if now.quality is TimeQuality.UNTRUSTED:
            return self._unknown.look(now)
        now_s = now.wall_ms / 1000
        today = dt.datetime.fromtimestamp(now_s, self._zone).date()
        spans = sorted(span for days in range(-1, 9) for span in self._spans(today + dt.timedelta(days)))
        end_s = now_s
        for begins_s, ends_s in spans:
            if begins_s <= end_s < ends_s:  # windows that touch or overlap are one
                end_s = ends_s
        if end_s > now_s:
            return Opening(True, end_s - now_s)
        return Opening(False, min(begins_s for begins_s, _ in spans if begins_s > now_s) - now_s)

    def _spans(self, day: dt.date) -> list[tuple[float, float]]:
        """Begin and end of the windows that open on a day, Unix time."""
        begins = [
            (dt.datetime.combine(day, start, self._zone).timestamp(), seconds)
            for start, seconds, days in self._windows
            if day.weekday() in days
        ]
        return [(begin, begin + seconds) for begin, seconds in begins]


def schedule_of(settings: UplinkSettings, zone: dt.tzinfo) -> Schedule:
    """What the settings say. zone: of the post."""
    if settings.mode == "always":
        return Always()
    cycle = Cycle(settings.cycle_hours * 3600, settings.cycle_minutes * 60)
    return Windows(settings.windows, zone, cycle) if settings.windows else cycle
