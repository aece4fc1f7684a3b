"""The uplink: takes from the outbox, most urgent lane first, sends, and forgets only what a receipt names.

States: WAITING (until the next try), CONNECTING, UP. It runs in one thread (`run`); everything that happens reaches it
as an event in one queue.
"""

from __future__ import annotations

import enum
import logging
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.clock.clock import Clock
from gateway.contract import topics
from gateway.contract.batches import encode_batch
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import decode_receipt
from gateway.contract.topics import ContractError, Lane
from gateway.outbox.outbox import Outbox, Parcel
from gateway.settings import ClockSettings
from gateway.supervision.backoff import Backoff
from gateway.uplink.flights import Flight, Flights
from gateway.uplink.refusals import explain, foreign_certificate
from gateway.uplink.session import Acknowledged, Connected, Denied, Event, Lost, Received, Session, Wake
from gateway.uplink.settings import UplinkSettings

log = logging.getLogger(__name__)

_PUBLISH_OVERHEAD_BYTES: Final = 8  # fixed header, topic length, packet id, property length
_LEAST_ENTRIES: Final = 16
_REFUSED_WAIT_S: Final = 10.0
_NOBODY: Final = 16  # MQTT 5, PUBACK: no matching subscribers
_NOT_AUTHORIZED: Final = 0x87
_ANSWER_WITHIN_S: Final = 20.0
_SHORT_S: Final = 10.0
_SHORT_LINKS: Final = 3
"""So many links in a row, each shorter than _SHORT_S: somebody throws us out, and we should not hurry back."""
_STEADY_S: Final = 60.0


class LinkState(enum.Enum):
    """Where the uplink stands."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    UP = "up"


class UplinkState(NamedTuple):
    """For health reports and doctor."""

    link: LinkState
    in_flight: int
    sent_messages: int
    sent_bytes: int
    receipts: int
    trouble: str


@dataclass
class _LaneQueue:
    """Where a lane's next take goes on, and when it is due (None: nothing known to wait)."""

    linger_s: float
    after: tuple[int, int] = (0, 0)
    due_at: float | None = 0.0
    waiting: int = 0


