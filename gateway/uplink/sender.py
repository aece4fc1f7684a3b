"""What goes over the link next: alerts past everything, the other lanes by urgency within the day's budgets, freights
last. Works while there is a connection, in the uplink's thread; knows nothing of how the connection comes about."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.contract import topics
from gateway.contract.batches import encode_batch
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox, Parcel
from gateway.uplink.flights import LINE_BYTES, Flight, Flights
from gateway.uplink.freight import Freight
from gateway.uplink.lane_queue import LaneQueue
from gateway.uplink.meter import Meter, publish_bytes
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.spending import Spending

log = logging.getLogger(__name__)

NOBODY: Final = 16
"""MQTT 5, PUBACK: no matching subscribers."""
_LEAST_ENTRIES: Final = 16
_QUEUED_RECEIPTS_S: Final = 3.0
"""Receipts that waited with the broker come within this long of connecting."""
_ASK_FREIGHTS_S: Final = 1.0
_ANSWER_S: Final = 5.0
"""So long after a freight's message, headquarters' answer to it may come and let the freight go on."""
_FRAMING_BYTES: Final = 128  # of a freight's message, topic in

Publish = Callable[[str, bytes], int]
"""Sends a payload to a topic; the message id by which its acknowledgement is known."""


class _Handed(NamedTuple):
    """A freight's message under way."""

    freight: Freight
    cookie: int
    size: int
    sent_at: float


