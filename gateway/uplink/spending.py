"""What the link has cost, ever and today, and what is left of the day's budgets. Pure: moments come in.

It lives in the outbox's counters, so that a restart forgets neither the day nor what was spent in it. Those add up, so
that all of it is written as changes: `changes`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Final

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import Lane
from gateway.uplink.meter import RECEIVED, SENT, Spent
from gateway.uplink.settings import BudgetSettings

TODAY: Final = {SENT: "sent_today_bytes", RECEIVED: "received_today_bytes"}
DAY: Final = "uplink_day"
COUNTER_PLACES: Final = frozenset((*TODAY, *TODAY.values(), DAY))
"""Counters of these places count what was spent, not what was discarded."""
_NUMBER: Final = (DAY, "number")
_SECONDS: Final = (DAY, "seconds")
_DAY_S: Final = 24 * 3600
_MOST_STEP_S: Final = 3600.0


class Spending:
    """A day turns at midnight of the post's zone; while nobody vouches for the clock, after 24 hours of running."""

    def __init__(self, limits: BudgetSettings, zone: dt.tzinfo) -> None:
        self._limits = {lane: getattr(limits, lane.slug) for lane in Lane}
        self._total_limit = limits.total
        self._zone = zone
        self._held: Spent = Counter()  # as the outbox's counters say it, once `changes` are written
        self._changes: Spent = Counter()
        self._seconds = 0.0  # of this day, not yet in the counters
        self._seen_ms: int | None = None

    def restore(self, counters: Mapping[tuple[str, str], int]) -> None:
        """Go on where the outbox's counters stand."""
        self._held = Counter({key: total for key, total in counters.items() if key[0] in COUNTER_PLACES})
        self._changes.clear()

    def note(self, spent: Spent) -> None:
        """So much more was spent."""
        for (place, name), count in spent.items():
            self._add((place, name), count)
            self._add((TODAY[place], name), count)

    def turn(self, now: Moment) -> bool:
        """Whether a new day began."""
        step_s = (now.boot_ms - self._seen_ms) / 1000 if self._seen_ms is not None else 0.0
        self._seen_ms = now.boot_ms
        self._seconds += min(max(0.0, step_s), _MOST_STEP_S)
        number = self._held[_NUMBER]
        if now.quality is not TimeQuality.UNTRUSTED:
            today = dt.datetime.fromtimestamp(now.wall_ms / 1000, self._zone).toordinal()
            if today <= number:  # a clock put back brings no new budget
                return False
        elif self._held[_SECONDS] + self._seconds >= _DAY_S and number:
            today = number + 1
        elif not number:
            today = 1  # nobody knows the day: any is before it
        else:
            return False
        self._add(_NUMBER, today - number)
        self._add(_SECONDS, -self._held[_SECONDS])
        self._seconds = 0.0
        for key, total in list(self._held.items()):
            if key[0] in TODAY.values() and total:
                self._add(key, -total)
        return number > 0

    def left(self, lane: Lane, under_way: int = 0) -> int | None:
        """Bytes that a lane may still send today; None for as many as it likes. under_way: those that are not yet
        noted. Never below 0."""
        limit = self._limits[lane]
        return None if limit is None else max(0, limit - self._held[TODAY[SENT], lane.slug] - under_way)

    @property
    def is_spent(self) -> bool:
        """Whether the budget of everything is spent."""
        return self._total_limit is not None and self.today_bytes >= self._total_limit

    @property
    def total_left(self) -> int | None:
        """Bytes that may still go or come today; None for as many as there are."""
        return None if self._total_limit is None else max(0, self._total_limit - self.today_bytes)

    @property
    def today_bytes(self) -> int:
        """All of today, both ways."""
        return sum(count for (place, _), count in self._held.copy().items() if place in TODAY.values())

    def today(self, place: str) -> dict[str, int]:
        """Today's bytes by name, of SENT or RECEIVED."""
        return {name: n for (where, name), n in self._held.copy().items() if where == TODAY[place] and n}

    def changes(self) -> Spent:
        """What to add to the outbox's counters; the next call begins anew."""
        if whole := int(self._seconds):
            self._seconds -= whole
            self._add(_SECONDS, whole)
        changes, self._changes = self._changes, Counter()
        return Counter({key: count for key, count in changes.items() if count})

    def _add(self, key: tuple[str, str], count: int) -> None:
        self._held[key] += count
        self._changes[key] += count
