"""Hours of the day, sun and moon: whether a rule holds at a moment."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, NamedTuple

from gateway.contract.entries import TimeQuality
from gateway.rules import sky

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]|24):([0-5]\d)")
_MINUTE_MS: Final = 60_000
_LAST_MS: Final = 4_102_444_800_000  # 2100: no clock is right there, and no formula either


class Span(NamedTuple):
    """Minutes of the day, the end left out; over midnight when the end is not after the start."""

    start: int
    end: int

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day is in it."""
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def span_of(text: str) -> Span:
    """Hours such as 18:00-06:00. Raises ValueError with words for a person."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError("hours are written as 18:00-06:00")
    hour, minute, until, and_minute = map(int, found.groups())
    span = Span(hour * 60 + minute, min(1440, until * 60 + and_minute))
    if span.start == span.end:
        raise ValueError("hours begin and end at the same time; leave them out for the whole day")
    return span


class Moment(NamedTuple):
    """What the sky and the clock say in one minute. light: None where nobody knows the place."""

    minute: int
    light: sky.Light | None
    moon_is_bright: bool


class Almanac:
    """Moments at one place; remembers the last minute. position: latitude and longitude in degrees."""

    def __init__(self, zone: dt.tzinfo, position: tuple[float, float] | None) -> None:
        self._zone = zone
        self._position = position
        self._held: tuple[int, Moment] | None = None

    def at(self, wall_ms: int, quality: int) -> Moment | None:
        """What holds then; None when nobody vouches for the time. The same for all of a minute."""
        if quality >= TimeQuality.UNTRUSTED or not 0 <= wall_ms < _LAST_MS:
            return None
        start_ms = wall_ms - wall_ms % _MINUTE_MS
        if self._held is None or self._held[0] != start_ms:
            there = dt.datetime.fromtimestamp(start_ms / 1000, self._zone)
            light = sky.light(start_ms, *self._position) if self._position is not None else None
            self._held = start_ms, Moment(there.hour * 60 + there.minute, light, sky.moon_lit_ratio(start_ms) >= 0.5)
        return self._held[1]


class Hours(NamedTuple):
    """When a rule holds. Empty parts hold always."""

    spans: tuple[Span, ...]
    sun: frozenset[str]
    moon: str | None
    when_untrusted: bool

    def hold(self, moment: Moment | None) -> bool:
        """Whether they do; what nobody knows holds as the rule says."""
        if not (self.spans or self.sun or self.moon):
            return True
        if moment is None:
            return self.when_untrusted
        if self.spans and not any(span.holds(moment.minute) for span in self.spans):
            return False
        if self.moon and (self.moon == "bright") != moment.moon_is_bright:
            return False
        if self.sun:
            return self.when_untrusted if moment.light is None else moment.light in self.sun
        return True
