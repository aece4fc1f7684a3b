"""A connection to somebody else's MQTT broker that comes and goes; what it brings waits in a bounded queue.

With QoS 1 a message is acknowledged only when `done` says that it is safe; what is not acknowledged when the connection
ends is sent again by a broker that keeps our session.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from firmware_bridge.delivery import SourceStanding, Tally
from firmware_bridge.links.broker_settings import BrokerSettings
from firmware_bridge.links.mqtt_connection import Connection, Message
from firmware_bridge.readings import DownlinkError, Rejected

log = logging.getLogger(__name__)

FIRST_BACK_OFF_S: Final = 0.5
LONGEST_BACK_OFF_S: Final = 60.0
MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_QUEUED: Final = 1000
MAX_QUEUED_BYTES: Final = 4 * 1024 * 1024
_WELCOME_TIMEOUT_S: Final = 10.0
_PROVEN_AFTER_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.1
_FAREWELL_S: Final = 0.3
_MAX_WORDS: Final = 16
_NO_ROOM: Final = "connecting again for the messages that there was no room for"


class BrokerState(Enum):
    """Where the connection stands."""

    WAITING = "waiting"  # not connected since the start
    CONNECTED = "connected"
    LOST = "lost"  # was connected, is not now


class MqttLink:
    """Messages of some topics at a broker. Opened, read and closed by one thread; `publish`, `state` and `words` from
    any.

    qos: 1, or 0 for a broker that knows no other. keep_session: the broker keeps what comes for us while we are away.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        topics: Sequence[str],
        *,
        name: str,
        qos: int = 1,
        keep_session: bool = True,
        max_queued: int = MAX_QUEUED,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.topics = tuple(topics)
        self.qos = qos
        self.keep_session = keep_session
        self._name = name
        self._max_queued = max_queued
        self._chance = chance
        self._changed = threading.Condition()
        self._queue: deque[Message] = deque()
        self._queued_bytes = 0
        self._dropped = Tally()
        self._left_unsaid = False  # the broker holds a message that was not taken: it comes with a new connection
        self._connection: Connection | None = None
        self.begins_anew = False
        """For its connections: what the broker holds for us is given up, as it holds what we cannot take."""
        self._state = BrokerState.WAITING
        self._trouble = ""
        self._told: dict[tuple[BrokerState, str], int] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> BrokerState:
        """Where the connection stands."""
        return self._state

    @property
    def words(self) -> str:
        """The state for a person."""
        where = f"the broker at {self.settings.host}:{self.settings.port}"
        if self._state is BrokerState.CONNECTED:
            return f"connected to {where}" + (f", but {self._trouble}" if self._trouble else "")
        lost = "was lost" if self._state is BrokerState.LOST else "is not reached yet"
        return f"{where} {lost}" + (f": {self._trouble}" if self._trouble else "")

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        state, trouble = self._state, self._trouble  # read from any thread
        if state is BrokerState.CONNECTED:
            return SourceStanding.PARTLY if trouble else SourceStanding.WELL
        return SourceStanding.LOST if state is BrokerState.LOST else SourceStanding.NOT_REACHED

    def open(self) -> None:
        """Begin to connect, and to connect again whenever that is lost, on a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_connected, name=f"mqtt {self._name}", daemon=True)
            self._thread.start()

    def read(self, timeout_s: float) -> Message | None:
        """The oldest message, or None when none came in the time."""
        with self._changed:
            if not self._queue:
                self._changed.wait(timeout_s)
            if not self._queue:
                return None
            message = self._queue.popleft()
            self._queued_bytes -= len(message.payload)
            return message

    def done(self, message: Message) -> None:
        """The message is safe: tell the broker, if it is still the same connection."""
        message.connection.acknowledge(message)

    def take_dropped(self) -> list[Rejected]:
        """What was not taken since this was last asked. Reasons: queue_full (with QoS 1 it comes again), too_long,
        bad_topic."""
        with self._changed:
            dropped = self._dropped.items()
            if dropped:
                self._dropped = Tally()
            return dropped

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker, without waiting for its answer. Raises DownlinkError: not_connected,
        queue_full."""
        connection = self._connection
        if connection is None or self._state is not BrokerState.CONNECTED:
            raise DownlinkError("not_connected", self.words)
        connection.publish(topic, payload)

    def close(self) -> None:
        """End it. What was read and not `done` comes again to who connects next under our name."""
        self._closing.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_FAREWELL_S)  # one that hangs in a connect ends by itself, when that does

    def take_in(self, message: Message) -> None:
        """Called by a connection, on paho's thread: queue a message or count it."""
        size = len(message.payload)
        with self._changed:
            if size > MAX_MESSAGE_BYTES:
                self._dropped.add("too_long", f"a message of {size} bytes on {message.topic[:100]}")
            elif len(self._queue) >= self._max_queued or self._queued_bytes + size > MAX_QUEUED_BYTES:
                self._dropped.add("queue_full", f"{len(self._queue)} messages wait")
                self._left_unsaid = self._left_unsaid or message.qos > 0
                return
            else:
                self._queue.append(message)
                self._queued_bytes += size
                self._changed.notify()
                return
        message.connection.acknowledge(message)

    def count(self, reason: str, detail: str) -> None:
        """Called by a connection: something that is no message for us."""
        with self._changed:
            self._dropped.add(reason, detail)

    def _keep_connected(self) -> None:
        back_off_s = FIRST_BACK_OFF_S
        while not self._closing.is_set():
            connection = Connection(self, self.settings.name_for(self._name))
            began = time.monotonic()
            trouble = connection.open()
            if not trouble:
                self._connection = connection
                trouble = self._attend(connection)
            self._connection = None
            connection.close()
            if self._closing.is_set():
                return
            if time.monotonic() - began > _PROVEN_AFTER_S:
                back_off_s = FIRST_BACK_OFF_S
                self._told.clear()
            was = self._state is not BrokerState.WAITING
            level = logging.INFO if trouble == _NO_ROOM else logging.WARNING
            self._enter(BrokerState.LOST if was else BrokerState.WAITING, trouble, level)
            self._closing.wait(back_off_s * (0.5 + self._chance() / 2))
            back_off_s = min(back_off_s * 2, LONGEST_BACK_OFF_S)

    def _attend(self, connection: Connection) -> str:
        """Watch over a connection until it ends; why it did."""
        deadline = time.monotonic() + _WELCOME_TIMEOUT_S
        while not self._closing.is_set():
            if connection.ended.wait(_LOOK_EVERY_S):
                return connection.trouble or "the connection was closed"
            if not connection.welcome.is_set():
                if time.monotonic() > deadline:
                    return "it does not answer; is it a broker?"
            elif self._state is not BrokerState.CONNECTED or self._trouble != connection.refused:
                level = logging.WARNING if connection.refused else logging.INFO
                self._enter(BrokerState.CONNECTED, connection.refused, level)
            with self._changed:
                again = self._left_unsaid and not self._queue
                self._left_unsaid = self._left_unsaid and not again
            if again:
                return _NO_ROOM
        return ""

    def _enter(self, state: BrokerState, trouble: str, level: int) -> None:
        """Log a change once; repeats, until the connection has proved itself, at DEBUG with a count."""
        self._state = state
        self._trouble = trouble
        told = (state, trouble)
        times = self._told[told] = self._told.get(told, 0) + 1
        if times > 1 or len(self._told) > _MAX_WORDS:
            log.debug("%s: %s (%d times)", self._name, self.words, times)
        else:
            log.log(level, "%s: %s", self._name, self.words)
