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
from collections.abc import Callable, Mapping
from typing import Final

from gateway.contract import topics
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import MAX_EPOCHS, encode_receipt
from gateway.contract.states import StationState, decode_state
from gateway.contract.topics import ContractError
from gateway.supervision.backoff import Backoff
from ingest.journal.journal import Appended, Arrival, Journal
from ingest.settings import BrokerSettings
from ingest.subscriber.session import Connected, Event, Lost, Received, Session, Subscribed

log = logging.getLogger(__name__)

_AT_ONCE: Final = 500
_AT_ONCE_BYTES: Final = 16 * 1024 * 1024
_DISK_WAIT_S: Final = 1.0
_PRUNE_EVERY_S: Final = 60.0
_DAY_MS: Final = 86_400_000


class Subscriber:
    """The way into the journal. news: told after each append that stored something. No I/O before `run`."""

    def __init__(
        self,
        settings: BrokerSettings,
        journal: Journal,
        *,
        keep_days: int,
        news: Callable[[], None],
        seed: int | None = None,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._keep_ms = keep_days * _DAY_MS
        self._news = news
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._backoff = Backoff(random.Random(seed))
        self._session: Session | None = None
        self._try_at = 0.0
        self._failures = 0
        self._prune_at = time.monotonic() + _PRUNE_EVERY_S
        self._waiting: list[Received] = []
        self.connected = False
        self.journal_fault: str | None = None
        self.counts: Counter[str] = Counter()
        self.discards: Counter[str] = Counter()
        self.states: dict[str, StationState] = {}
        self.last_received_ms: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        try:
            while not stop.is_set():
                if self._session is None and time.monotonic() >= self._try_at:
                    self._connect()
                self._collect()
                if self._waiting and not self._append():
                    stop.wait(_DISK_WAIT_S)
                self._prune()
        finally:
            self._close()

    # the connection

    def _connect(self) -> None:
        self._session = Session(self._settings, self._events)
        try:
            self._session.connect()
        except (OSError, ValueError) as error:
            self._lost(f"{error}")

    def _lost(self, reason: str) -> None:
        self._close()
        wait_s = self._backoff.next_s()
        self._try_at = time.monotonic() + wait_s
        self._failures += 1
        say = log.warning if self._failures == 1 else log.debug
        say("no broker at %s:%d (%s); next try in %.0f s", self._settings.host, self._settings.port, reason, wait_s)

    def _close(self) -> None:
        """What was received and not acknowledged will come again: by the broker or by the post."""
        self.connected = False
        if self._session is not None:
            self._session.close()
            self._session = None
        self._waiting.clear()
        while True:
            try:
                self._events.get_nowait()
            except queue.Empty:
                return

    # events

    def _collect(self) -> None:
        """Handle what has come; leave up-messages in `_waiting`, as many as one transaction should hold."""
        size = sum(len(message.payload) for message in self._waiting)
        try:
            event = self._events.get(timeout=0.25 if not self._waiting else 0.0)
            while True:
                if isinstance(event, Received):
                    if not self._is_state(event):
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
                self._session.subscribe()
            case Subscribed(refused) if self._session is not None:
                if refused:
                    self._lost(f"our subscription is refused ({refused}): look at the broker's ACL")
                    return
                self.connected = True
                self._failures = 0
                self._backoff.reset()
                log.info("subscribed at %s:%d", self._settings.host, self._settings.port)
            case Lost(reason) if self._session is not None:
                self._lost(reason)
            case _:
                log.debug("late: %s", type(event).__name__)

    def _is_state(self, message: Received) -> bool:
        if not message.topic.endswith("/state"):
            return False
        assert self._session is not None
        try:
            self._keep_state(message)
        except ContractError as error:
            self.discards[error.reason] += 1
            log.debug("a state that is not one: %s", error)
        self._session.acknowledge(message)
        return True

    def _keep_state(self, message: Received) -> None:
        station = topics.parse_state(message.topic)
        if not message.payload:  # a retained state deleted by hand
            return
        state = decode_state(message.payload)
        if state.station != station:
            raise ContractError("station_mismatch", f"the state on {station}'s topic is of {state.station!r}")
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
        session = self._session
        if session is not None:
            for message in self._waiting:
                session.acknowledge(message)
            self._send_receipts(session, appended.receipts)
        self._note(appended, len(arrivals), now_ms)
        self._waiting.clear()
        if appended.entries or appended.counts:
            self._news()
        return True

    def _note(self, appended: Appended, messages: int, now_ms: int) -> None:
        self.counts["messages"] += messages
        self.counts["entries"] += appended.entries
        self.discards.update(appended.counts)
        for station in appended.receipts:
            self.last_received_ms[station] = now_ms

    def _send_receipts(self, session: Session, receipts: Mapping[str, Mapping[bytes, RangeSet]]) -> None:
        for station, stored in receipts.items():
            epochs = list(stored.items())
            for at in range(0, len(epochs), MAX_EPOCHS):
                session.publish(topics.receipt(station), encode_receipt(dict(epochs[at : at + MAX_EPOCHS])))
                self.counts["receipts"] += 1

    def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        try:
            pruned = self._journal.prune(time.time_ns() // 1_000_000 - self._keep_ms)
        except sqlite3.Error as error:
            log.debug("pruning failed: %s", error)
            pruned = 0
        # A full slice means that there is more: go on soon, between messages.
        self._prune_at = time.monotonic() + (0.5 if pruned >= 1000 else _PRUNE_EVERY_S)
