"""A connection to somebody else's MQTT broker that comes and goes. The one module that imports paho-mqtt.

MQTT 3.1.1, since The Things Stack speaks no other. With QoS 1 a message is acknowledged only when `done` says that it
is safe; what is not acknowledged when the connection ends is sent again by a broker that keeps our session. One paho
client lives for one connection, so that an acknowledgement can never reach a later one, where its number may
stand for another message. Callbacks run on paho's thread; they only put messages into a bounded queue.
"""

from __future__ import annotations

import errno
import logging
import random
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from firmware_bridge.delivery import SourceStanding, Tally
from firmware_bridge.links.broker_settings import BrokerSettings
from firmware_bridge.readings import DownlinkError, Rejected

log = logging.getLogger(__name__)

FIRST_BACK_OFF_S: Final = 0.5
LONGEST_BACK_OFF_S: Final = 60.0
MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_QUEUED: Final = 1000
MAX_QUEUED_BYTES: Final = 4 * 1024 * 1024
_CONNECT_TIMEOUT_S: Final = 5.0
_WELCOME_TIMEOUT_S: Final = 10.0
_PROVEN_AFTER_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.1
_FAREWELL_S: Final = 0.3
_MAX_PACKET_BYTES: Final = 16 * 1024 * 1024
"""The connection ends at a larger one: paho would keep up to 256 MiB of it, more than a gateway may have."""
_MAX_UNSENT: Final = 100
_MAX_WORDS: Final = 16
_NO_ROOM: Final = "connecting again for the messages that there was no room for"


class BrokerState(Enum):
    """Where the connection stands."""

    WAITING = "waiting"  # not connected since the start
    CONNECTED = "connected"
    LOST = "lost"  # was connected, is not now


class Message(NamedTuple):
    """What came. Say `done` when it is safe."""

    topic: str
    payload: bytes
    connection: _Connection
    message_id: int
    qos: int


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
        self._connection: _Connection | None = None
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
            connection = _Connection(self, self.settings.name_for(self._name))
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

    def _attend(self, connection: _Connection) -> str:
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


class _BoundedClient(mqtt.Client):
    """Does not take in a packet that is far too large. too_large_bytes: of the one at which it gave up."""

    too_large_bytes = 0

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > _MAX_PACKET_BYTES:
            self.too_large_bytes = bufsize
            raise ConnectionError("a packet that is too large")
        return super()._sock_recv(bufsize)


class _Connection:
    """One connection, from its beginning to its end. welcome: the broker let us in and answered our subscriptions.
    refused: in words, what it does not let us read."""

    def __init__(self, link: MqttLink, client_id: str) -> None:
        self._link = link
        self.welcome = threading.Event()
        self.ended = threading.Event()
        self.trouble = ""
        self.refused = ""
        self._unsent = 0
        self._counting = threading.Lock()
        self._begun = False
        client = _BoundedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=link.begins_anew or not link.keep_session,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._client = client
        link.begins_anew = False

    def open(self) -> str:
        """Connect. Why it cannot be, or "" when the broker was reached and `welcome` or `ended` will follow."""
        settings = self._link.settings
        try:
            if settings.username:
                self._client.username_pw_set(settings.username, settings.read_password())
            if settings.tls:
                self._client.tls_set_context(_tls(settings))
            self._client.connect(settings.host, settings.port, settings.keepalive_s)
        except (OSError, ValueError) as trouble:
            return _plain(trouble)
        self._begun = True
        self._client.loop_start()
        return ""

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that a message is safe. Harmless when the connection has ended."""
        if message.qos and not self.ended.is_set():
            self._client.ack(message.message_id, message.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """Raises DownlinkError."""
        with self._counting:
            if self._unsent >= _MAX_UNSENT:
                raise DownlinkError("queue_full", f"{self._unsent} downlinks wait for the broker")
            self._unsent += 1
        self._client.publish(topic, payload, self._link.qos)

    def close(self) -> None:
        """End it, and its thread."""
        if self._begun:
            self._client.disconnect()
            self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self.trouble = f"it refuses us: {str(reason).lower()}; check username and password"
            self.ended.set()
        else:
            client.subscribe([(topic, self._link.qos) for topic in self._link.topics])

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [topic for topic, reason in zip(self._link.topics, reasons, strict=False) if reason.is_failure]
        if refused:
            self.refused = f"it does not let us read {', '.join(refused)}; check what this user may read"
        self.welcome.set()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if size := self._client.too_large_bytes:
            self.trouble = f"it sends a message of {size} bytes; find out who publishes it"
            self._link.begins_anew = True
            self._link.count("too_long", f"a packet of {size} bytes")
        self.trouble = self.trouble or f"the connection ended ({str(reason).lower()})"
        self.ended.set()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        taken = Message("", bytes(message.payload), self, message.mid, message.qos)
        try:
            self._link.take_in(taken._replace(topic=message.topic))
        except UnicodeDecodeError:
            self._link.count("bad_topic", "a topic that is not UTF-8")
            self.acknowledge(taken)

    def _on_publish(self, *_: Any) -> None:
        with self._counting:
            self._unsent -= 1


class _TlsSocket(ssl.SSLSocket):
    """One that is closed when it is not to be: paho 2.2 forgets it."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _tls(settings: BrokerSettings) -> ssl.SSLContext:
    """Raises OSError and ValueError, naming a file that cannot be read."""
    context = ssl.create_default_context(cadata=settings.ca_file.read_text("ascii") if settings.ca_file else None)
    context.sslsocket_class = _TlsSocket
    if settings.cert_file is not None and settings.key_file is not None:
        for file in (settings.cert_file, settings.key_file):
            file.open("rb").close()  # the next line does not say which one it is
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


def _plain(trouble: Exception) -> str:
    """What is wrong and what to do, in words; the system's own message when it is none of the usual."""
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({trouble.verify_message}); check ca_file and host"
    if isinstance(trouble, ssl.SSLError):
        return f"no encrypted connection ({trouble.reason or trouble}); check port, tls and the certificate files"
    if isinstance(trouble, socket.gaierror):
        return "there is no machine of that name; check host"
    if isinstance(trouble, TimeoutError):
        return "no answer; check host and port"
    if isinstance(trouble, OSError):
        if trouble.errno == errno.ECONNREFUSED:
            return "nothing listens there; is the broker running?"
        if trouble.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return "there is no way to that machine; check the network"
        if trouble.filename is not None:
            return f"{trouble.filename} cannot be read ({trouble.strerror})"
    return f"it cannot be reached ({trouble})"
