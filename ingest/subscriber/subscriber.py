"""Takes messages from the broker into the journal: append, commit, acknowledge, receipt, in that order.

One thread (`run`). Whatever has come by the time it looks is appended in one transaction, so that one fsync serves many
messages when many come, and one when one comes.
"""

from __future__ import annotations

import logging
import queue
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from gateway.contract import topics
from gateway.contract.receipts import encode_receipts
from gateway.contract.states import StationState, decode_state
from gateway.contract.topics import ContractError
from gateway.supervision.backoff import Backoff
from ingest.journal.journal import PRUNE_SLICE, Arrival, Journal
from ingest.settings import BrokerSettings
from ingest.subscriber.session import Connected, Event, Lost, Received, Session, Subscribed

log = logging.getLogger(__name__)

_AT_ONCE: Final = 500
_AT_ONCE_BYTES: Final = 16 * 1024 * 1024
_ANSWER_WITHIN_S: Final = 20.0
_STEADY_S: Final = 60.0
_DISK_WAIT_S: Final = 1.0
_PRUNE_EVERY_S: Final = 60.0
_DAY_MS: Final = 86_400_000
_MAX_STATES: Final = 10_000
_STATE_TOPIC_SLASHES: Final = 3
_MEDIA: Final = f"/up/{topics.Lane.MEDIA.slug}"


TakeMedia = Callable[[str, bytes, Callable[[], None]], None]
"""Given topic and payload of a message of lane media, and how to acknowledge it, from any thread; never waits."""