class Uplink:
    """One post's uplink. No I/O before `run`."""

    def __init__(
        self,
        station: str,
        outbox: Outbox,
        settings: UplinkSettings,
        clock_settings: ClockSettings,
        clock: Clock,
        *,
        software: str,
        seed: int | None = None,
    ) -> None:
        self._station = station
        self._outbox = outbox
        self._settings = settings
        self._settle_s = clock_settings.settle_s
        self._clock = clock
        self._software = software
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._flights = Flights(settings.window_messages, settings.receipt_timeout_s)
        self._backoff = Backoff(random.Random(seed))
        lingers = (0.0, settings.linger_detection_s, settings.linger_reading_s, settings.linger_health_s, 0.0)
        self._lanes = {lane: _LaneQueue(linger) for lane, linger in zip(Lane, lingers, strict=True)}
        self._limit = settings.batch_entries  # entries in a message: fewer on a link that breaks before one is through
        self._carried = False  # whether this connection has carried anything to the broker
        self._generation = outbox.generation
        self._session: Session | None = None
        self._link = LinkState.WAITING
        self._up_at = 0.0
        self._try_at = 0.0
        self._hold_until = 0.0
        self._answer_by = 0.0
        self._failures = 0
        self._short_links = 0
        self._taken_over = False
        self._denied = ""
        self._refusal_told = ""
        self._counts: Counter[str] = Counter()
        self._trouble = ""

    def wake(self, lanes: Mapping[Lane, int]) -> None:
        """Something was committed to the outbox: entries by lane. From any thread."""
        self._events.put(Wake(dict(lanes)))

    def state(self) -> UplinkState:
        """How it fares. From any thread."""
        counts = self._counts
        return UplinkState(
            self._link, len(self._flights), counts["messages"], counts["bytes"], counts["receipts"], self._trouble
        )

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop (`stop` is looked at once a second, or at the next `wake`)."""
        self._begin_anew()  # whatever an earlier run had in hand is given out again
        self._check_name()
        try:
            while not stop.is_set():
                now = time.monotonic()
                if self._link is LinkState.WAITING and now >= self._try_at:
                    self._connect()
                elif self._link is LinkState.UP:
                    self._send_what_is_due(now)
                elif self._link is LinkState.CONNECTING and now > self._answer_by:
                    self._lost(Lost(f"it takes connections and does not answer in {_ANSWER_WITHIN_S:.0f} s"))
                self._handle_events(self._wait_s(time.monotonic()))
        finally:
            if self._session is not None:
                self._session.close(farewell=True, since_ms=self._clock.now().wall_ms)
                self._session = None
            self._flights.lost_link(time.monotonic())
            self._link = LinkState.WAITING
            self._drain_events()

    # the link

    def _check_name(self) -> None:
        """The broker knows us by our certificate alone; under another name it takes nothing from us."""
        settings = self._settings
        fault = foreign_certificate(settings.cert_file, self._station) if settings.tls else None
        if fault is not None:
            log.warning(
                "WRONG CERTIFICATE OR NAME: %s. Headquarters will refuse all that this post sends until one of them is"
                " mended; sensors are heard and readings kept meanwhile",
                fault,
            )

    def _connect(self) -> None:
        self._link = LinkState.CONNECTING
        self._denied = ""
        self._session = Session(self._station, self._settings, self._events, self._software)
        try:
            self._session.connect()
        except (OSError, ValueError) as error:
            self._lost(Lost(*explain(error)))
        self._answer_by = time.monotonic() + _ANSWER_WITHIN_S

    def _connected(self) -> None:
        assert self._session is not None
        self._link = LinkState.UP
        self._carried = False
        self._up_at = time.monotonic()
        self._hold_until = 0.0
        self._trouble = ""
        say = log.debug if self._refusal_told else log.info  # the end of that is told by what is received
        say("link up: %s:%d", self._settings.host, self._settings.port)
        self._session.greet(self._clock.now().wall_ms)
        for lane in self._lanes.values():
            lane.due_at = 0.0

    def _lost(self, lost: Lost) -> None:
        if self._session is not None:
            self._session.close(farewell=False)
            self._session = None
        was_up = self._link is LinkState.UP
        self._link = LinkState.WAITING
        if was_up and not self._carried and len(self._flights):
            self._limit = max(_LEAST_ENTRIES, self._limit // 2)
        self._flights.lost_link(time.monotonic())
        reason, refused = self._reason(lost, was_up=was_up)
        wait_s = self._backoff.next_s()
        self._try_at = time.monotonic() + wait_s
        self._failures += 1
        self._trouble = f"no link to {self._settings.host}:{self._settings.port}: {reason}"
        # What somebody has to mend is told once, however often it comes; a link that goes is told each time.
        known = refused and reason == self._refusal_told
        if not known and (was_up or refused or self._failures == 1):
            log.warning("%s. Readings are kept; next try in %.0f s", self._trouble, wait_s)
        else:
            log.debug("%s (%d times); next try in %.0f s", self._trouble, self._failures, wait_s)
        if refused:
            self._refusal_told = reason

    def _reason(self, lost: Lost, *, was_up: bool) -> tuple[str, bool]:
        """Why the link is gone, and whether somebody has to mend something: with what earlier links tell."""
        if not was_up:
            return lost.reason, lost.refused
        lasted_s = time.monotonic() - self._up_at
        self._short_links = self._short_links + 1 if lasted_s < _SHORT_S else 0
        if self._denied:
            return (
                f"the broker refuses what we send as {self._station!r} ({self._denied}):"
                " is the certificate that of another post? vigia doctor says more"
            ), True
        # Few brokers say that they gave our place to somebody else.
        if lost.taken_over or self._short_links >= _SHORT_LINKS:
            self._taken_over = True
        if self._taken_over and lasted_s < _STEADY_S:
            return (
                f"again and again soon after we come: has another gateway the certificate of {self._station!r}?"
                " Two machines cannot be one post"
            ), True
        self._taken_over = False
        return lost.reason, lost.refused

    # events

    def _handle_events(self, wait_s: float) -> None:
        try:
            event = self._events.get(timeout=wait_s) if wait_s > 0 else self._events.get_nowait()
        except queue.Empty:
            return
        while True:
            self._handle(event)
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return

    def _handle(self, event: Event) -> None:
        match event:
            case Wake(lanes):
                now = time.monotonic()
                for lane, count in lanes.items():
                    state = self._lanes[lane]
                    state.waiting += count
                    state.due_at = now + state.linger_s if state.due_at is None else state.due_at
                    if state.waiting >= self._settings.batch_entries:
                        state.due_at = now
            case Connected() if self._link is LinkState.CONNECTING:
                self._connected()
            case Lost() as lost:
                # A session that is closed says so once more; only the one in use counts.
                if self._link is not LinkState.WAITING:
                    self._lost(lost)
            case Denied(words) if self._link is LinkState.UP:
                self._denied = words
                self._lost(Lost(words, refused=True))
            case Acknowledged(message_id, reason, words):
                self._acknowledged(message_id, reason, words)
            case Received(topic, payload):
                self._received(topic, payload)
            case _:
                log.debug("late: %s", type(event).__name__)

    def _drain_events(self) -> None:
        """What an ended connection still had to say means nothing to the next."""
        while True:
            try:
                self._events.get_nowait()
            except queue.Empty:
                return

    def _acknowledged(self, message_id: int, reason: int, words: str) -> None:
        if reason == _NOT_AUTHORIZED:
            self._denied = words
        if message_id not in self._flights:
            return  # our state, which may well have no reader
        if reason in (0, _NOBODY):
            flight = self._flights.acknowledge(message_id)
            self._carried = self._carried or (flight is not None and flight.lane is not Lane.ALERT)
        if reason == 0:
            return
        # Nobody listens at headquarters, or we are refused: what was sent is not kept anywhere. Wait, then send again.
        self._hold_until = time.monotonic() + _REFUSED_WAIT_S
        self._flights.postpone(message_id, self._hold_until)
        trouble = "nobody listens at headquarters" if reason == _NOBODY else f"the broker refuses our messages: {words}"
        if trouble != self._trouble:
            log.warning("%s; what is not receipted is kept and sent again", trouble)
        self._trouble = trouble

    def _received(self, topic: str, payload: bytes) -> None:
        if topic != topics.receipt(self._station):
            log.debug("a message on %r is not for us", topic)
            return
        try:
            stored = decode_receipt(payload)
        except ContractError as error:
            self._outbox.accept([], tallies={("uplink", error.reason): 1})
            log.warning("a receipt that cannot be read: %s", error)
            return
        self._counts["receipts"] += 1
        self._limit = min(self._settings.batch_entries, self._limit * 2)
        self._failures = 0
        if self._taken_over and time.monotonic() - self._up_at >= _STEADY_S:
            self._taken_over, self._short_links = False, 0
        if not self._taken_over:  # two that fight for one name must not hurry
            self._backoff.reset()  # only now: a broker that lets us in and throws us out again is not a link
            if self._refusal_told:
                log.info("headquarters takes what we send again")
                self._refusal_told = ""
        self._outbox.forget(stored)
        self._flights.receipt(stored)
        if self._trouble and self._link is LinkState.UP:
            log.info("headquarters answers again")
            self._trouble = ""

    # sending

    def _send_what_is_due(self, now: float) -> None:
        if self._generation != self._outbox.generation:
            self._begin_anew()
        if now < self._hold_until:
            return
        # Alerts first, new or again, whatever else is late; the rest only as fast as the line takes it.
        while (flight := self._flights.next_overdue(now, alerts_only=True)) is not None:
            self._send_again(flight, now)
        self._send_lane(Lane.ALERT, now)
        while self._flights.line_is_clear(now):
            flight = self._flights.next_overdue(now, alerts_only=False)
            if flight is None:
                break
            self._send_again(flight, now)
        for lane in self._lanes:
            if lane is not Lane.ALERT:
                self._send_lane(lane, now)

    def _send_lane(self, lane: Lane, now: float) -> None:
        state, urgent = self._lanes[lane], lane is Lane.ALERT
        while state.due_at is not None and state.due_at <= now and self._flights.has_room(urgent):
            if not urgent and not self._flights.line_is_clear(now):
                return
            if not urgent and now < self._up_at + self._settle_s and self._outbox.may_mend(lane, state.after):
                state.due_at = now + 1.0  # the clock may be set any moment now that there is a link
                return
            parcel = self._outbox.take(lane, state.after, limit=self._limit)
            if parcel is None:
                state.due_at, state.waiting = None, 0
                return
            state.after = parcel.last
            self._send(parcel, 1, now)

    def _send_again(self, flight: Flight, now: float) -> None:
        """In pieces, when the link has since shown that it does not carry so much at once."""
        numbers = list(flight.ranges.numbers())
        for at in range(0, len(numbers), self._limit):
            ranges = RangeSet.of(numbers[at : at + self._limit])
            parcel = self._outbox.take_again(flight.lane, flight.run, ranges)
            if parcel is not None:
                self._send(parcel, flight.tries + 1, now)

    def _send(self, parcel: Parcel, tries: int, now: float) -> None:
        assert self._session is not None
        topic = topics.up(self._station, parcel.lane)
        payload = encode_batch(self._station, parcel.epoch, parcel.entries)
        ranges = RangeSet.of(entry.sequence for entry in parcel.entries)
        message_id = self._session.publish(topic, payload)
        self._flights.sent(
            message_id, Flight(parcel.lane, parcel.run, parcel.epoch, ranges, tries, 0.0, size_bytes=len(payload)), now
        )
        self._counts["messages"] += 1
        self._counts["bytes"] += len(payload) + len(topic) + _PUBLISH_OVERHEAD_BYTES

    def _begin_anew(self) -> None:
        """The outbox has a new file: places in the old one mean nothing."""
        self._generation = self._outbox.generation
        self._flights.clear()
        for state in self._lanes.values():
            state.after, state.due_at = (0, 0), 0.0

    def _wait_s(self, now: float) -> float:
        """Until something is due, at most a second."""
        if self._link is LinkState.WAITING:
            return min(1.0, max(0.0, self._try_at - now))
        if self._link is LinkState.CONNECTING or now < self._hold_until:
            return 0.5
        times = [now + 1.0]
        clear = self._flights.line_is_clear(now)
        for lane, state in self._lanes.items():
            if state.due_at is not None and (lane is Lane.ALERT or (clear and self._flights.has_room(False))):
                times.append(state.due_at)
        due_at = self._flights.next_due_at()
        if due_at is not None:
            times.append(due_at if clear else max(due_at, now + 0.25))
        soonest = min(times) - now
        return max(0.0, soonest) if soonest > 0 else 0.02
