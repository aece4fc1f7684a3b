"""The uplink: opens the link when it should be open, sends what is due, and forgets only what a receipt names.

States: CLOSED (outside its hours), WAITING (until the next try), CONNECTING, UP. It runs in one thread (`run`);
everything that happens reaches it as an event in one queue.
"""

from __future__ import annotations

import datetime as dt
import enum
import logging
import queue
import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gateway.clock.clock import Clock
from gateway.contract import topics
from gateway.contract.receipts import decode_receipt
from gateway.contract.states import BUDGET_SPENT, STOPPED, WINDOW_OVER, StationState
from gateway.contract.topics import ContractError, Lane
from gateway.outbox.outbox import Outbox
from gateway.seldom import Seldom
from gateway.settings import ClockSettings
from gateway.supervision.backoff import Backoff
from gateway.uplink.earlier_links import EarlierLinks
from gateway.uplink.events import Acknowledged, Connected, Denied, Event, Events, Lost, Received, Wake
from gateway.uplink.freight import Freight
from gateway.uplink.hours import Hours, OpenFor
from gateway.uplink.meter import FREIGHT, RECEIVED, SENT, Meter, publish_bytes
from gateway.uplink.refusals import Why, explain
from gateway.uplink.schedule import Schedule, schedule_of
from gateway.uplink.sender import NOBODY, Sender
from gateway.uplink.session import Session, check_name
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.spending import Spending

log = logging.getLogger(__name__)

_REFUSED_WAIT_S: Final = 10.0
_NOT_AUTHORIZED: Final = 0x87
_ANSWER_WITHIN_S: Final = 20.0
_LEAST_OPEN_S: Final = 3.0
"""What waits at the broker for us has come by then."""
_LAST_RECEIPTS_S: Final = 5.0
_MEASURE_EVERY_S: Final = 1.0
_KEEP_EVERY_S: Final = 5.0
_KEEP_IDLE_EVERY_S: Final = 900.0
_MOST_AT_ONCE: Final = 256
"""Events that are looked at before what is due is sent: a flood of them holds up no alert."""


class LinkState(enum.Enum):
    """Where the uplink stands."""

    CLOSED = "closed"
    WAITING = "waiting"
    CONNECTING = "connecting"
    UP = "up"


class UplinkState(NamedTuple):
    """For health reports, the page and doctor. sent_messages, sent_bytes, receipts: since the start of the process,
    batches and freights. mode: "always" or "windows". why_open: "schedule", "alert" or "" (closed). next_window_s:
    seconds until the schedule opens the link, 0 while it is open, None when it always is. sent_today, received_today:
    bytes by lane, and "link" (connecting, encryption, receipts, keep-alive), "headers" (TCP/IP), "freight" (commands
    and the like). left_today: bytes left of the budgets that there are, by lane and "total"; 0 when one
    is spent, so that what waits there goes when the day turns (of "total": all but alerts)."""

    link: LinkState
    in_flight: int
    sent_messages: int
    sent_bytes: int
    receipts: int
    trouble: str
    mode: str = "always"
    why_open: str = ""
    next_window_s: float | None = None
    sent_today: Mapping[str, int] = {}
    received_today: Mapping[str, int] = {}
    left_today: Mapping[str, int] = {}