class Subscriber:
    """The way into the journal. No I/O before `run`.

    media: takes lane media; without it, what comes there is dropped. news: told after each append. What it keeps for
    others to look at, from any thread: connected, journal_fault (why nothing can be stored now), counts (by name),
    discards and state_discards (by reason), states (each post's own word), last_received_ms (Unix time of each post's
    last message).
    """

    def __init__(
        self,
        settings: BrokerSettings,
        journal: Journal,
        *,
        keep_days: int,
        news: Callable[[], None],
        media: TakeMedia | None = None,
        seed: int | None = None,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._keep_ms = keep_days * _DAY_MS
        self._news = news
        self._media = media
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._backoff = Backoff(random.Random(seed))
        self._session: Session | None = None
        self._try_at = 0.0
        self._answer_by = 0.0
        self._up_at = 0.0
        self._failures = 0
        self._short_links = 0
        self._dropped = 0
        self._prune_at = time.monotonic() + _PRUNE_EVERY_S
        self._waiting: list[Received] = []
        self.connected = False
        self.journal_fault: str | None = None
        self.counts: Counter[str] = Counter()
        self.discards: Counter[str] = Counter()
        self.state_discards: Counter[str] = Counter()
        self.states: dict[str, StationState] = {}
        self.last_received_ms: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. The journal is open."""
        self.last_received_ms |= self._journal.last_received_ms()
        try:
            while not stop.is_set():
                now = time.monotonic()
                if self._session is None and now >= self._try_at:
                    self._connect()
                elif self._session is not None and not self.connected and now > self._answer_by:
                    self._lost(f"it takes connections and does not answer in {_ANSWER_WITHIN_S:.0f} s")
                self._collect()
                if self._waiting and not self._append():
                    stop.wait(_DISK_WAIT_S)
                self._prune()
        finally:
            self._close()

    def say(self, topic: str, payload: bytes) -> bool:
        """Publish something else to a post, QoS 1, not waited for; False while there is no connection. From any
        thread."""
        session = self._session
        if session is None or not self.connected:
            return False
        session.publish(topic, payload)
        return True

    # the connection

    def _connect(self) -> None:
        self._session = Session(self._settings, self._events)
        self._dropped = 0
        self._answer_by = time.monotonic() + _ANSWER_WITHIN_S
        try:
            self._session.connect()
        except (OSError, ValueError) as error:
            self._lost(f"{error}")

    def _lost(self, reason: str) -> None:
        was_connected = self.connected
        if was_connected and time.monotonic() - self._up_at >= _STEADY_S:
            self._backoff.reset()  # not at once: a broker that lets us in and throws us out again must not be hurried
            self._short_links = 0
        elif was_connected:
            self._short_links += 1
            if self._short_links > 1:  # few brokers say that they gave our place to somebody else
                reason += f" soon after we came, again: has another process client_id {self._settings.client_id!r}?"
        self._close()
        wait_s = self._backoff.next_s()
        self._try_at = time.monotonic() + wait_s
        self._failures += 1
        say = log.warning if was_connected or self._failures == 1 else log.debug
        broker = f"{self._settings.host}:{self._settings.port}"
        say("not subscribed at the broker %s: %s; next try in %.0f s", broker, reason, wait_s)

    def _close(self) -> None:
        """What was received and not acknowledged will come again: by the broker or by the post."""
        self.connected = False
        if self._session is not None:
            self._session.close()
            self._count_dropped()
            self._session = None
        self._waiting.clear()
        while True:
            try:
                self._events.get_nowait()
            except queue.Empty:
                return

    def _count_dropped(self) -> None:
        assert self._session is not None
        dropped = self._session.dropped
        self.discards["qos_0_overflow"] += dropped - self._dropped
        self._dropped = dropped

    # events

    def _collect(self) -> None:
        """Handle what has come; leave up-messages in `_waiting`, as many as one transaction should hold."""
        size = sum(len(message.payload) for message in self._waiting)
        try:
            event = self._events.get(timeout=0.25 if not self._waiting else 0.0)
            while True:
                if isinstance(event, Received):
                    if not self._is_state(event) and not self._is_media(event) and self._has_room(event):
                        self._waiting.append(event)
                        size += len(event.payload)
                else:
                    self._handle(event)
                if len(self._waiting) >= _AT_ONCE or size >= _AT_ONCE_BYTES:
                    return
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def _handle(self, event: Event) -> None:
        match event:
            case Connected() if self._session is not None:
                self._session.subscribe(media=self._media is not None)
            case Subscribed(refused) if self._session is not None:
                if refused:
                    self._lost(f"our subscription is refused ({refused}): look at the broker's ACL")
                    return
                self.connected = True
                self._up_at = time.monotonic()
                self._failures = 0
                log.info("subscribed at %s:%d", self._settings.host, self._settings.port)
            case Lost(reason) if self._session is not None:
                self._lost(reason)
            case _:
                log.debug("late: %s", type(event).__name__)

    def _has_room(self, message: Received) -> bool:
        """The broker keeps back what comes with QoS 1; what comes with QoS 0 nobody keeps back."""
        if message.qos or len(self._waiting) < self._settings.receive_maximum:
            return True
        self.discards["qos_0_overflow"] += 1
        return False

    def _is_state(self, message: Received) -> bool:
        if message.topic.count("/") != _STATE_TOPIC_SLASHES:
            return False
        assert self._session is not None
        self.counts["received_states"] += 1
        try:
            self._keep_state(message)
        except ContractError as error:
            self.state_discards[error.reason] += 1
            log.debug("a state that is not one: %s", error)
        self._session.acknowledge(message)
        return True

    def _is_media(self, message: Received) -> bool:
        if not message.topic.endswith(_MEDIA):
            return False
        session = self._session
        assert session is not None
        self.counts["received_media"] += 1
        if self._media is None:
            self.discards["media_not_taken"] += 1
            session.acknowledge(message)
        else:
            self._media(message.topic, message.payload, lambda: session.acknowledge(message))
        return True

    def _keep_state(self, message: Received) -> None:
        station = topics.parse_state(message.topic)
        if not message.payload:  # a retained state deleted by hand: nobody knows now
            self.states.pop(station, None)
            return
        state = decode_state(message.payload)
        if state.station != station:
            raise ContractError("station_mismatch", f"the state on {station}'s topic is of {state.station!r}")
        if station not in self.states and len(self.states) >= _MAX_STATES:
            raise ContractError("too_many_stations", f"{station!r} would be one more than {_MAX_STATES}")
        self.states[station] = state

    # the journal

    def _append(self) -> bool:
        now_ms = time.time_ns() // 1_000_000
        arrivals = [Arrival(message.topic, message.payload, now_ms) for message in self._waiting]
        try:
            appended = self._journal.append(arrivals)
        except sqlite3.Error as error:
            if self.journal_fault is None:
                log.error("the journal takes nothing (%s): nothing is acknowledged until it does", error)
            self.journal_fault = str(error)
            return False
        if self.journal_fault is not None:
            log.info("the journal works again")
            self.journal_fault = None
        assert self._session is not None
        for message in self._waiting:
            self._session.acknowledge(message)
        self._waiting.clear()
        for station, stored in appended.receipts.items():
            for receipt in encode_receipts(stored):
                self._session.publish(topics.receipt(station), receipt)
                self.counts["sent_receipts"] += 1
        self._count_dropped()
        self.counts.update(appended.counts)
        self.discards.update(appended.discards)
        for station in appended.receipts:
            self.last_received_ms[station] = now_ms
        self._news()
        return True

    def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        try:
            pruned = self._journal.prune(time.time_ns() // 1_000_000 - self._keep_ms)
        except sqlite3.Error as error:
            log.debug("pruning failed: %s", error)
            pruned = 0
        # A full slice means that there is more: go on soon, between messages.
        self._prune_at = time.monotonic() + (0.5 if pruned >= PRUNE_SLICE else _PRUNE_EVERY_S)
