"""What of a lane is sent next: the newest day before what is older, and no sensor's flood before the others.

A lane's unsent entries lie in one or two stretches: those since a place, and, after a long time without a link, the
older ones before it (`gateway/decisions`). Each stretch is sent oldest first. When a few sensors make up most of a
full message, the next message is looked for further ahead, without them; what is sent ahead is passed over later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox, Parcel
from gateway.outbox.stretches import END, NOTHING, START, Place, Skip

NEW_MS: Final = 24 * 3600 * 1000
"""What is older than this when a link comes up waits for what is newer."""
_FLOOD_SHARE: Final = 8
"""A sensor with more than one in so many entries of a full message floods."""


@dataclass
class Stretch:
    """Entries after a place and up to another. ahead: so far the entries of others have been looked for. ragged_until:
    up to here some have been sent already. flooding: who made up much of the last message. is_turn_of_others: the next
    message is for the others."""

    after: Place = START
    until: Place = END
    ahead: Place = START
    ragged_until: Place = START
    flooding: tuple[str, ...] = ()
    is_turn_of_others: bool = False


@dataclass
class LaneQueue:
    """One lane. linger_s: how long entries wait for company. due_at: when to take the next (None: nothing known to
    wait). waiting: how many came since the last was taken. settles: waits for the clock to be set."""

    lane: Lane
    linger_s: float
    new: Stretch = field(default_factory=Stretch)
    old: Stretch | None = None
    due_at: float | None = 0.0
    waiting: int = 0
    settles: bool = False
    _before: tuple[Stretch, Stretch | None] = field(default_factory=lambda: (Stretch(), None))

    def came(self, count: int, now: float, enough: int) -> None:
        """So many entries were committed; with enough of them the lane is due at once."""
        self.waiting += count
        self.due_at = now + self.linger_s if self.due_at is None else self.due_at
        if self.waiting >= enough:
            self.due_at = now

    def link_up(self, outbox: Outbox) -> None:
        """Due at once; what is older than a day goes last. Alerts keep their order."""
        self.due_at = 0.0
        if self.lane is Lane.ALERT:
            return
        last_old = outbox.last_before(self.lane, self.new.after, NEW_MS)
        if last_old is None:
            return
        begin = self.old.after if self.old is not None else self.new.after
        ragged_until = max(self.new.after, self.new.ragged_until)
        self.old = Stretch(begin, last_old, ragged_until=ragged_until)
        self.new = Stretch(last_old, ragged_until=ragged_until)

    def begin_anew(self) -> None:
        """Places mean nothing any more."""
        self.new, self.old, self.due_at = Stretch(), None, 0.0

    def take(self, outbox: Outbox, limit: int, under_way: Callable[[], Skip]) -> Parcel | None:
        """The next message's entries; None when there is nothing more. under_way: those that are sent and not yet
        receipted."""
        self._before = replace(self.new), None if self.old is None else replace(self.old)
        for stretch in self._stretches():
            parcel = _take_from(stretch, self.lane, outbox, limit, under_way)
            if parcel is not None:
                return parcel
        self.old = None
        self.due_at, self.waiting = None, 0
        return None

    def give_back(self) -> None:
        """What was taken last is not sent after all."""
        self.new, self.old = self._before

    def may_mend(self, outbox: Outbox) -> bool:
        """Whether an entry that comes next may yet get a better time."""
        return any(outbox.may_mend(self.lane, stretch.after) for stretch in self._stretches())

    def _stretches(self) -> tuple[Stretch, ...]:
        return (self.new,) if self.old is None else (self.new, self.old)


def _take_from(
    stretch: Stretch, lane: Lane, outbox: Outbox, limit: int, under_way: Callable[[], Skip]
) -> Parcel | None:
    if stretch.is_turn_of_others:
        stretch.is_turn_of_others = False
        begin = max(stretch.ahead, stretch.after)
        parcel, stretch.ahead = outbox.take_of_others(
            lane, begin, than=stretch.flooding, limit=limit, until=stretch.until, skip=under_way()
        )
        if parcel is not None:
            stretch.ragged_until = max(stretch.ragged_until, parcel.last)
            return parcel
    skip = under_way() if stretch.after < stretch.ragged_until else NOTHING
    parcel = outbox.take(lane, stretch.after, limit=limit, until=stretch.until, skip=skip)
    if parcel is None:
        return None
    stretch.after = parcel.last
    stretch.flooding = _flooding(parcel) if 2 * len(parcel.entries) > limit else ()
    stretch.is_turn_of_others = bool(stretch.flooding)
    return parcel


def _flooding(parcel: Parcel) -> tuple[str, ...]:
    counts = Counter([entry.reading.sensor for entry in parcel.entries])
    share = len(parcel.entries) / _FLOOD_SHARE
    return tuple(sensor for sensor, count in counts.items() if count > share)
