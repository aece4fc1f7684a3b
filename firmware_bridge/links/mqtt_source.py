"""A source at an MQTT broker: a link that brings messages and a decoder that understands them, in a loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final

from firmware_bridge.delivery import Decoder, Deliver, Delivery, SourceStanding
from firmware_bridge.links.mqtt_link import MqttLink
from firmware_bridge.readings import Downlink

_POLL_S: Final = 0.2

ToMessage = Callable[[Downlink], tuple[str, bytes]]
"""The topic and the payload that say a downlink. Raises DownlinkError."""


def as_chunk(topic: str, payload: bytes) -> bytes:
    """A message as decoders of such sources are fed it: topic, a space, payload, as `mosquitto_sub -v` prints it."""
    return topic.encode(errors="replace") + b" " + payload


class MqttSource:
    """A `Source` and a `Speaker`. The decoder is made when it is run, since its making may read files."""

    def __init__(
        self,
        name: str,
        link: MqttLink,
        new_decoder: Callable[[], Decoder],
        to_message: ToMessage,
        names: Iterable[str] = (),
    ) -> None:
        """names: of the devices in the settings that something can be said to."""
        self._name = name
        self._names = frozenset(names)
        self._link = link
        self._new_decoder = new_decoder
        self._to_message = to_message

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """How the connection stands, in words."""
        return self._link.words

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        return self._link.standing

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`. A message is acknowledged when what it gave has been delivered."""
        decoder = self._new_decoder()
        self._link.open()
        try:
            while not stop.is_set():
                if dropped := self._link.take_dropped():
                    deliver(Delivery(self._name, [], dropped, {}))
                message = self._link.read(_POLL_S)
                if message is None:
                    continue
                delivery = decoder.feed(as_chunk(message.topic, message.payload))
                if delivery is not None:
                    deliver(delivery)
                self._link.done(message)
        finally:
            self._link.close()

    def knows(self, device: str) -> bool:
        """See `Speaker.knows`."""
        return device in self._names

    def say(self, downlink: Downlink) -> None:
        """See `Speaker.say`. Reasons: those of the driver, not_connected, queue_full."""
        self._link.publish(*self._to_message(downlink))
