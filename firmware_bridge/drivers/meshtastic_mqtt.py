"""Meshtastic over MQTT: what nodes with Wi-Fi or Ethernet pass on of their mesh, as JSON.

Device          any mesh with a node that has MQTT and JSON output switched on (not on nRF52, which has no JSON)
Specification   meshtastic.org, "MQTT" (JSON topic); its fields as firmware 2.x writes them
Link            MQTT 3.1.1; the nodes publish with QoS 0, so what they say while we are away is lost

Data layout     topic, a space, JSON; a field that is absent is 0

    <root>/2/json/<channel>/<gateway id>
    id, from            the packet's number and its sender (signed before firmware 2.2); to is not read
    timestamp           Unix time of reception, s, by the node that passed it on
    rssi, snr           dBm, dB, as that node received it
    type                text, position, telemetry, nodeinfo, detection: read; all others counted
    payload             text: {text}, or the text itself where it was JSON. position: latitude_i, longitude_i (1e-7
                        degree; 0, 0 = absent), altitude (m), time, timestamp, precision_bits. telemetry:
                        battery_level (%, 101 = external power), voltage, uptime_seconds, temperature, ... nodeinfo:
                        longname, shortname
    <root>/2/json/mqtt/ what `say` publishes: from, to, channel, type sendtext, payload

Integrity       none of its own (the node has checked what came by air); shape; duplicates by (from, id), since several
                nodes may pass on one packet; range
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Self

import msgspec
from pydantic import Field, model_validator

from firmware_bridge.delivery import Delivery, RadioText, ReplayState, Source, Tally
from firmware_bridge.framing.our_frames import check_all_different
from firmware_bridge.links.broker_settings import BrokerSettings, BrokerSourceSettings
from firmware_bridge.links.mqtt_link import MqttLink
from firmware_bridge.links.mqtt_source import MqttSource
from firmware_bridge.lorawan.events import parse
from firmware_bridge.meshtastic import fields
from firmware_bridge.meshtastic.messages import (
    BROADCAST,
    Body,
    Measured,
    MeshPacket,
    Named,
    Unread,
    Words,
    cut_text,
)
from firmware_bridge.meshtastic.nodes import MAX_TEXT, MeshNode, MeshNodes, address_of
from firmware_bridge.readings import Downlink, DownlinkError, Reading, Rejected

QUANTITIES: Final = fields.QUANTITIES
SAMPLE: Final = """\
driver = "meshtastic_mqtt"
name = "malla-rio"
root = "msh/PE"
gateway = "!a1b2c3d4"

[broker]
host = "localhost"
username = "vigia"
password_file = "/etc/vigia/mqtt-local.key"

[[devices]]
id = "!a1b2c3d4"
name = "base-rio"