class Sender:
    """See the module. settle_s: how long after connecting untimed readings wait for the clock."""

    def __init__(
        self,
        station: str,
        outbox: Outbox,
        settings: UplinkSettings,
        spending: Spending,
        freights: Sequence[Freight],
        *,
        settle_s: float,
    ) -> None:
        self._station = station
        self._outbox = outbox
        self._settings = settings
        self._spending = spending
        self._freights = list(freights)
        self._settle_s = settle_s
        self._flights = Flights(settings.window_messages, settings.receipt_timeout_s)
        lingers = (0.0, settings.linger_detection_s, settings.linger_reading_s, settings.linger_health_s, 0.0)
        self._lanes = {lane: LaneQueue(lane, linger) for lane, linger in zip(Lane, lingers, strict=True)}
        self._limit = settings.batch_entries  # entries in a message: fewer on a link that breaks before one is through
        self._carried = False  # whether this connection has carried anything but alerts to the broker
        self._generation = -1
        self._publish: Publish | None = None
        self._up_at = 0.0
        self._hold_until = 0.0
        self._freight_under_way: dict[int, _Handed] = {}
        self._freights_idle = False
        self._ask_freights_at = 0.0  # though they are idle
        self._freight_moved_at = -_ANSWER_S
        self._freights_hold_until = 0.0
        self._freight_refused = False
        self._spent: set[Lane] = set()  # lanes that send nothing more today
        self.meter = Meter()
        self.counts: Counter[str] = Counter()

    # what happens

    def begin_anew(self) -> None:
        """Whatever was in hand is given out again: at a start, and when the outbox has a new file, as places in the old
        one mean nothing."""
        self._generation = self._outbox.generation
        self._flights.clear()
        for queue in self._lanes.values():
            queue.begin_anew()
        if not self._outbox.state().by_lane.get(Lane.ALERT):
            self._lanes[Lane.ALERT].due_at = None

    def look_at_outbox(self) -> None:
        """Begin anew if the outbox has."""
        if self._generation != self._outbox.generation:
            self.begin_anew()

    def came(self, lanes: Mapping[Lane, int], now: float) -> None:
        """So many entries of each lane were committed."""
        self._freights_idle = False
        for lane, count in lanes.items():
            self._lanes[lane].came(count, now, self._settings.batch_entries)

    def link_up(self, publish: Publish, now: float) -> None:
        """There is a connection."""
        self._publish = publish
        self._up_at, self._hold_until = now, 0.0
        self._carried = False
        self._freights_idle = False
        self.meter = Meter()
        self._flights.found_link(now + _QUEUED_RECEIPTS_S)
        for queue in self._lanes.values():
            queue.link_up(self._outbox)
        for freight in self._freights:
            freight.link_is(True)

    def link_down(self, now: float) -> None:
        """The connection is gone. Nothing happens when there was none."""
        if self._publish is None:
            return
        self._publish = None
        if not self._carried and len(self._flights):
            self._limit = max(_LEAST_ENTRIES, self._limit // 2)
        self._flights.lost_link(now)
        handed, self._freight_under_way = self._freight_under_way, {}
        for message in handed.values():
            message.freight.returned(message.cookie)
        for freight in self._freights:
            freight.link_is(False)

    def acknowledged(self, message_id: int, reason: int, now: float, hold_until: float) -> bool:
        """The broker answered a message; whether it was one of a lane. When it did not take it, nothing is sent before
        hold_until; what a freight sends holds up freights alone."""
        handed = self._freight_under_way.pop(message_id, None)
        if handed is None and message_id not in self._flights:
            return False
        self.meter.acknowledged(message_id)
        if handed is not None:
            self._freights_idle, self._freight_moved_at = False, time.monotonic()
            self._flights.took(handed.sent_at, now)
            (handed.freight.returned if reason else handed.freight.acknowledged)(handed.cookie)
            self._freight_answered(reason, hold_until)
            return False
        if reason:
            self._hold_until = hold_until
        if reason in (0, NOBODY):
            flight = self._flights.acknowledge(message_id, now)
            self._carried = self._carried or (flight is not None and flight.lane is not Lane.ALERT)
        if reason:
            self._flights.postpone(message_id, hold_until)
        return True

    def _freight_answered(self, reason: int, hold_until: float) -> None:
        """Said once, each time that it changes: nothing is lost by it, and the lanes go on."""
        if reason:
            self._freights_hold_until = hold_until
        if bool(reason) == self._freight_refused:
            return
        self._freight_refused = bool(reason)
        if reason:
            why = "nobody there takes them" if reason == NOBODY else f"the broker refuses them (reason {reason:#x})"
            log.warning("pictures and clips do not reach headquarters: %s. They are kept and sent again", why)
        else:
            log.info("pictures and clips reach headquarters again")

    def receipted(self, stored: Mapping[bytes, RangeSet]) -> None:
        """Headquarters has these."""
        self._limit = min(self._settings.batch_entries, self._limit * 2)
        self._outbox.forget(stored)
        self._flights.receipt(stored)

    def received(self, topic: str, payload: bytes) -> bool:
        """A message came down that is no receipt; whether a freight took it."""
        self._freights_idle, self._freight_moved_at = False, time.monotonic()
        return any(freight.received(topic, payload) for freight in self._freights)

    def day_turned(self) -> None:
        """There are new budgets."""
        self._spent.clear()
        self._freights_idle = False

    # how it stands

    @property
    def in_flight(self) -> int:
        """Messages sent and not yet receipted (freights': not yet acknowledged)."""
        return len(self._flights) + len(self._freight_under_way)

    @property
    def alerts_wait(self) -> bool:
        """Whether an alert is not yet receipted."""
        return self._lanes[Lane.ALERT].due_at is not None or self._flights.has(Lane.ALERT)

    def is_drained(self, now: float) -> bool:
        """Whether nothing is left that could go now: what lingers, or waits for tomorrow's budget, does not count."""
        if now < self._freight_moved_at + _ANSWER_S:
            return False
        if self._freight_under_way or not self._freights_idle or self._flights.next_due_at(self._may_go) is not None:
            return False
        return all(
            queue.due_at is None or (queue.due_at > now and not queue.settles) or self._left(lane) == 0
            for lane, queue in self._lanes.items()
        )

    def left(self) -> dict[str, int]:
        """Bytes left of the budgets of today that there are: by lane, and "total"."""
        lefts = {lane.slug: self._left(lane) for lane in Lane if self._spending.left(lane) is not None}
        lefts["total"] = self._spending.total_left
        return {name: left for name, left in lefts.items() if left is not None}

    def next_s(self, now: float, *, alerts_only: bool) -> float:
        """Seconds until something may be due, at most one; 0 when it is."""
        if now < self._hold_until:
            return 0.5
        times = [now + 1.0]
        clear, has_room = self._line_is_clear(now), self._has_room()
        for lane, queue in self._lanes.items():
            if queue.due_at is None or (alerts_only and lane is not Lane.ALERT):
                continue
            if lane is Lane.ALERT and queue.due_at <= now:
                times.append(now + 0.25)  # the line is full of alerts: their acknowledgement wakes us
            elif lane is Lane.ALERT or (clear and has_room and self._left(lane) != 0):
                times.append(queue.due_at)
        may_go = _is_alert if alerts_only else self._may_go
        due_at = self._flights.next_due_at(may_go)
        if due_at is not None:
            times.append(due_at if clear else max(due_at, now + 0.25))
        soonest = min(times) - now
        return soonest if soonest > 0 else 0.02

    # sending

    def send(self, now: float, *, alerts_only: bool) -> None:
        """Send what is due, as far as the line takes it."""
        self.look_at_outbox()
        if now < self._hold_until:
            return
        # Alerts first, new before again, whatever else is late; all only as fast as the line takes it.
        self._send_lane(Lane.ALERT, now)
        while self._line_is_clear(now, urgent=True):
            flight = self._flights.next_overdue(now, _is_alert)
            if flight is None:
                break
            self._send_again(flight, now)
        if alerts_only:
            return
        while self._line_is_clear(now):
            flight = self._flights.next_overdue(now, self._may_go)
            if flight is None:
                break
            self._send_again(flight, now)
        for lane in self._lanes:
            if lane is not Lane.ALERT:
                self._send_lane(lane, now)
        self._send_freight(now)

    def _send_lane(self, lane: Lane, now: float) -> None:
        queue, urgent = self._lanes[lane], lane is Lane.ALERT
        while queue.due_at is not None and queue.due_at <= now and (urgent or self._has_room()):
            if not self._line_is_clear(now, urgent=urgent):
                return
            queue.settles = not urgent and now < self._up_at + self._settle_s and queue.may_mend(self._outbox)
            if queue.settles:
                queue.due_at = now + 1.0  # the clock may be set any moment now that there is a link
                return
            left = self._left(lane)
            if left == 0:
                self._say_spent(lane)
                return
            parcel, payload = self._next_message(queue, left)
            if parcel is None:
                return
            self._send(parcel, payload, 1, now)

    def _next_message(self, queue: LaneQueue, left: int | None) -> tuple[Parcel | None, bytes]:
        """As many entries as go into one message and into what is left of the budget; None when there are none."""
        limit = self._limit
        overhead = publish_bytes(topics.up(self._station, queue.lane), 0) + 2
        while True:
            parcel = queue.take(self._outbox, limit, lambda: self._flights.under_way(queue.lane))
            if parcel is None:
                return None, b""
            payload = encode_batch(self._station, parcel.epoch, parcel.entries)
            if left is None or len(payload) + overhead <= left:
                return parcel, payload
            queue.give_back()
            limit = min(limit, len(parcel.entries)) // 2
            if not limit:
                self._say_spent(queue.lane)
                return None, b""

    def _send_again(self, flight: Flight, now: float) -> None:
        """In pieces, when the link has since shown that it does not carry so much at once."""
        numbers = list(flight.ranges.numbers())
        for at in range(0, len(numbers), self._limit):
            ranges = RangeSet.of(numbers[at : at + self._limit])
            parcel = self._outbox.take_again(flight.lane, flight.run, ranges)
            if parcel is not None:
                payload = encode_batch(self._station, parcel.epoch, parcel.entries)
                self._send(parcel, payload, flight.tries + 1, now)

    def _send(self, parcel: Parcel, payload: bytes, tries: int, now: float) -> None:
        assert self._publish is not None
        topic = topics.up(self._station, parcel.lane)
        ranges = RangeSet.of(entry.sequence for entry in parcel.entries)
        message_id = self._publish(topic, payload)
        size = publish_bytes(topic, len(payload))
        flight = Flight(parcel.lane, parcel.run, parcel.epoch, ranges, tries, 0.0, size_bytes=size)
        self._flights.sent(message_id, flight, now)
        self._note(message_id, parcel.lane, size)

    def _send_freight(self, now: float) -> None:
        """In turn, as long as any of them has something, and the line, the window and the budget have room."""
        assert self._publish is not None
        if (
            now < self._freights_hold_until
            or (self._freights_idle and now < self._ask_freights_at)
            or any(self._is_due(queue, now) for queue in self._lanes.values())
        ):
            return
        with_nothing = 0
        while with_nothing < len(self._freights):
            if not self._line_is_clear(now) or not self._has_room():
                return
            left = self._left(Lane.MEDIA)
            room = LINE_BYTES if left is None else min(LINE_BYTES, left - _FRAMING_BYTES)
            if room <= 0:
                self._say_spent(Lane.MEDIA)
                break
            freight = self._freights[0]
            self._freights.append(self._freights.pop(0))
            message = freight.next_message(room)
            if message is None:
                with_nothing += 1
                continue
            with_nothing = 0
            message_id = self._publish(message.topic, message.payload)
            size = publish_bytes(message.topic, len(message.payload))
            self._freight_under_way[message_id] = _Handed(freight, message.cookie, size, now)
            self._note(message_id, Lane.MEDIA, size)
        self._freights_idle, self._ask_freights_at = True, now + _ASK_FREIGHTS_S

    def _is_due(self, queue: LaneQueue, now: float) -> bool:
        return queue.due_at is not None and queue.due_at <= now and self._left(queue.lane) != 0

    def _note(self, message_id: int, lane: Lane, size: int) -> None:
        self.meter.handed(message_id, lane.slug, size)
        self.counts["messages"] += 1
        self.counts["bytes"] += size

    # limits

    def _has_room(self) -> bool:
        return self._flights.has_room(False, len(self._freight_under_way))

    def _line_is_clear(self, now: float, *, urgent: bool = False) -> bool:
        beside = sum(handed.size for handed in self._freight_under_way.values())
        return self._flights.line_is_clear(now, urgent=urgent, beside_bytes=beside)

    def _left(self, lane: Lane) -> int | None:
        if lane in self._spent:
            return 0
        left, total_left = self._spending.left(lane, self.meter.not_taken(lane.slug)), self._spending.total_left
        if total_left is None or lane is Lane.ALERT:
            return left
        total_left = max(0, total_left - self.meter.not_taken())
        return total_left if left is None else min(left, total_left)

    def _may_go(self, flight: Flight) -> bool:
        left = self._left(flight.lane)
        return left is None or flight.size_bytes <= left

    def _say_spent(self, lane: Lane) -> None:
        if lane not in self._spent:
            log.info("today's budget of lane %s is spent: what waits there goes tomorrow", lane.slug)
        self._spent.add(lane)


def _is_alert(flight: Flight) -> bool:
    return flight.lane is Lane.ALERT
