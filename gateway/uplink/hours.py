"""Whether the link should be open, and why. Pure: time comes in (seconds of a steady clock, and the moment).

An opening of the schedule is used until it ends, or until all is sent. An alert opens the link at any time, until it is
receipted; when no receipt comes the link closes after a while and tries again later, so that a silent headquarters does
not cost a whole day of link.
"""

from __future__ import annotations

import enum
import math
from typing import Final

from gateway.clock.moments import Moment
from gateway.uplink.schedule import Opening, Schedule

_LONGEST_PAUSE_S: Final = 4 * 3600.0
_MARGIN_S: Final = 0.5  # two clocks that part by a little must not make one opening into two


class OpenFor(enum.Enum):
    """Why the link is open."""

    SCHEDULE = "schedule"
    ALERT = "alert"


class Hours:
    """alert_open_s: how long a link that is up for an alert alone waits for its receipt."""

    def __init__(self, schedule: Schedule, alert_open_s: float) -> None:
        self._schedule = schedule
        self._alert_open_s = alert_open_s
        self._until: float | None = None  # the end of the opening in use
        self._not_before = -math.inf  # the end of the one that all was sent in
        self._alert_up_since: float | None = None
        self._pause_until = -math.inf
        self._pause_s = alert_open_s

    def alert_came(self) -> None:
        """A new alert waits for nothing."""
        self._alert_up_since, self._pause_until, self._pause_s = None, -math.inf, self._alert_open_s

    def why_open(self, now: float, moment: Moment, *, is_up: bool, alerts_wait: bool, is_spent: bool) -> OpenFor | None:
        """Why the link should be open now, None when it should not. is_spent: the budget of everything is."""
        if self._until is not None and now >= self._until:
            self._until = None
        if self._until is None and now >= self._not_before:
            opening = self._schedule.look(moment)
            self._until = now + opening.for_s if opening.is_open else None
        if not alerts_wait:
            self.alert_came()  # the next one finds everything as new
        if self._until is not None and not is_spent:
            return OpenFor.SCHEDULE
        return OpenFor.ALERT if alerts_wait and self._alert_may(now, is_up) else None

    def _alert_may(self, now: float, is_up: bool) -> bool:
        if now < self._pause_until:
            return False
        if not is_up:
            self._alert_up_since = None
        elif self._alert_up_since is None:
            self._alert_up_since = now
        elif now - self._alert_up_since >= self._alert_open_s:
            self._alert_up_since = None
            self._pause_until = now + self._pause_s
            self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2)
            return False
        return True

    @property
    def ends(self) -> bool:
        """Whether the opening in use ends some time, so that it is worth closing early."""
        return self._until is not None and self._until != math.inf

    def all_sent(self, now: float, moment: Moment) -> None:
        """There is nothing more to do in this opening."""
        opening = self._schedule.look(moment)
        self._until = None
        self._not_before = now + opening.for_s + _MARGIN_S if opening.is_open else now

    def opens_in_s(self, moment: Moment) -> float | None:
        """Seconds until the schedule opens the link (0: it is open), None when it is always open."""
        opening = self._schedule.look(moment)
        if opening == Opening(True, math.inf):
            return None
        if not opening.is_open:
            return opening.for_s
        if self._until is not None:
            return 0.0
        after = moment._replace(
            boot_ms=moment.boot_ms + round(opening.for_s * 1000), wall_ms=moment.wall_ms + round(opening.for_s * 1000)
        )
        following = self._schedule.look(after)
        return opening.for_s + (0.0 if following.is_open else following.for_s)
