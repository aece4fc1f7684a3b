"""One connection to somebody else's MQTT broker. The one module that imports paho-mqtt.

MQTT 3.1.1, since The Things Stack speaks no other. One paho client lives for one connection, so that an acknowledgement
can never reach a later one, where its number may stand for another message. Callbacks run on paho's thread; they only
hand on what came.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from typing import Any, Final, NamedTuple, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from firmware_bridge.links.broker_settings import BrokerSettings
from firmware_bridge.readings import DownlinkError

_CONNECT_TIMEOUT_S: Final = 5.0
_MAX_PACKET_BYTES: Final = 16 * 1024 * 1024
"""The connection ends at a larger one: paho would keep up to 256 MiB of it, more than a gateway may have."""
_MAX_UNSENT: Final = 100


class Message(NamedTuple):
    """What came. To be told to `MqttLink.done` when it is safe."""

    topic: str
    payload: bytes
    connection: Connection
    message_id: int
    qos: int


class Keeper(Protocol):
    """Who opens connections, one after another, and takes what they bring, on their threads.

    topics, qos, keep_session: see `MqttLink`. begins_anew: the next one gives up what the broker holds for us.
    """

    settings: BrokerSettings
    topics: tuple[str, ...]
    qos: int
    keep_session: bool
    begins_anew: bool

    def take_in(self, message: Message) -> None:
        """Queue a message or count it."""

    def count(self, reason: str, detail: str) -> None:
        """Count something that is no message for us."""


class _BoundedClient(mqtt.Client):
    """Does not take in a packet that is far too large. too_large_bytes: of the one at which it gave up."""

    too_large_bytes = 0

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > _MAX_PACKET_BYTES:
            self.too_large_bytes = bufsize
            raise ConnectionError("a packet that is too large")
        return super()._sock_recv(bufsize)


class Connection:
    """One connection, from its beginning to its end. welcome: the broker let us in and answered our subscriptions.
    refused: in words, what it does not let us read."""

    def __init__(self, link: Keeper, client_id: str) -> None:
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