class Uplink:
    """One post's uplink. No I/O before `run`. zone: of the post. freights: what else travels. schedule: in place of the
    one that the settings say."""

    def __init__(
        self,
        station: str,
        outbox: Outbox,
        settings: UplinkSettings,
        clock_settings: ClockSettings,
        clock: Clock,
        *,
        software: str,
        zone: dt.tzinfo = dt.UTC,
        freights: Sequence[Freight] = (),
        schedule: Schedule | None = None,
        seed: int | None = None,
    ) -> None:
        self._station = station
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._software = software
        self._events = Events()
        self._spending = Spending(settings.budget_bytes, zone)
        self._sender = Sender(station, outbox, settings, self._spending, freights, settle_s=clock_settings.settle_s)
        self._down_topics = [topic for freight in freights for topic in freight.down_topics]
        self._hours = Hours(schedule or schedule_of(settings, zone), settings.alert_minutes * 60)
        self._backoff = Backoff(random.Random(seed))
        self._session: Session | None = None
        self._link = LinkState.CLOSED
        self._why_open: OpenFor | None = None
        self._close_by: float | None = None
        self._up_at = 0.0
        self._try_at = 0.0
        self._answer_by = 0.0
        self._measure_at = 0.0
        self._keep_by = 0.0
        self._failures = 0
        self._earlier = EarlierLinks(station)
        self._denied = ""
        self._refusal_told = ""
        self._receipts = 0
        self._unreadable, self._flooded = Seldom(log), Seldom(log)
        self._trouble = ""

    def wake(self, lanes: Mapping[Lane, int]) -> None:
        """Something was committed to the outbox: entries by lane; with none: a freight has news. From any thread."""
        self._events.put(Wake(dict(lanes)))

    def state(self) -> UplinkState:
        """How it fares. From any thread."""
        counts, spending, why = self._sender.counts, self._spending, self._why_open
        return UplinkState(
            self._link,
            self._sender.in_flight,
            counts["messages"],
            counts["bytes"],
            self._receipts,
            self._trouble,
            self._settings.mode,
            why.value if why is not None else "",
            self._hours.opens_in_s(self._clock.now()),
            spending.today(SENT),
            spending.today(RECEIVED),
            self._sender.left(),
        )

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop (`stop` is looked at once a second, or at the next `wake`)."""
        self._sender.begin_anew()  # whatever an earlier run had in hand is given out again
        self._spending.restore(self._outbox.tallies())
        check_name(self._station, self._settings)
        try:
            while not stop.is_set():
                self._step(time.monotonic())
                self._handle_events(self._wait_s(time.monotonic()))
        finally:
            self._close(STOPPED)
            self._keep_spending()
            self._link, self._why_open = LinkState.CLOSED, None

    def _step(self, now: float) -> None:
        self._sender.look_at_outbox()
        self._decide(now)
        if self._link is LinkState.WAITING and now >= self._try_at:
            self._connect()
        elif self._link is LinkState.UP:
            self._sender.send(now, alerts_only=self._why_open is not OpenFor.SCHEDULE)
        elif self._link is LinkState.CONNECTING and now > self._answer_by:
            self._lost(Lost(f"it takes connections and does not answer in {_ANSWER_WITHIN_S:.0f} s"))
        if now >= self._measure_at:
            self._measure(now)

    # its hours

    def _decide(self, now: float) -> None:
        """Open or close the link by its hours, its alerts and its budget."""
        hours, sender = self._hours, self._sender
        moment = self._clock.now()
        if self._spending.turn(moment):
            sender.day_turned()
            log.info("a new day for the link's budgets")
        is_up = self._link is LinkState.UP
        if is_up and hours.ends and now >= self._up_at + _LEAST_OPEN_S and sender.is_drained(now):
            hours.all_sent(now, moment)
        was_open_for = self._why_open
        self._why_open = hours.why_open(
            now, moment, is_up=is_up, alerts_wait=sender.alerts_wait, is_spent=self._spending.is_spent
        )
        if self._why_open is not None:
            self._close_by = None
            if self._link is LinkState.CLOSED:
                self._link, self._try_at = LinkState.WAITING, 0.0
            return
        if self._link in (LinkState.CLOSED, LinkState.CONNECTING):
            return
        if self._link is LinkState.WAITING:
            self._link = LinkState.CLOSED
            return
        if was_open_for is not None:
            self._close_by = now + _LAST_RECEIPTS_S
        if self._close_by is None or now >= self._close_by or not sender.in_flight:
            self._close(BUDGET_SPENT if self._spending.is_spent else WINDOW_OVER)
            self._link = LinkState.CLOSED
            self._backoff.reset()
            log.info("link closed: %s", "today's budget is spent" if self._spending.is_spent else "its hours are over")

    def _close(self, reason: str) -> None:
        """End the connection, if there is one, with a farewell."""
        if self._session is None:
            return
        moment = self._clock.now()
        opens_in_s = self._hours.opens_in_s(moment)
        next_ms = None
        if reason == WINDOW_OVER and opens_in_s is not None and moment.is_trusted:
            next_ms = moment.wall_ms + round(opens_in_s * 1000)
        self._session.close(StationState(self._station, "down", self._software, moment.wall_ms, reason, next_ms))
        self._end_session()

    def _end_session(self) -> None:
        """The session in use is closed: reckon up what it cost, take back what was under way."""
        if self._session is None:
            return
        meter = self._sender.meter if self._link is LinkState.UP else Meter()
        meter.measured(self._session.wire())
        meter.ended()
        self._spending.note(meter.take())
        self._session = None
        self._drain_events()
        self._sender.link_down(time.monotonic())

    # what it costs

    def _measure(self, now: float) -> None:
        self._measure_at = now + _MEASURE_EVERY_S
        if dropped := self._events.take_dropped():
            self._outbox.accept([], tallies={("uplink", "no_room"): dropped})
            self._flooded.warn("the broker sends more than this post can look at: %d messages are dropped", dropped)
        if self._session is not None and self._link is LinkState.UP:
            self._sender.meter.measured(self._session.wire())
            taken = self._sender.meter.take()
            self._spending.note(taken)
            self._keep_by = min(self._keep_by, now + _KEEP_EVERY_S) if taken else self._keep_by
        if now >= self._keep_by:
            self._keep_spending()

    def _keep_spending(self) -> None:
        self._keep_by = time.monotonic() + _KEEP_IDLE_EVERY_S
        changes = self._spending.changes()
        if changes:
            self._outbox.accept([], tallies=changes)

    # the link

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
        self._up_at = time.monotonic()
        self._trouble = ""
        say = log.debug if self._refusal_told else log.info  # the end of that is told by what is received
        say("link up: %s:%d", self._settings.host, self._settings.port)
        self._session.greet(self._clock.now().wall_ms, self._down_topics)
        self._sender.link_up(self._session.publish, self._up_at)

    def _lost(self, lost: Lost) -> None:
        was_up = self._link is LinkState.UP
        if self._session is not None:
            self._session.close()
            self._end_session()
        self._link = LinkState.WAITING
        why = Why(lost.reason, lost.refused)
        if was_up:
            lasted_s = time.monotonic() - self._up_at
            why = self._earlier.explain(why, lasted_s=lasted_s, denied=self._denied, taken_over=lost.taken_over)
        reason, refused = why
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

    # events

    def _handle_events(self, wait_s: float) -> None:
        try:
            self._handle(self._events.get(wait_s))
            for _ in range(_MOST_AT_ONCE - 1):
                self._handle(self._events.get())
        except queue.Empty:
            return

    def _handle(self, event: Event) -> None:
        match event:
            case Wake(lanes):
                self._sender.came(lanes, time.monotonic())
                if lanes.get(Lane.ALERT):
                    self._hours.alert_came()
            case Connected() if self._link is LinkState.CONNECTING:
                self._connected()
            case Lost() as lost:
                # A session that is closed says so once more; only the one in use counts.
                if self._session is not None:
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
        """What an ended connection still had to say of itself means nothing to the next."""
        try:
            while True:
                event = self._events.get()
                if isinstance(event, Wake | Received):
                    self._handle(event)
        except queue.Empty:
            return

    def _acknowledged(self, message_id: int, reason: int, words: str) -> None:
        if reason == _NOT_AUTHORIZED:
            self._denied = words
        # Nobody listens at headquarters, or we are refused: what was sent is not kept anywhere. Wait, then send again.
        now = time.monotonic()
        ours = self._sender.acknowledged(message_id, reason, now, now + _REFUSED_WAIT_S)
        if not ours or reason == 0:
            return  # our state may well have no reader
        trouble = "nobody listens at headquarters" if reason == NOBODY else f"the broker refuses our messages: {words}"
        if trouble != self._trouble:
            log.warning("%s; what is not receipted is kept and sent again", trouble)
        self._trouble = trouble

    def _received(self, topic: str, payload: bytes) -> None:
        if topic != topics.receipt(self._station):
            self._sender.meter.came(FREIGHT, publish_bytes(topic, len(payload)))
            if not self._sender.received(topic, payload):
                log.debug("a message on %r is not for us", topic)
            return
        try:
            stored = decode_receipt(payload)
        except ContractError as error:
            self._outbox.accept([], tallies={("uplink", error.reason): 1})
            self._unreadable.warn("a receipt that cannot be read: %s", error)
            return
        self._receipts += 1
        self._failures = 0
        self._earlier.works(time.monotonic() - self._up_at)
        if not self._earlier.taken_over:  # two that fight for one name must not hurry
            self._backoff.reset()  # only now: a broker that lets us in and throws us out again is not a link
            if self._refusal_told:
                log.info("headquarters takes what we send again")
                self._refusal_told = ""
        self._sender.receipted(stored)
        if self._trouble and self._link is LinkState.UP:
            log.info("headquarters answers again")
            self._trouble = ""

    def _wait_s(self, now: float) -> float:
        """Until something is due, at most a second."""
        if self._link is LinkState.UP:
            return self._sender.next_s(now, alerts_only=self._why_open is not OpenFor.SCHEDULE)
        if self._link is LinkState.WAITING:
            return min(1.0, max(0.0, self._try_at - now))
        return 0.5
