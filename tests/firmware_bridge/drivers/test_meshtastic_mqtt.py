"""What nodes tell of their mesh at a broker: readings, texts or a reason; and a text of ours to the mesh."""

from __future__ import annotations

import json
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.parts.servers import Mosquitto
from firmware_bridge.delivery import Delivery, RadioText
from firmware_bridge.drivers.meshtastic_mqtt import SAMPLE, Downlinks, MeshJsonDecoder, Settings, open_source
from firmware_bridge.links.mqtt_source import MqttSource
from firmware_bridge.readings import Downlink, DownlinkError, Kind, Reading, make_reading
from gateway.intake import Intake, Lanes
from gateway.settings import LaneSettings
from tests.firmware_bridge.drivers.pages import as_block
from tests.gateway.outbox.boxes import SetClock, opened, parcels
from tests.support.golden import Golden
from tests.support.mqtt_peer import MqttPeer
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

NOW = 1_758_153_000.0
NODE = 0xA1B2C3D4
TOPIC = b"msh/PE/2/json/guardas/!7efeee00"
NODE_INFO: dict[str, Any] = {
    "id": 452664778,
    "channel": 0,
    "from": 2130636288,
    "payload": {"hardware": 10, "id": "!7efeee00", "longname": "base0", "shortname": "BA0"},
    "sender": "!7efeee00",
    "timestamp": 1646832724,
    "to": -1,
    "type": "nodeinfo",
}
"""Meshtastic documentation, "MQTT", JSON topic: the example of a received NODEINFO_APP message."""
DEVICE = {
    "air_util_tx": 0.0361389,
    "battery_level": 87,
    "channel_utilization": 12.5,
    "uptime_seconds": 86400,
    "voltage": 4.02,
}
ENVIRONMENT = {"barometric_pressure": 1003.4, "relative_humidity": 81.5, "temperature": 26.9, "gas_resistance": 0.5}
"""Both synthetic, with the keys that firmware 2.5 writes (MeshPacketSerializer)."""


def settings(**told: Any) -> Settings:
    return Settings.model_validate(tomllib.loads(SAMPLE) | told)


def message(type_: str, payload: object, **told: Any) -> bytes:
    base = {"channel": 1, "from": NODE, "id": 7, "sender": "!7efeee00", "timestamp": int(NOW) - 4, "to": 4294967295}
    base |= {"rssi": -95, "snr": 5.5, "hops_away": 0, "hop_start": 3}
    return TOPIC + b" " + json.dumps(base | {"type": type_, "payload": payload} | told).encode()


def decode(*chunks: bytes, by: MeshJsonDecoder | None = None) -> tuple[list[Reading], list[RadioText], Counter[str]]:
    by = by or MeshJsonDecoder(settings(), now=lambda: NOW)
    readings: list[Reading] = []
    texts: list[RadioText] = []
    reasons: Counter[str] = Counter()
    for chunk in chunks:
        if (delivery := by.feed(chunk)) is not None:
            readings += delivery.readings
            texts += delivery.texts
            reasons.update({r.reason: r.count for r in delivery.rejected})
    return readings, texts, reasons


ACCEPTED = Golden(
    "synthetic, with the keys that firmware 2.5 writes", settings(), (message("telemetry", DEVICE, timestamp=0),)
)
REJECTED = Golden("synthetic: broken off", settings(), (message("telemetry", DEVICE)[:-9],))


def test_the_documented_message_gives_a_stranger_its_name() -> None:
    told = TOPIC + b" " + json.dumps(NODE_INFO).encode()
    text = message("text", {"text": "hola"}, **{"from": 2130636288, "id": 8})
    assert decode(told, text) == ([], [RadioText("base0 (!7efeee00)", "hola", "guardas", False, 4.0)], {})


@pytest.mark.parametrize(
    ("level", "told", "reasons"),
    [
        (0.9, {}, {"ambiguous_unit": 1}),
        (0.05, {}, {"ambiguous_unit": 1}),
        (1, {"battery_ratio": 0.01}, {}),
        (1.0, {"battery_ratio": 0.01}, {}),
        (100, {"battery_ratio": 1.0}, {}),
        (101, {"external_power_flag": 1}, {}),
        (0, {}, {"absent_battery_ratio": 1}),
    ],
)
def test_a_battery_level_is_in_percent(level: float, told: dict[str, float], reasons: dict[str, int]) -> None:
    readings, _, counted = decode(message("telemetry", {"battery_level": level, "channel_utilization": 5}))
    values = readings[0].values()
    assert {name: values[name] for name in ("battery_ratio", "external_power_flag") if name in values} == told
    assert counted == reasons


