"""A plain paho client for tests: the other end of our wire, or a stranger on it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.waiting import wait_until


class MqttPeer:
    """Connects, hears what it subscribes to (topic, payload, retained), publishes. A context manager."""

    def __init__(self, port: int, *subscriptions: str, client_id: str = "") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._port = port
        self._subscriptions = subscriptions
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        wait_until("the peer is subscribed", self._ready.is_set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Send and wait until the broker has it."""
        self._client.publish(topic, payload, qos, retain).wait_for_publish(5.0)

    def payloads(self, topic: str) -> list[bytes]:
        """What came on one topic."""
        return [payload for heard, payload, _ in list(self.heard) if heard == topic]

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        if self._subscriptions:
            client.subscribe([(subscription, 1) for subscription in self._subscriptions])
        else:
            self._ready.set()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload), message.retain))
