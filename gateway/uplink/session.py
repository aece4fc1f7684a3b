"""One MQTT 5 connection to the broker: the only place that knows paho-mqtt.

Callbacks run on paho's thread and only put events into a queue: an exception in one would end that thread in silence. A
session is used for one connection and thrown away, so that nothing waits in paho's own unbounded memory.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Sequence
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.contract import topics
from gateway.contract.states import StationState, encode_state
from gateway.seldom import Seldom
from gateway.uplink.events import Acknowledged, Connected, Denied, Events, Lost, Received
from gateway.uplink.refusals import TellingContext, TellingSocket, Why, explain, foreign_certificate, tls_context
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.wire import Wire, wire_of

log = logging.getLogger(__name__)

_SESSION_KEPT_S: Final = 7 * 24 * 3600  # receipts wait for us at the broker this long
_CONNECT_TIMEOUT_S: Final = 15.0
_QOS: Final = 1
_NOT_AUTHORIZED: Final = 0x87
_TAKEN_OVER: Final = 0x8E  # MQTT 5, DISCONNECT: session taken over
_FAREWELL_S: Final = 5.0
_LEAVING_S: Final = 1.0
_MOST_BYTES: Final = 128 * 1024
"""Of one packet from the broker: twice what any message for a post may be."""
_MOST_UNREAD: Final = 16_384
"""Packets for the broker, acknowledgements of what it sends among them, that it does not read."""
_QOS_2: Final = 0x34  # MQTT 5, section 3.3.1: PUBLISH, QoS 2, without its other flags
_QOS_2_MASK: Final = 0xF6


def check_name(station: str, settings: UplinkSettings) -> None:
    """Warn of a certificate that is not the station's: the broker knows us by it alone, and under another name it takes
    nothing from us."""
    fault = foreign_certificate(settings.cert_file, station) if settings.tls else None
    if fault is not None:
        log.warning(
            "WRONG CERTIFICATE OR NAME: %s. Headquarters will refuse all that this post sends until one of them is"
            " mended; sensors are heard and readings kept meanwhile",
            fault,
        )


class _BoundedClient(mqtt.Client):
    """Ends the connection where paho would keep as much as a broker sends, which would end a gateway that warns people:
    256 MiB of one packet, 65,535 messages of QoS 2, any number of answers that nobody reads. abuse: what it was; once
    it is set, the next packet ends the connection."""

    abuse = ""

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > _MOST_BYTES:
            self.abuse = f"sends a packet of {bufsize} bytes"
        elif self._in_packet["command"] & _QOS_2_MASK == _QOS_2:
            self.abuse = "sends with QoS 2, which we never ask for"
        elif len(self._out_packet) > _MOST_UNREAD:
            self.abuse = "sends on and on, and reads nothing"
        if self.abuse:
            raise ConnectionError(self.abuse)
        return super()._sock_recv(bufsize)


class Session:
    """One connection. No I/O before `connect`."""

    def __init__(self, station: str, settings: UplinkSettings, events: Events, software: str) -> None:
        self._station = station
        self._settings = settings
        self._events = events
        self._software = software
        # The station's own name, always: the broker hands it the same session again.
        client = _BoundedClient(
            CallbackAPIVersion.VERSION2, client_id=station, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        client.max_inflight_messages_set(65535)  # the window is kept in Flights
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.will_set(topics.state(station), encode_state(StationState(station, "down", software)), _QOS, retain=True)
        self._client = client
        self._open: socket.socket | None = None
        self._telling: TellingSocket | None = None
        self._context: TellingContext | None = None
        self._wire = Wire()
        self._ended = threading.Event()
        self._asking = threading.Lock()
        self._asked: dict[int | None, str] = {}
        self._receipts = topics.receipt(station)
        self._let_in = False
        self._heard_less = Seldom(log)

    def connect(self) -> None:
        """Begin; `Connected` or `Lost` follows as an event, unless the broker says nothing. Raises OSError or
        ValueError when it cannot even begin."""
        settings = self._settings
        if settings.tls:
            self._context = tls_context(settings.ca_file, settings.cert_file, settings.key_file)
            self._client.tls_set_context(self._context)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
        properties.SessionExpiryInterval = _SESSION_KEPT_S
        properties.MaximumPacketSize = _MOST_BYTES  # an honest broker keeps what is larger to itself
        self._client.connect(
            settings.host, settings.port, settings.keepalive_s, clean_start=False, properties=properties
        )
        self._client.loop_start()

    def greet(self, since_ms: int, further_topics: Sequence[str] = ()) -> None:
        """After `Connected`: ask for receipts, and what else there is to hear, and say that we are here."""
        with self._asking:  # an answer may come before we know under which number we asked
            for topic in (self._receipts, *further_topics):
                self._asked[self._client.subscribe(topic, qos=_QOS)[1]] = topic
        self._tell(StationState(self._station, "up", self._software, since_ms))

    def _tell(self, state: StationState) -> mqtt.MQTTMessageInfo:
        return self._client.publish(topics.state(self._station), encode_state(state), _QOS, retain=True)

    def wire(self) -> Wire:
        """What the connection has cost so far, or in all when it has ended."""
        opened = self._open
        if opened is not None:
            self._wire = wire_of(opened) or self._wire
        elif self._context is not None and self._context.failed is not None:
            return self._context.failed
        return self._wire

    def publish(self, topic: str, payload: bytes) -> int:
        """Send; the message id by which `Acknowledged` will name it."""
        return self._client.publish(topic, payload, _QOS).mid

    def close(self, farewell: StationState | None = None) -> None:
        """End the connection and its thread, within seconds whatever becomes of the link; with a farewell when the
        broker can still be told."""
        if farewell is not None and self._client.is_connected():
            told = self._tell(farewell)
            try:
                told.wait_for_publish(_FAREWELL_S)
            except (RuntimeError, ValueError) as error:
                log.debug("no farewell: %s", error)
        self._client.disconnect()
        opened = self._open
        if opened is not None and not self._ended.wait(_LEAVING_S if self._let_in else 0):
            # paho would wait for room in a dead link's buffer until the keep-alive is over, and we for paho.
            self.wire()
            try:
                socket.socket.shutdown(opened, socket.SHUT_RDWR)  # not ssl's, which sees to the encryption first
            except OSError as error:
                log.debug("it ended meanwhile: %s", error)
        self._client.loop_stop()

    def _on_connect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._let_in = not reason.is_failure
        self._events.put(Connected() if self._let_in else Lost(f"the broker refuses us: {reason}", refused=True))

    def _on_socket_open(self, _client: mqtt.Client, _data: Any, opened: Any) -> None:
        self._open = opened
        self._telling = opened if isinstance(opened, TellingSocket) else None

    def _on_socket_close(self, _client: mqtt.Client, _data: Any, closing: Any) -> None:
        self._wire = wire_of(closing) or self._wire
        self._open = None

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        self._ended.set()
        if flags.is_disconnect_packet_from_server:
            self._events.put(Lost(f"the broker ends it: {reason}", taken_over=reason.value == _TAKEN_OVER))
            return
        # What paho gives as the reason it has made up: "Unspecified error".
        fault = self._telling.fault if self._telling is not None else None
        words, refused = explain(fault) if fault is not None else Why("the connection broke")
        if self._client.abuse:
            words, refused = f"the broker {self._client.abuse}; no honest one does that", True
        if self._telling is not None and not self._let_in and not refused:
            words = "the broker hangs up before it lets us in; does it take our certificate? vigia doctor says more"
            refused = True
        self._events.put(Lost(words, refused))

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, message_id: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        with self._asking:
            topic = self._asked.pop(message_id, "")
        words = ", ".join(str(reason) for reason in reasons if reason.is_failure)
        if not topic:
            self._client.abuse = "answers what we did not ask"  # its next packet ends it
        elif words and topic == self._receipts:
            ours = any(reason.value == _NOT_AUTHORIZED for reason in reasons)
            self._events.put(Denied(words) if ours else Lost(f"the broker gives us no receipts: {words}", refused=True))
        elif words:
            self._heard_less.warn("the broker lets us hear less than it should (%s); readings go all the same", words)

    def _on_publish(
        self, _client: mqtt.Client, _data: Any, message_id: int, reason: ReasonCode, _properties: Any
    ) -> None:
        self._events.put(Acknowledged(message_id, reason.value, str(reason)))

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # no honest broker passes one on; raised here, it would end paho's thread
            topic = ""
        self._events.put(Received(topic, bytes(message.payload)))