def test_telemetry() -> None:
    """Accepted."""
    status = {
        "battery_ratio": 0.87,
        "battery_volts": 4.02,
        "channel_busy_ratio": 0.125,
        "uptime_seconds": 86_400,
        "rssi_dbm": -95,
        "snr_decibels": 5.5,
    }
    assert decode(message("telemetry", DEVICE)) == (
        [make_reading(Kind.DEVICE_STATUS, "base-rio", status, age_s=4)],
        [],
        {},
    )
    air = {"pressure_hectopascals": 1003.4, "humidity_ratio": 0.815, "temperature_celsius": 26.9}
    signal = {"rssi_dbm": -95, "snr_decibels": 5.5}
    assert decode(message("telemetry", ENVIRONMENT)) == (
        [make_reading(Kind.ENVIRONMENT, "base-rio", air | signal, age_s=4)],
        [],
        {"unmapped_gas_resistance": 1},
    )


def test_a_position_and_one_that_is_none() -> None:
    place = {
        "latitude_i": -37456789,
        "longitude_i": -732512346,
        "altitude": 106,
        "precision_bits": 32,
        "sats_in_view": 9,
    }
    values = {"latitude_degrees": -3.745679, "longitude_degrees": -73.251235, "altitude_metres": 106}
    told = message("position", place | {"time": int(NOW) - 60}, rssi=-80, snr=None)
    signal = {"rssi_dbm": -80, "snr_decibels": 0}
    assert decode(told) == ([make_reading(Kind.POSITION, "base-rio", values | signal, age_s=60)], [], {})
    assert decode(message("position", {"latitude_i": 0, "longitude_i": 0}))[2] == {"no_fix": 1}


def test_numbers_are_whole_or_not_as_the_node_likes() -> None:
    """A firmware that writes 4 for 4.0."""
    assert decode(message("telemetry", {"temperature": 27, "wind_direction": 270.0}))[0][0].values().items() >= {
        ("temperature_celsius", 27),
        ("wind_direction_degrees", 270),
    }


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"text": "lancha sin luces\n"}, "lancha sin luces"),
        ("lancha", "lancha"),
        (42, "42"),
        ({"a": "ñ"}, '{"a": "ñ"}'),
        (["x"], '["x"]'),
        ({"text": "x" * 9000}, "x" * 240),
    ],
)
def test_a_text_that_was_json_is_still_a_text(payload: object, text: str) -> None:
    assert [told.text for told in decode(message("text", payload))[1]] == [text]


def test_a_sender_of_old_firmware_is_signed() -> None:
    """Documentation, "MQTT": before firmware 2.2.0 `from` is signed."""
    assert decode(message("telemetry", DEVICE, **{"from": NODE - 2**32}))[0][0].sensor == "base-rio"


def test_one_packet_by_way_of_two_nodes_is_one_reading() -> None:
    told = message("telemetry", DEVICE)
    readings, _, reasons = decode(told, told.replace(b"!7efeee00", b"!0badcafe"))
    assert len(readings) == 1
    assert reasons == {"duplicate": 1}


def test_every_rejection_has_its_reason() -> None:
    stream = {
        "bad_topic": b"msh/PE/2/e/guardas/!7efeee00 {}",
        "not_json": TOPIC + b" \x0a\x2f\x0d",
        "bad_json": TOPIC + b' {"from": 1,',
        "bad_event": TOPIC + b' {"from": "!a1b2c3d4"}',
        "too_long": TOPIC + b" {" + b" " * 70_000,
        "unknown_device": message("telemetry", DEVICE, **{"from": 5, "id": 101}),
        "bad_payload": message("position", "x", id=102),
        "no_values": message("telemetry", {}, id=103),
        "unread_type_traceroute": message("traceroute", {}, id=104),
        "unread_type_other": message("x" * 60, {}, id=105),
        "implausible_time": message("text", "x", id=106, timestamp=5),
        "unmapped_field_other": message("telemetry", {"temperature": 20, "humedad_%": 3}, id=107),
    }
    readings, texts, reasons = decode(*stream.values())
    assert reasons == dict.fromkeys(stream, 1)
    assert len(readings) == len(texts) == 1
    assert decode(TOPIC + b' {"from": 99999999999}')[2] == {"bad_event": 1}
    assert decode(TOPIC + b' {"type": "text", "payload": ' + b"[" * 3000 + b"]" * 3000 + b"}")[2]


