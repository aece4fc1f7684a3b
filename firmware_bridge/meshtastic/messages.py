"""Meshtastic's messages: what a radio tells its host and what a host says to it. Numbers as in mesh.proto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from firmware_bridge.framing.protobuf_wire import (
    Message,
    ProtobufError,
    put_blob,
    put_fixed32,
    put_uint,
)
from firmware_bridge.meshtastic import fields
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import Rejected

BROADCAST: Final = 0xFFFF_FFFF
MAX_TEXT_BYTES: Final = 200
"""Longest text that is sent, in UTF-8; a packet takes a little more (DATA_PAYLOAD_LEN, 233)."""

# FromRadio
_PACKET, _MY_INFO, _NODE_INFO, _CONFIG_COMPLETE, _REBOOTED, _CHANNEL = 2, 3, 4, 7, 8, 10
# ToRadio
_TO_PACKET, _TO_WANT_CONFIG, _TO_HEARTBEAT = 1, 3, 7
# MeshPacket
_FROM, _TO, _CHANNEL_INDEX, _DECODED, _ENCRYPTED, _ID, _RX_TIME, _RX_SNR, _HOP_LIMIT, _WANT_ACK, _RX_RSSI = (
    *range(1, 11),
    12,
)
# Data
_PORT, _PAYLOAD, _REQUEST_ID = 1, 2, 6
# PortNum
_TEXT, _POSITION, _NODE_INFO_PORT, _ROUTING, _DETECTION_SENSOR, _ALERT, _TELEMETRY = 1, 3, 4, 5, 10, 11, 67
_MAX_PORT: Final = 511
_TEXT_PORTS: Final = frozenset({_TEXT, _DETECTION_SENSOR, _ALERT})
# Telemetry
_TELEMETRY_TIME, _DEVICE_METRICS, _ENVIRONMENT_METRICS, _LOCAL_STATS = 1, 2, 3, 6
_OTHER_METRICS: Final = {
    4: "air_quality_metrics",
    5: "power_metrics",
    7: "health_metrics",
    8: "host_metrics",
    9: "traffic_management_stats",
    10: "cellular_metrics",
}

# Number to name and type: u unsigned, f float, i int32, s sfixed32, x fixed32.
_Fields = Mapping[int, tuple[str, str]]
_POSITION_FIELDS: Final[_Fields] = {
    1: ("latitude_i", "s"),
    2: ("longitude_i", "s"),
    3: ("altitude", "i"),
    11: ("PDOP", "u"),
    14: ("gps_accuracy", "u"),
    23: ("precision_bits", "u"),
}
_POSITION_TIME, _POSITION_TIMESTAMP = 4, 7
_DEVICE_FIELDS: Final[_Fields] = {
    1: ("battery_level", "u"),
    2: ("voltage", "f"),
    3: ("channel_utilization", "f"),
    4: ("air_util_tx", "f"),
    5: ("uptime_seconds", "u"),
}
_ENVIRONMENT_FIELDS: Final[_Fields] = {
    1: ("temperature", "f"),
    2: ("relative_humidity", "f"),
    3: ("barometric_pressure", "f"),
    4: ("gas_resistance", "f"),
    5: ("voltage", "f"),
    6: ("current", "f"),
    7: ("iaq", "u"),
    8: ("distance", "f"),
    9: ("lux", "f"),
    10: ("white_lux", "f"),
    11: ("ir_lux", "f"),
    12: ("uv_lux", "f"),
    13: ("wind_direction", "u"),
    14: ("wind_speed", "f"),
    15: ("weight", "f"),
    16: ("wind_gust", "f"),
    17: ("wind_lull", "f"),
    18: ("radiation", "f"),
    19: ("rainfall_1h", "f"),
    20: ("rainfall_24h", "f"),
    21: ("soil_moisture", "u"),
    22: ("soil_temperature", "f"),
}
_MAX_LISTED_FIELD: Final = 63
"""Of newer fields than those above, the numbers up to this have a counter each, all others one together."""
_LOCAL_STATS_FIELDS: Final[_Fields] = {1: ("uptime_seconds", "u"), 2: ("channel_utilization", "f")}
"""Of a radio's counters of packets none stands for a quantity."""


