"""What of a lane is sent next: the newest day before what is older, and no sensor's flood before the others.

A lane's unsent entries lie in one or two stretches: those since a place, and, after a long time without a link, the
older ones before it (`gateway/decisions/0005`). Each stretch is sent oldest first. When a few sensors make up most of a
full message, the next message is looked for further ahead, without them, and if that too is flooded, once more; what is
sent ahead is passed over later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox, Parcel
from gateway.outbox.stretches import END, NOTHING, START, Place, Skip

NEW_MS: Final = 24 * 3600 * 1000
"""What is older than this when a link comes up waits for what is newer."""
_FLOOD_SHARE: Final = 8
"""A sensor with more than one in so many entries of a full message floods."""
_HANDS: Final = 3


class Hand(NamedTuple):
    """Takes from a stretch, in turn with the others; each takes nothing of those that flood the hands before it. after:
    so far it has come. flooding: who made up much of its last message."""

    after: Place = START
    flooding: tuple[str, ...] = ()


@dataclass
class Stretch:
    """Entries after a place and up to another. hands: the first takes everything in order. turn: whose it is.
    ragged_until: up to here some have been sent already."""

    hands: tuple[Hand, ...] = (Hand(),) * _HANDS
    until: Place = END
    ragged_until: Place = START
    turn: int = 0

    @property
    def after(self) -> Place:
        """Everything up to here was sent."""
        return self.hands[0].after

    def take(self, lane: Lane, outbox: Outbox, limit: int, under_way: Callable[[], Skip]) -> Parcel | None:
        """The next message's entries; None when there is nothing more."""
        while True:
            turn, hand = self.turn, self.hands[self.turn]
            if turn == 0:
                skip = under_way() if hand.after < self.ragged_until else NOTHING
                parcel = outbox.take(lane, hand.after, limit=limit, until=self.until, skip=skip)
                place = hand.after if parcel is None else parcel.last
            else:
                before = self.hands[:turn]
                begin = max(hand.after, self.after)
                than = sorted({sensor for other in before for sensor in other.flooding})
                parcel, place = outbox.take_of_others(
                    lane, begin, than=than, limit=limit, until=self.until, skip=under_way()
                )
            hand = Hand(place, _flooding(parcel, limit))
            self.hands = (*self.hands[:turn], hand, *self.hands[turn + 1 :])
            self.turn = turn + 1 if hand.flooding and turn + 1 < _HANDS else 0
            if parcel is not None:
                self.ragged_until = max(self.ragged_until, parcel.last) if turn else self.ragged_until
                return parcel
            if turn == 0:
                return None


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
        self.old = Stretch(_from(begin), last_old, ragged_until)
        self.new = Stretch(_from(last_old), ragged_until=ragged_until)

    def begin_anew(self) -> None:
        """Places mean nothing any more."""
        self.new, self.old, self.due_at = Stretch(), None, 0.0

    def take(self, outbox: Outbox, limit: int, under_way: Callable[[], Skip]) -> Parcel | None:
        """The next message's entries; None when there is nothing more. under_way: those that are sent and not yet
        receipted."""
        self._before = replace(self.new), None if self.old is None else replace(self.old)
        for stretch in self._stretches():
            parcel = stretch.take(self.lane, outbox, limit, under_way)
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


def _from(place: Place) -> tuple[Hand, ...]:
    return (Hand(place),) * _HANDS


def _flooding(parcel: Parcel | None, limit: int) -> tuple[str, ...]:
    """Who makes up much of a message that is about full."""
    if parcel is None or 2 * len(parcel.entries) <= limit:
        return ()
    counts = Counter([entry.reading.sensor for entry in parcel.entries])
    share = len(parcel.entries) / _FLOOD_SHARE
    return tuple(sensor for sensor, count in counts.items() if count > share)