[[devices]]
id = "!0badcafe"
name = "nivel-quebrada"
"""

_NODE_NUMBERS: Final = 1 << 32
_OTHER_TYPES: Final = frozenset(
    {"waypoint", "neighborinfo", "traceroute", "paxcounter", "gpios_changed", "gpios_read_reply"}
)
_OURS: Final = frozenset({"sendtext", "sendposition"})
"""What hosts say to nodes: our own texts come by here too."""


class Settings(BrokerSourceSettings):
    """A mesh, as its nodes tell of it at a broker."""

    driver: Literal["meshtastic_mqtt"] = Field(description="meshtastic_mqtt: JSON of Meshtastic nodes at a broker.")
    root: str = Field(
        default="msh",
        min_length=1,
        max_length=200,
        pattern=r"^[^#+\s/]+(?:/[^#+\s/]+)*$",
        description="Root topic, as the nodes have it in their MQTT settings, such as msh/US.",
    )
    gateway: str = Field(
        default="",
        pattern=r"^(?:![0-9a-f]{8})?$",
        description="Id of the node that sends what is to be said; it needs a channel called mqtt with downlink "
        "switched on. Empty: nothing is said.",
    )
    broker: BrokerSettings = Field(
        description="The broker: one of the post's own, never the public one of the project."
    )
    devices: list[MeshNode] = Field(
        default=[],
        max_length=4096,
        description="The radios whose telemetry and positions are kept; those of others are counted. Texts are taken "
        "from all.",
    )

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        check_all_different(self.devices)
        return self


class _Event(msgspec.Struct, rename={"sender": "from", "number": "id"}):
    sender: int = 0
    number: int = 0
    timestamp: float = 0
    rssi: float | None = None
    snr: float | None = None
    type: str = ""
    payload: Any = None


_EVENTS: Final = msgspec.json.Decoder(_Event)


class MeshJsonDecoder:
    """A `Decoder` of `topic payload`.

    Reasons beside those of parsing and of `MeshNodes`: bad_topic, bad_payload (of another shape), unread_type_<type>.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._source = settings.name
        self._prefix = [*settings.root.split("/"), "2", "json"]
        self._nodes = MeshNodes(settings.devices, now)

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`: one message."""
        tally = Tally()
        readings: list[Reading] = []
        texts: list[RadioText] = []
        self._take(chunk, readings, texts, tally)
        rejected = tally.items()
        if not (readings or texts or rejected):
            return None
        return Delivery(self._source, readings, rejected, {}, texts=texts)

    def _take(self, chunk: bytes, readings: list[Reading], texts: list[RadioText], tally: Tally) -> None:
        topic, _, payload = chunk.partition(b" ")
        levels = topic.decode(errors="replace").split("/")
        if len(levels) != len(self._prefix) + 2 or levels[:-2] != self._prefix:
            tally.add("bad_topic", topic[:100].decode(errors="replace"))
            return
        event = parse(_EVENTS, payload, otherwise="JSON output must be switched on at the node")
        if isinstance(event, Rejected):
            tally.extend((event,))
            return
        if event.type in _OURS:
            return
        if not (-_NODE_NUMBERS // 2 <= event.sender < _NODE_NUMBERS and 0 <= event.number < _NODE_NUMBERS):
            tally.add("bad_event", f"from {event.sender}, id {event.number}")
            return
        packet = MeshPacket(
            sender=event.sender % _NODE_NUMBERS,
            channel=levels[-2],
            number=event.number,
            received_at=int(event.timestamp) if math.isfinite(event.timestamp) else 0,
            rssi_dbm=event.rssi,
            snr_decibels=0.0 if event.snr is None and event.rssi is not None else event.snr,
            body=_body(event),
        )
        self._nodes.take(packet, readings, texts, tally)


def _body(event: _Event) -> Body:
    told = event.payload
    if event.type in ("text", "detection"):
        text = told.get("text") if isinstance(told, dict) else told
        if not isinstance(text, str):  # somebody wrote JSON, and the node has read it
            try:
                text = json.dumps(told, ensure_ascii=False)
            except RecursionError:
                return Unread("bad_payload")
        return Words(text[:MAX_TEXT])
    if event.type not in ("position", "telemetry", "nodeinfo"):
        name = event.type if event.type in _OTHER_TYPES else "other"
        return Unread(f"unread_type_{name}")
    if not isinstance(told, dict):
        return Unread("bad_payload")
    if event.type == "nodeinfo":
        names = (told.get("longname"), told.get("shortname"))
        return Named(next((name for name in names if isinstance(name, str) and name), ""))
    numbers = {name: float(value) for name, value in told.items() if _is_number(value)}
    if event.type == "position":
        at = numbers.get("timestamp") or numbers.get("time") or 0.0
        return Measured(tuple(fields.position(numbers)), int(at))
    return Measured(tuple(fields.telemetry(numbers)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18


class Downlinks:
    """Makes the message that has a node send a text."""

    def __init__(self, settings: Settings) -> None:
        self._topic = f"{settings.root}/2/json/mqtt/"
        self._gateway = int(settings.gateway[1:], 16) if settings.gateway else None
        self._nodes = {node.name: int(node.id[1:], 16) for node in settings.devices}

    def __call__(self, downlink: Downlink) -> tuple[str, bytes]:
        """Topic and payload. device: ^all, an id such as !a1b2c3d4, the name of a node in the settings, or a channel by
        index (#1). Raises DownlinkError: no_gateway, no_text, unknown_device."""
        if self._gateway is None:
            raise DownlinkError("no_gateway", "name the node that is to send it: gateway in the settings")
        if not downlink.text.strip():
            raise DownlinkError("no_text", "a radio of the mesh takes words; there are none")
        to, channel = address_of(downlink.device, self._nodes, {})
        command: dict[str, object] = {
            "from": self._gateway,
            "type": "sendtext",
            "payload": cut_text(downlink.text).decode(),
        }
        if to != BROADCAST:
            command["to"] = to
        if channel:
            command["channel"] = channel
        return self._topic, msgspec.json.encode(command)


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> MeshJsonDecoder:
    """See `Driver.new_decoder`."""
    return MeshJsonDecoder(settings)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`. It is a `Speaker` too."""
    link = MqttLink(settings.broker, [f"{settings.root}/2/json/+/+"], name=settings.name)
    names = [node.name for node in settings.devices] if settings.gateway else []
    return MqttSource(settings.name, link, lambda: new_decoder(settings, replay), Downlinks(settings), names)
