"""One MQTT 5 connection of ingest to the broker: the only place of this package that knows paho-mqtt.

QoS 1 with manual acknowledgement: the broker keeps a message until it is in the journal, and gives us at most
receive_maximum at a time. What comes with QoS 0, which no post of ours uses, has no such bound: it is dropped when as
many events wait. Callbacks only put events into a queue; a session serves one connection and is thrown away.
"""

from __future__ import annotations

import queue
from typing import Any, Final, NamedTuple, TypeAlias

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.contract import topics
from gateway.contract.batches import MAX_MESSAGE_BYTES
from ingest.settings import BrokerSettings

_CONNECT_TIMEOUT_S: Final = 10.0
_QOS: Final = 1


class Connected(NamedTuple):
    """The broker let us in."""


class Subscribed(NamedTuple):
    """The broker answered our subscriptions; the words of what it refused."""

    refused: str


class Lost(NamedTuple):
    """The connection ended, or was not let in; why."""

    reason: str


class Received(NamedTuple):
    """A message, not yet acknowledged."""

    topic: str
    payload: bytes
    message_id: int
    qos: int


Event: TypeAlias = Connected | Subscribed | Lost | Received


class Session:
    """One connection. No I/O before `connect`. dropped: how many messages of QoS 0 there was no room for."""

    def __init__(self, settings: BrokerSettings, events: queue.SimpleQueue[Event]) -> None:
        self._settings = settings
        self._events = events
        self.dropped = 0
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(65535)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client

    def connect(self) -> None:
        """Begin; `Connected` or `Lost` follows as an event. Raises OSError or ValueError when it cannot even begin."""
        settings = self._settings
        if settings.tls:
            for path in (settings.ca_file, settings.cert_file, settings.key_file):
                path.open("rb").close()  # raises with the path; ssl would not name it
            self._client.tls_set(str(settings.ca_file), str(settings.cert_file), str(settings.key_file))
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
        properties.SessionExpiryInterval = settings.session_kept_s
        properties.ReceiveMaximum = settings.receive_maximum
        properties.MaximumPacketSize = MAX_MESSAGE_BYTES + 1024
        self._client.connect(
            settings.host, settings.port, settings.keepalive_s, clean_start=False, properties=properties
        )
        self._client.loop_start()

    def subscribe(self, *, media: bool) -> None:
        """Ask for everything that posts send; at every connection, since a broker may have forgotten us. media: lane
        media too, which is not shared with the group: the pieces of a file must come to one process.

        Of states also what is retained; of the lanes not, or a post could have us take the same again at each
        connection (a shared subscription is never sent what is retained: MQTT 5, 4.8.2).
        """
        lanes = SubscribeOptions(qos=_QOS, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        states = SubscribeOptions(qos=_QOS, retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
        unwanted: list[str] = []
        if self._settings.group is None:
            up = [topics.ALL_UP]
        else:
            group = self._settings.group.get_secret_value()
            up = [topics.shared(group, topic) for topic in topics.ALL_SHARED] + [topics.ALL_MEDIA] * media
            # What a session from before has of other settings would bring lane media all the same.
            unwanted = [topics.shared(group, topics.ALL_UP), topics.ALL_UP] + [topics.ALL_MEDIA] * (not media)
        self._client.subscribe([*((topic, lanes) for topic in up), (topics.ALL_STATES, states)])
        if unwanted:
            self._client.unsubscribe(unwanted)

    def acknowledge(self, message: Received) -> None:
        """The broker may forget this message."""
        if message.qos:
            self._client.ack(message.message_id, message.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send; not waited for: a receipt that is lost is made up for by the next."""
        self._client.publish(topic, payload, _QOS)

    def close(self) -> None:
        """End the connection and its thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._events.put(Lost(f"the broker refuses us: {reason}") if reason.is_failure else Connected())

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _message_id: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        self._events.put(Subscribed(", ".join(str(reason) for reason in reasons if reason.is_failure)))

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        said = flags.is_disconnect_packet_from_server  # else paho makes up a reason, "Unspecified error"
        self._events.put(Lost(f"it ends the connection: {reason}" if said else "the connection broke"))

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if not message.qos and self._events.qsize() >= self._settings.receive_maximum:
            self.dropped += 1
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:  # no honest broker passes one on; raised here, it would end paho's thread
            topic = ""
        self._events.put(Received(topic, bytes(message.payload), message.mid, message.qos))