class Words(msgspec.Struct, frozen=True):
    """A text."""

    text: str


class Measured(msgspec.Struct, frozen=True):
    """What was measured. told_at: when, in Unix seconds by the device's clock; 0 where it does not say."""

    items: tuple[Decoded | Rejected, ...]
    told_at: int = 0


class Named(msgspec.Struct, frozen=True):
    """What a radio calls itself."""

    name: str


class Answer(msgspec.Struct, frozen=True):
    """What became of a packet of ours. error: 0 when it arrived, else a number of Routing.Error."""

    request: int
    error: int


class Unread(msgspec.Struct, frozen=True):
    """A packet that nothing is made of, and why."""

    reason: str


Body = Words | Measured | Named | Answer | Unread


class MeshPacket(msgspec.Struct, frozen=True):
    """A packet as a radio received it. sender: node number. channel: its index or name. number: 0 for none.
    received_at: Unix seconds by the receiver's clock, 0 where it has none."""

    sender: int
    channel: str
    number: int
    received_at: int
    rssi_dbm: float | None
    snr_decibels: float | None
    body: Body


class NodeSeen(msgspec.Struct, frozen=True):
    """A radio that ours knows of, and what it calls itself."""

    node: int
    name: str


class ChannelNamed(msgspec.Struct, frozen=True):
    """A channel of our radio; an empty name is that of the default."""

    index: int
    name: str


class ConfigComplete(msgspec.Struct, frozen=True):
    """All that we asked for with this number has been told."""

    number: int


class Rebooted(msgspec.Struct, frozen=True):
    """Our radio has just started: it knows nothing of us."""


class Aside(msgspec.Struct, frozen=True):
    """Something that is understood and not wanted: configuration, files, log records, queue states."""


FromRadio = MeshPacket | NodeSeen | ChannelNamed | ConfigComplete | Rebooted | Aside


def read_from_radio(data: bytes) -> FromRadio:
    """What a radio told its host. Raises ProtobufError."""
    message = Message(data)
    if (packet := message.message(_PACKET)) is not None:
        return _packet(packet)
    if (info := message.message(_NODE_INFO)) is not None:
        return NodeSeen(info.unsigned(1) or 0, _user_name(info.message(2)))
    if (channel := message.message(_CHANNEL)) is not None:
        settings = channel.message(2)
        return ChannelNamed(channel.signed(1) or 0, (settings.text(3) or "") if settings is not None else "")
    if (number := message.unsigned(_CONFIG_COMPLETE)) is not None:
        return ConfigComplete(number)
    return Rebooted() if message.unsigned(_REBOOTED) else Aside()


def _packet(packet: Message) -> MeshPacket:
    rssi = packet.signed(_RX_RSSI)
    snr = packet.float32(_RX_SNR)
    if rssi is not None and snr is None:
        snr = 0.0  # a zero is not sent; where there was a signal, it is one
    return MeshPacket(
        sender=packet.fixed32(_FROM) or 0,
        channel=f"#{packet.unsigned(_CHANNEL_INDEX) or 0}",
        number=packet.fixed32(_ID) or 0,
        received_at=packet.fixed32(_RX_TIME) or 0,
        rssi_dbm=None if rssi is None else float(rssi),
        snr_decibels=snr,
        body=_body(packet),
    )


