"""Messages sent and not yet receipted. Pure: time comes in as an argument (seconds, any steady clock)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane

LONGEST_WAIT_S: Final = 3600.0
_MOST_DOUBLINGS: Final = 20
LINE_BYTES: Final = 16 * 1024
"""Most that may lie between us and the broker before more is handed over: what lies there stands before an alert."""
FIRST_LINE_BYTES: Final = 4 * 1024
"""So much may lie there before anything is known of the line: then as much as it carries in about a second."""
_LEAST_LINE_BYTES: Final = 1024
_SLOW_S: Final = 1.0


@dataclass
class Flight:
    """One message on its way: which entries it holds, and when it counts as lost."""

    lane: Lane
    run: int
    epoch: bytes
    ranges: RangeSet
    tries: int
    due_at: float
    acknowledged: bool = False
    size_bytes: int = 0
    sent_at: float = 0.0


def _any_flight(_: Flight) -> bool:
    return True


class Flights:
    """window: most messages in flight. timeout_s: first wait for a receipt; doubles at each try, up to an hour."""

    def __init__(self, window: int, timeout_s: float) -> None:
        self._window = window
        self._timeout_s = timeout_s
        self._by_id: dict[int, Flight] = {}
        self._line_bytes = FIRST_LINE_BYTES
        self._quickest_s = math.inf  # of this connection
        self._slowed_at = -math.inf

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, message_id: int) -> bool:
        return message_id in self._by_id

    def has_room(self, urgent: bool, beside: int = 0) -> bool:
        """Whether one more may be sent; an urgent one always may, since nothing may stand before an alert. beside: how
        many other messages are under way."""
        return urgent or len(self._by_id) + beside < self._window

    def line_is_clear(self, now: float, *, urgent: bool = False, beside_bytes: int = 0) -> bool:
        """Whether little enough is on its way to the broker, which a slow link may take long to carry. urgent: what is
        not an alert does not count, as an alert goes past it. beside_bytes: of other messages."""
        on_the_line = 0 if urgent else beside_bytes
        for message_id, flight in self._by_id.items():
            if message_id > 0 and not flight.acknowledged and flight.due_at > now:
                on_the_line += flight.size_bytes if flight.lane is Lane.ALERT or not urgent else 0
        return on_the_line < self._line_bytes

    def under_way(self, lane: Lane) -> dict[int, RangeSet]:
        """What of a lane is sent and not yet receipted, by run."""
        found: dict[int, RangeSet] = {}
        for flight in self._by_id.values():
            if flight.lane is lane:
                found.setdefault(flight.run, RangeSet()).update(flight.ranges)
        return found

    def has(self, lane: Lane) -> bool:
        """Whether any of a lane is under way."""
        return any(flight.lane is lane for flight in self._by_id.values())

    def sent(self, message_id: int, flight: Flight, now: float) -> None:
        """It left just now. A flight of the same message id, acknowledged long ago, stays under way without one."""
        flight.sent_at = now
        flight.due_at = now + min(LONGEST_WAIT_S, self._timeout_s * 2.0 ** min(flight.tries - 1, _MOST_DOUBLINGS))
        earlier = self._by_id.pop(message_id, None)
        if earlier is not None:
            self._by_id[min(-1, min(self._by_id, default=0) - 1)] = earlier
        self._by_id[message_id] = flight

    def acknowledge(self, message_id: int, now: float) -> Flight | None:
        """The broker has it; it is not safe before headquarters says so."""
        flight = self._by_id.get(message_id)
        if flight is not None:
            flight.acknowledged = True
            self.took(flight.sent_at, now)
        return flight

    def took(self, sent_at: float, now: float) -> None:
        """A message was on the line from then to now. As TCP does: a little more may lie there when it was quick, half
        as much when it had to wait, once for all that were sent before."""
        took_s = now - sent_at
        self._quickest_s = min(self._quickest_s, took_s)
        if took_s < self._quickest_s + _SLOW_S / 2:
            self._line_bytes = min(LINE_BYTES, self._line_bytes + _LEAST_LINE_BYTES)
        elif took_s > self._quickest_s + _SLOW_S and sent_at >= self._slowed_at:
            self._line_bytes = max(_LEAST_LINE_BYTES, self._line_bytes // 2)
            self._slowed_at = now

    def postpone(self, message_id: int, until: float) -> None:
        """The broker had nobody to give it to, or refused it: it must be sent again, not before then."""
        if message_id in self._by_id:
            self._by_id[message_id].due_at = until

    def receipt(self, stored: Mapping[bytes, RangeSet]) -> int:
        """Headquarters has these: how many messages have thereby landed whole."""
        landed = []
        for message_id, flight in self._by_id.items():
            if flight.epoch in stored:
                flight.ranges = flight.ranges.minus(stored[flight.epoch])
                if not flight.ranges:
                    landed.append(message_id)
        for message_id in landed:
            del self._by_id[message_id]
        return len(landed)

    def lost_link(self, now: float) -> None:
        """The connection is gone, and message ids mean nothing any more: what the broker did not acknowledge is
        overdue; what it did may still arrive and waits for its time."""
        self._by_id = {-1 - i: flight for i, flight in enumerate(self._by_id.values())}
        for flight in self._by_id.values():
            if not flight.acknowledged:
                flight.due_at = now

    def found_link(self, until: float) -> None:
        """A connection is there. Receipts for what the broker acknowledged may have waited with it: such messages do
        not count as lost before then."""
        self._quickest_s = math.inf
        for flight in self._by_id.values():
            if flight.acknowledged:
                flight.due_at = max(flight.due_at, until)

    def next_overdue(self, now: float, may_go: Callable[[Flight], bool] = _any_flight) -> Flight | None:
        """Take out the most urgent of those that count as lost by now and may go."""
        late = [(f.lane, i) for i, f in self._by_id.items() if f.due_at <= now and may_go(f)]
        return self._by_id.pop(min(late)[1]) if late else None

    def next_due_at(self, may_go: Callable[[Flight], bool] = _any_flight) -> float | None:
        """When the first of those that may go will count as lost."""
        return min((flight.due_at for flight in self._by_id.values() if may_go(flight)), default=None)

    def clear(self) -> None:
        """Forget all: the outbox has begun anew and will give everything out again."""
        self._by_id.clear()
