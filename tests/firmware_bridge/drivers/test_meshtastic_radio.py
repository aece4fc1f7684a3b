"""Packets of a Meshtastic radio become readings and texts, or a reason."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_bridge.delivery import RadioText
from firmware_bridge.drivers.meshtastic_radio import Settings
from firmware_bridge.framing.protobuf_wire import put_blob, put_fixed32, put_float32, put_uint
from firmware_bridge.meshtastic.decoder import MeshDecoder
from firmware_bridge.meshtastic.stream import frame
from firmware_bridge.readings import Kind, Reading, make_reading
from firmware_bridge.sources import DRIVERS
from tests.firmware_bridge.drivers.mesh_settings import HAWAII, settings
from tests.firmware_bridge.drivers.pages import as_block
from tests.support.golden import Golden
from tests.support.mesh_radio import (
    NODE,
    STRANGER,
    device_metrics,
    from_radio,
    packet,
    text,
)

NOW = 1_758_153_000.0
POSITION = "0d0000ef0b15000037a318be0625ff48cb682802588202780080 01f0fcd7049801 05b8010f".replace(" ", "")
"""Capture: the payload of a POSITION_APP packet of a real node, with its packet's fields, as shown in the notes on
FromRadio of a public Meshtastic proxy (Markdown, 2025)."""
TEMPERATURE = (
    "94c30033 1231 0dd4c3b2a1 15ffffffff 2210 0843 120c 1a0a 0d3333d741 150000a242"
    "3504030201 450000b040 60a1ffffffffffffffff01"
)
"""Synthetic, assembled by hand from mesh.proto and telemetry.proto: node !a1b2c3d4, id 0x01020304, 26.9 degrees
Celsius, 81 %, heard at -95 dBm and 5.5 dB."""


def decoder() -> MeshDecoder:
    return MeshDecoder("malla", settings().devices, now=lambda: NOW)


def decode(*chunks: bytes, by: MeshDecoder | None = None) -> tuple[list[Reading], list[RadioText], Counter[str]]:
    by = by or decoder()
    readings: list[Reading] = []
    texts: list[RadioText] = []
    reasons: Counter[str] = Counter()
    for chunk in chunks:
        if (delivery := by.feed(chunk)) is not None:
            readings += delivery.readings
            texts += delivery.texts
            reasons.update({r.reason: r.count for r in delivery.rejected})
    return readings, texts, reasons


ACCEPTED = Golden("synthetic, assembled by hand from mesh.proto", settings(), (bytes.fromhex(TEMPERATURE),))
REJECTED = Golden(
    "synthetic: the same, its message cut short",
    settings(),
    (bytes.fromhex("94c3002e" + TEMPERATURE.replace(" ", "")[8:-10]),),
)


def test_a_captured_position() -> None:
    """Accepted: coarse on purpose (15 bits are left), so it has an error of 730 m."""
    told = from_radio(packet(3, bytes.fromhex(POSITION), sender=HAWAII, number=238272157, rx_time=1758152959))
    values = {
        "latitude_degrees": 20.021248,
        "longitude_degrees": -155.667661,
        "altitude_metres": 830,
        "horizontal_error_metres": 729.5,
    }
    assert decode(told) == ([make_reading(Kind.POSITION, "volcan", values, age_s=41)], [], {})


def test_a_golden_frame_of_the_environment() -> None:
    """Accepted. A frame whose message is cut short is rejected."""
    golden = bytes.fromhex(TEMPERATURE)
    values = {"temperature_celsius": 26.9, "humidity_ratio": 0.81, "rssi_dbm": -95, "snr_decibels": 5.5}
    assert decode(golden) == ([make_reading(Kind.ENVIRONMENT, "patrulla-1", values)], [], {})
    short = golden[:2] + (len(golden) - 5).to_bytes(2, "big") + golden[4:-1]
    readings, _, reasons = decode(short)
    assert not readings
    assert reasons["bad_message"] == 1


def test_device_metrics() -> None:
    told = from_radio(packet(67, device_metrics(87, 4.02), signal=(-101, -7.25)))
    values = {
        "battery_ratio": 0.87,
        "battery_volts": 4.02,
        "channel_busy_ratio": 0.125,
        "uptime_seconds": 86_400,
        "rssi_dbm": -101,
        "snr_decibels": -7.25,
    }
    assert decode(told)[0] == [make_reading(Kind.DEVICE_STATUS, "patrulla-1", values)]


@pytest.mark.parametrize(
    ("metrics", "values", "reasons"),
    [
        (device_metrics(101, 4.2), {"external_power_flag": 1, "battery_volts": 4.2}, {}),
        (device_metrics(0, 0.0), {}, {"absent_battery_ratio": 1, "absent_battery_volts": 1}),
        (device_metrics(0, 3.1), {"battery_ratio": 0, "battery_volts": 3.1}, {}),
        (device_metrics(50, float("nan")), {"battery_ratio": 0.5}, {"out_of_range": 1}),
    ],
)
def test_batteries_that_are_none(metrics: bytes, values: dict[str, float], reasons: dict[str, int]) -> None:
    readings, _, counted = decode(from_radio(packet(67, metrics)))
    assert readings[0].values() == values | {"channel_busy_ratio": 0.125, "uptime_seconds": 86_400}
    assert counted == reasons


def test_what_has_no_quantity_is_counted_by_name() -> None:
    metrics = put_float32(1, 20) + put_float32(4, 3.3) + put_float32(5, 12) + put_float32(19, 4) + put_uint(40, 1)
    readings, _, reasons = decode(from_radio(packet(67, put_blob(3, metrics))))
    assert readings[0].values() == {"temperature_celsius": 20}
    assert reasons == {
        "unmapped_gas_resistance": 1,
        "unmapped_voltage": 1,
        "unmapped_rainfall_1h": 1,
        "unmapped_field_40": 1,
    }
    assert decode(from_radio(packet(67, put_blob(5, b""))))[2] == {"unmapped_power_metrics": 1}


def test_a_level_a_wind_and_light() -> None:
    metrics = put_float32(8, 2345) + put_float32(9, 800) + put_uint(13, 270) + put_float32(14, 3.5)
    assert decode(from_radio(packet(67, put_blob(3, metrics))))[0][0].values() == {
        "distance_metres": 2.345,
        "illuminance_lux": 800,
        "wind_direction_degrees": 270,
        "wind_speed_metres_per_second": 3.5,
    }


def test_a_text_of_a_patrol_and_of_a_stranger() -> None:
    user = put_blob(1, b"!0badcafe") + put_blob(2, "Ñato\n\x1b[31m\u202e".encode())
    stream = (
        text("motosierra río arriba\n\x07\x1b[2J", number=1, rx_time=int(NOW) - 9)
        + text("?", sender=STRANGER, number=2)
        + frame(put_blob(10, put_uint(1, 1) + put_blob(2, put_blob(3, b"guardas"))))
        + from_radio(packet(4, user, sender=STRANGER))
        + text("hola", sender=STRANGER, number=3, channel=1)
        + from_radio(packet(11, b"\xffalerta", number=4))
    )
    readings, texts, reasons = decode(stream)
    assert not readings
    assert not reasons
    assert texts == [
        RadioText("patrulla-1", "motosierra río arriba   [2J", "#0", True, 9.0),
        RadioText("!0badcafe", "?", "#0"),
        RadioText("Ñato  [31m (!0badcafe)", "hola", "guardas"),
        RadioText("patrulla-1", "\ufffdalerta", "#0", True),
    ]


def test_every_other_packet_has_its_reason() -> None:
    encrypted = put_fixed32(1, NODE) + put_blob(5, bytes(30)) + put_fixed32(6, 77)
    stream = {
        "encrypted": from_radio(encrypted),
        "duplicate": from_radio(encrypted),
        "empty_packet": from_radio(put_fixed32(1, NODE)),
        "unknown_device": from_radio(packet(67, device_metrics(50, 3.9), sender=STRANGER)),
        "no_fix": from_radio(packet(3, put_fixed32(1, 0) + put_fixed32(2, 0))),
        "bad_payload": from_radio(packet(3, put_uint(1, 5))),
        "unread_port_70": from_radio(packet(70, b"")),
        "bad_message": frame(b"\x0b"),
    }
    readings, texts, reasons = decode(*stream.values())
    assert reasons == dict.fromkeys(stream, 1) | {"log_text_bytes": 1}
    assert not readings
    assert not texts
    aside = [put_blob(5, b""), put_blob(6, b"log"), put_uint(7, 1), put_blob(11, b""), put_blob(13, b""), b""]
    assert decode(*map(frame, aside)) == ([], [], {})


@pytest.mark.parametrize(
    ("told_at", "rx_time", "age_s", "wrong"),
    [
        (0, 0, 0, 0),
        (0, NOW - 30, 30, 0),
        (NOW - 100, NOW - 30, 100, 0),
        (NOW + 3, 0, 0, 0),
        (NOW + 3600, NOW - 5, 5, 1),
        (0, NOW - 86_401, 86_401, 0),
        (0, NOW - 32 * 86_400, None, 1),
        (NOW - 32 * 86_400, NOW - 5, 5, 1),
        (1_000, 2_000, 0, 2),
    ],
)
def test_times_that_cannot_be_are_counted(told_at: float, rx_time: float, age_s: float | None, wrong: int) -> None:
    told = from_radio(packet(67, device_metrics(50, 3.9, at=int(told_at)), rx_time=int(rx_time)))
    readings, _, reasons = decode(told)
    assert [reading.age_ms for reading in readings] == ([] if age_s is None else [age_s * 1000])
    assert reasons["implausible_time"] == wrong


def test_a_signal_of_zero_is_not_sent() -> None:
    """proto3: a zero is left out, so a packet with RSSI and without SNR had one of 0 dB."""
    made = packet(67, device_metrics(50, 3.9)) + put_uint(12, -80)
    assert decode(from_radio(made))[0][0].values().items() >= {"rssi_dbm": -80, "snr_decibels": 0}.items()


def test_the_memory_of_packets_is_bounded() -> None:
    by = decoder()
    for number in range(1, 3000):
        decode(text("x", number=number), by=by)
        decode(from_radio(packet(4, put_blob(2, b"name"), sender=number)), by=by)
    assert len(by._nodes._seen) <= 1024
    assert len(by._nodes._own_names) <= 1024
    assert decode(text("x", number=2999), by=by)[2] == {"duplicate": 1}


@given(st.binary(max_size=512))
def test_any_message_is_a_delivery_or_a_reason(message: bytes) -> None:
    told = (
        frame(message)
        + from_radio(put_fixed32(1, NODE) + put_blob(4, message[:500]))
        + from_radio(packet(67, message[:400]))
    )
    decode(told)


@given(st.data())
def test_altered_bytes_never_raise(data: st.DataObject) -> None:
    stream = bytearray(
        from_radio(packet(67, device_metrics(87, 4.02), number=5)) + from_radio(packet(3, bytes.fromhex(POSITION)))
    )
    for _ in range(data.draw(st.integers(1, 5))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    decode(bytes(stream))


def test_cutting_the_stream_changes_nothing() -> None:
    stream = (
        b"log\r\n"
        + text("uno", number=1)
        + from_radio(packet(67, device_metrics(87, 4.02)))
        + b"\x94x"
        + text("dos", number=2)
    )
    assert decode(stream) == decode(*(bytes((byte,)) for byte in stream))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"port": "", "host": ""}, "either port or host"),
        ({"host": "10.0.0.2"}, "either port or host"),
        ({"devices": [{"id": "a1b2c3d4", "name": "x"}]}, "pattern"),
        ({"devices": [{"id": "!a1b2c3d4", "name": "x"}] * 2}, "two devices"),
        ({"hops": 8}, "less than or equal to 7"),
    ],
)
def test_settings_that_cannot_be_are_explained(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**changes)


def test_the_sample_names_what_the_docs_show() -> None:
    docs = Path("firmware_bridge/docs/meshtastic_radio.md").read_text()
    assert as_block(DRIVERS["meshtastic_radio"].SAMPLE) in docs
    for block in docs.split("```toml\n")[1:]:
        (source,) = tomllib.loads(block.split("```")[0])["sources"]
        Settings.model_validate(source)
    line = next(line.strip() for line in docs.splitlines() if line.startswith("    position volcan"))
    told = from_radio(packet(3, bytes.fromhex(POSITION), sender=HAWAII, rx_time=1758152959))
    reading = decode(told)[0][0]
    values = ", ".join(f"{name} {value:.10g}" for name, value in reading.values().items())
    assert line == f"{Kind(reading.kind).slug} {reading.sensor} {values} ({reading.age_ms / 1000:g} s ago)"