def _body(packet: Message) -> Body:
    data = packet.message(_DECODED)
    if data is None:
        return Unread("encrypted" if packet.blob(_ENCRYPTED) is not None else "empty_packet")
    port = data.unsigned(_PORT) or 0
    payload = data.blob(_PAYLOAD) or b""
    try:
        if port in _TEXT_PORTS:
            return Words(payload.decode("utf-8", "replace"))
        if port == _POSITION:
            told = Message(payload)
            at = told.fixed32(_POSITION_TIMESTAMP) or told.fixed32(_POSITION_TIME) or 0
            return Measured(tuple(fields.position(_read(told, _POSITION_FIELDS))), at)
        if port == _TELEMETRY:
            return _telemetry(Message(payload))
        if port == _NODE_INFO_PORT:
            return Named(_user_name(Message(payload)))
        if port == _ROUTING:
            return Answer(data.fixed32(_REQUEST_ID) or 0, Message(payload).unsigned(3) or 0)
    except ProtobufError:  # the packet is sound, what an application put into it is not
        return Unread("bad_payload")
    return Unread(f"unread_port_{port}" if port <= _MAX_PORT else "unread_port_other")


def _telemetry(told: Message) -> Measured:
    at = told.fixed32(_TELEMETRY_TIME) or 0
    if (metrics := told.message(_DEVICE_METRICS)) is not None:
        return Measured(tuple(fields.device_metrics(_read(metrics, _DEVICE_FIELDS, tell_others=True))), at)
    if (metrics := told.message(_ENVIRONMENT_METRICS)) is not None:
        return Measured(tuple(fields.environment_metrics(_read(metrics, _ENVIRONMENT_FIELDS, tell_others=True))), at)
    if (metrics := told.message(_LOCAL_STATS)) is not None:
        return Measured(tuple(fields.device_metrics(_read(metrics, _LOCAL_STATS_FIELDS))), at)
    other = next((name for number, name in _OTHER_METRICS.items() if number in told.numbers), "telemetry")
    return Measured((Rejected(f"unmapped_{other}", 1, other),))


def _read(message: Message, known: _Fields, *, tell_others: bool = False) -> dict[str, float]:
    """The fields that are there, by name. tell_others: one that is not known as `field_<number>`, its value 0."""
    told: dict[str, float] = {}
    for number in sorted(message.numbers):
        if number not in known:
            if tell_others:
                told[f"field_{number}" if number <= _MAX_LISTED_FIELD else "field_other"] = 0.0
            continue
        name, form = known[number]
        match form:
            case "u":
                value: float | None = message.unsigned(number)
            case "i":
                value = message.signed(number)
            case "s":
                value = message.sfixed32(number)
            case _:
                value = message.float32(number)
        if value is not None:
            told[name] = value
    return told


def _user_name(user: Message | None) -> str:
    return "" if user is None else user.text(2) or user.text(3) or ""


def want_config(number: int) -> bytes:
    """Asks for everything that the radio knows, and for packets from then on. number: comes back when all is told."""
    return put_uint(_TO_WANT_CONFIG, number)


def heartbeat() -> bytes:
    """Says that the host is still there; a radio that hears nothing for 15 minutes stops telling."""
    return put_blob(_TO_HEARTBEAT, b"")


def cut_text(text: str) -> bytes:
    """As much of a text as is sent, in UTF-8, cut at the end of a character."""
    return text.encode("utf-8", "replace")[:MAX_TEXT_BYTES].decode("utf-8", "ignore").encode()


def text_packet(text: str, *, to: int, channel: int, number: int, hops: int, confirmed: bool) -> bytes:
    """A text to a node or to all on a channel, cut if need be."""
    data = put_uint(_PORT, _TEXT) + put_blob(_PAYLOAD, cut_text(text))
    packet = put_fixed32(_TO, to)
    if channel:
        packet += put_uint(_CHANNEL_INDEX, channel)
    packet += put_blob(_DECODED, data) + put_fixed32(_ID, number)
    if hops:
        packet += put_uint(_HOP_LIMIT, hops)
    if confirmed:
        packet += put_uint(_WANT_ACK, 1)
    return put_blob(_TO_PACKET, packet)