def test_what_hosts_say_to_nodes_is_passed_over() -> None:
    downlink = {"from": NODE, "type": "sendtext", "payload": "hola"}
    assert decode(b"msh/PE/2/json/mqtt/ " + json.dumps(downlink).encode()) == ([], [], {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(["text", "position", "telemetry", "nodeinfo", "detection", ""]),
)
def test_any_payload_is_a_delivery_or_a_reason(payload: Any, type_: str) -> None:
    decode(message(type_, payload))


@given(st.integers(0, 400), st.integers(0, 255))
def test_altered_bytes_never_raise(at: int, value: int) -> None:
    chunk = bytearray(message("telemetry", ENVIRONMENT))
    chunk[at % len(chunk)] = value
    decode(bytes(chunk))


@pytest.mark.parametrize(
    ("downlink", "said"),
    [
        (Downlink("^all", text="ALERTA"), {"from": NODE, "type": "sendtext", "payload": "ALERTA"}),
        (
            Downlink("!0badcafe", text="¿dónde?"),
            {"from": NODE, "type": "sendtext", "payload": "¿dónde?", "to": 0x0BADCAFE},
        ),
        (Downlink("nivel-quebrada", text="x"), {"from": NODE, "type": "sendtext", "payload": "x", "to": 0x0BADCAFE}),
        (Downlink("#2", text="ñ" * 150), {"from": NODE, "type": "sendtext", "payload": "ñ" * 100, "channel": 2}),
    ],
)
def test_what_is_said_is_the_documented_message(downlink: Downlink, said: dict[str, Any]) -> None:
    topic, payload = Downlinks(settings())(downlink)
    assert topic == "msh/PE/2/json/mqtt/"
    assert json.loads(payload) == said


@pytest.mark.parametrize(
    ("told", "downlink", "reason"),
    [
        ({"gateway": ""}, Downlink("^all", text="x"), "no_gateway"),
        ({}, Downlink("^all"), "no_text"),
        ({}, Downlink("guardas", text="x"), "unknown_device"),
    ],
)
def test_what_cannot_be_said_is_refused(told: dict[str, Any], downlink: Downlink, reason: str) -> None:
    with pytest.raises(DownlinkError) as refused:
        Downlinks(settings(**told))(downlink)
    assert refused.value.reason == reason


@pytest.mark.parametrize("root", ["", "msh/#", "+/x", "/msh", "msh/", "m sh"])
def test_a_root_that_is_none(root: str) -> None:
    with pytest.raises(ValidationError, match="root"):
        settings(root=root)


def test_the_docs_show_what_is() -> None:
    docs = Path("firmware_bridge/docs/meshtastic_mqtt.md").read_text()
    assert as_block(SAMPLE) in docs
    for block in docs.split("```toml\n")[1:]:
        (source,) = tomllib.loads(block.split("```")[0])["sources"]
        Settings.model_validate(source)
    (reading,), _, _ = decode(message("telemetry", DEVICE))
    values = ", ".join(f"{name} {value:g}" for name, value in reading.values().items())
    assert f"{Kind(reading.kind).slug} {reading.sensor} {values} ({reading.age_ms / 1000:g} s ago)" in docs


@pytest.mark.slow
@pytest.mark.expects_warnings
def test_from_a_broker_into_the_outbox(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A broker that dies and comes again between; and a text of ours to the mesh."""
    source = open_source(settings(broker={"host": "127.0.0.1", "port": mosquitto.port}), {})
    assert isinstance(source, MqttSource)
    texts: list[RadioText] = []
    with opened(tmp_path / "o.db") as outbox:
        intake = Intake(outbox, Lanes(LaneSettings()), SetClock(), lambda _: None)

        def deliver(delivery: Delivery) -> None:
            texts.extend(delivery.texts)
            intake.deliver(delivery)

        with RunningSource(source, deliver) as running:
            for number in (1, 2):
                wait_until("connected", lambda: source.state.startswith("connected"))
                with MqttPeer(mosquitto.port, "msh/PE/2/json/mqtt/#") as node:
                    for type_, payload, at in (("telemetry", DEVICE, 10), ("text", {"text": f"ronda {number}"}, 20)):
                        topic, _, body = message(type_, payload, id=at + number, timestamp=int(time.time())).partition(
                            b" "
                        )
                        node.publish(topic.decode(), body, qos=0)
                    wait_until("both", lambda: len(texts) == number == len(running.readings))  # noqa: B023  used at once
                    source.say(Downlink("^all", text="ALERTA"))
                    wait_until("said", lambda: len(node.payloads("msh/PE/2/json/mqtt/")) == 1)
                if number == 1:
                    mosquitto.kill()
                    wait_until("lost", lambda: "was lost" in source.state)
                    with pytest.raises(DownlinkError):
                        source.say(Downlink("^all", text="ALERTA"))
                    mosquitto.start()
        outbox.commit()
        stored = [entry.reading for parcel in parcels(outbox) for entry in parcel.entries]
    assert [reading.sensor for reading in stored] == ["base-rio", "base-rio"]
    assert [text.text for text in texts] == ["ronda 1", "ronda 2"]
    assert not running.reasons
