"""Events of ChirpStack v4 become readings, once; what is none has a reason; a downlink is what ChirpStack expects."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.parts.servers import Mosquitto
from firmware_bridge.drivers.chirpstack_v4 import SAMPLE, ChirpstackDecoder, Downlinks, Settings, open_source
from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import Downlink, DownlinkError, Kind, make_reading
from tests.firmware_bridge.drivers.chirpstack_events import (
    ACK,
    APPLICATION,
    AT_UP,
    DECODED,
    EUI,
    JOIN,
    KEY,
    LOCATION,
    LOG,
    OURS,
    SETTINGS,
    STATUS,
    TEMPERATURE,
    TWIN,
    UP,
    chunk,
    decoder,
    topic,
    up,
)
from tests.firmware_bridge.drivers.pages import as_block
from tests.firmware_bridge.drivers.radio_frames import check_page, told
from tests.firmware_bridge.drivers.radio_servers import ANY_JSON, check, decode
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.mqtt_peer import MqttPeer
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

ACCEPTED = Golden(
    "ChirpStack documentation, uplink event; its payload: Cayenne LPP, one channel",
    Settings.model_validate(SETTINGS),
    (chunk("up", up(1, time=None)),),  # its time is too long ago to be told
)
REJECTED = Golden("ChirpStack documentation, log event", ACCEPTED.settings, (chunk("log", LOG),))


def test_accepted_uplink_of_the_documentation() -> None:
    """ChirpStack documentation, uplink event; its payload, one byte, with one that says something."""
    readings, reasons, _ = decode(decoder(), chunk("up", UP | {"data": b64encode(TEMPERATURE).decode()}))
    assert readings == [
        make_reading(
            Kind.ENVIRONMENT,
            "clima-1",
            {"temperature_celsius": 27.2, "rssi_dbm": -36, "snr_decibels": 10.5},
            age_s=5,
        )
    ]
    assert not reasons


def test_rejected_uplink_of_the_documentation() -> None:
    """The documentation's own payload, 0xaa, is no Cayenne LPP."""
    readings, reasons, _ = decode(decoder(), chunk("up", UP))
    assert not readings
    assert reasons


def test_the_other_events_of_the_documentation() -> None:
    readings, reasons, _ = decode(
        decoder(),
        chunk("join", JOIN),
        chunk("status", STATUS),
        chunk("location", LOCATION),
        chunk("log", LOG),
        chunk("ack", ACK),
        chunk("ack", {**ACK, "deduplicationId": "x", "acknowledged": False}),
        chunk("txack", {"downlinkId": 3461958127, "deviceInfo": {"devEui": EUI}, "gatewayId": "0016c001f153a14c"}),
        chunk("integration", {"deviceInfo": {"devEui": EUI}, "integrationName": "loracloud", "object": {"a": None}}),
    )
    assert [(Kind(reading.kind), reading.values()) for reading in readings] == [
        (Kind.DEVICE_STATUS, {"link_margin_decibels": 10, "battery_ratio": 0.883}),
        (Kind.POSITION, {"latitude_degrees": 37.344214, "longitude_degrees": -8.839375, "altitude_metres": 2}),
    ]
    assert [reading.age_ms for reading in readings] == [2848, 9716]
    assert reasons == {"log_uplink_mic": 1, "downlink_not_acknowledged": 1, "integration_event": 1}


def test_zero_is_a_value() -> None:
    """What is 0 is absent: frame counter, port, SNR, margin, battery."""
    alive = {key: value for key, value in UP.items() if key not in ("data", "fPort")}
    readings, reasons, _ = decode(
        decoder(),
        chunk("up", alive | {"rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36}]}),
        chunk("status", {"deviceInfo": {"devEui": EUI}}),
        chunk("up", up(1, fPort=None, rxInfo=None)),
        chunk("up", {**alive, "deduplicationId": "2", "fCnt": 2, "rxInfo": []}),
    )
    assert [reading.values() for reading in readings] == [
        {"rssi_dbm": -36, "snr_decibels": 0},
        {"link_margin_decibels": 0, "battery_ratio": 0},
    ]
    assert reasons == {"mac_commands": 1, "empty_payload": 1}


def test_power_supply() -> None:
    readings, reasons, _ = decode(
        decoder(),
        chunk("status", {**STATUS, "deduplicationId": "1", "batteryLevel": 0, "externalPowerSource": True}),
        chunk("status", {**STATUS, "deduplicationId": "2", "batteryLevel": 0, "batteryLevelUnavailable": True}),
        chunk("status", {**STATUS, "deduplicationId": "3", "batteryLevel": 120}),
    )
    assert [reading.values() for reading in readings] == [
        {"link_margin_decibels": 10, "external_power_flag": 1},
        {"link_margin_decibels": 10},
        {"link_margin_decibels": 10},
    ]
    assert reasons == {"absent_battery_ratio": 1, "out_of_range": 1}


@pytest.mark.parametrize(
    ("modulation", "receiver", "signal"),
    [
        ({"modulation": {"lora": {}}}, {"rssi": -36}, {"rssi_dbm": -36, "snr_decibels": 0}),
        ({"modulation": {"fsk": {"datarate": 50000}}}, {"rssi": -36}, {"rssi_dbm": -36}),
        ({"modulation": {"fsk": {"datarate": 50000}}}, {"rssi": -36, "snr": -128}, {"rssi_dbm": -36}),
        (None, {"rssi": -36, "snr": 5}, {"rssi_dbm": -36, "snr_decibels": 5}),
        (None, {"rssi": -36}, {"rssi_dbm": -36}),
        ({"modulation": {"lora": {}}}, {"rssi": 0, "snr": 5}, {}),
        ({"modulation": {"lora": {}}}, {}, {}),
    ],
)
def test_a_signal_that_nobody_measured_is_not_told(modulation: Any, receiver: Any, signal: dict[str, float]) -> None:
    readings, reasons, _ = decode(decoder(), chunk("up", up(0, rxInfo=[receiver], txInfo=modulation)))
    assert [reading.values() for reading in readings] == [{"temperature_celsius": 27.2, **signal}]
    assert not reasons


def test_our_own_frames_by_lorawan() -> None:
    heard = make_reading(
        Kind.ACOUSTIC_DETECTION, "rio-arriba", {"confidence_ratio": 0.9, "battery_volts": 3.98}, label="chainsaw"
    )
    frame = seal(new_cipher(bytes.fromhex(KEY)), 0x00A1B2C3, 1, encode_body(heard))
    event = chunk("up", up(0, frame, deviceInfo={"devEui": OURS}), OURS)
    copy = chunk("up", up(1, frame, deviceInfo={"devEui": OURS}), OURS)  # the same frame in another envelope
    readings, reasons, replay = decode(decoder(), event, copy)
    assert [reading.label for reading in readings] == ["chainsaw"]
    assert readings[0].sensor == "rio-arriba"
    assert readings[0].values()["rssi_dbm"] == -36
    assert reasons["duplicate"] == 1
    assert replay["00a1b2c3"][0] == 1


def test_what_the_servers_own_codec_made_of_it() -> None:
    info = {"deviceInfo": {"devEui": DECODED}}
    made = {"temperature": 27.5, "lum": 800, "batt_mood": "fine", "deep": {"a": [None]}}
    readings, reasons, _ = decode(
        decoder(),
        chunk("up", up(0, b"\1", object=made, **info), DECODED),
        chunk("up", up(1, b"\1", **info), DECODED),
        chunk("up", up(2, b"\1", object=None, **info), DECODED),
    )
    assert [reading.values() for reading in readings] == [
        {"temperature_celsius": 27.5, "illuminance_lux": 800, "rssi_dbm": -36, "snr_decibels": 10.5}
    ]
    strange = chunk("up", up(3, b"\1", object={"temperature": "?"}, **info), DECODED).replace(b"?", b"\xff")
    assert decode(decoder(), strange)[1] == {"bad_object": 1}
    assert reasons["unmapped_batt_mood"] == 1
    assert reasons["no_object"] == 2


@pytest.mark.parametrize(
    ("bytes_in", "reason"),
    [
        (b"", "bad_topic"),
        (b"application/x/device", "bad_topic"),
        (topic("up").encode() + b" \x0a\x243ac7e3c4-4401", "not_json"),
        (topic("up").encode() + b" " + json.dumps(UP).encode()[:-5], "bad_json"),
        (chunk("up", UP | {"fCnt": [1]}), "bad_event"),
        (chunk("up", UP | {"fCnt": -1}), "bad_counter"),
        (chunk("up", UP | {"data": "!"}), "bad_payload"),
        (chunk("up", UP | {"data": "A" * 2000}), "bad_payload"),
        (chunk("up", UP | {"joinServerContext": {"sessionKeyId": "x"}}), "encrypted_payload"),
        (chunk("uplink", UP), "unknown_event"),
        (chunk("up", UP, "0303030303030303"), "topic_mismatch"),
        (chunk("up", UP | {"deviceInfo": {"devEui": "03" * 8}}, "03" * 8), "unknown_device"),
        (chunk("location", LOCATION | {"location": None}), "no_location"),
        (chunk("location", LOCATION | {"location": {}}), "no_fix"),
        (chunk("location", LOCATION | {"location": {"latitude": 91, "longitude": 1}}), "out_of_range"),
        (chunk("log", LOG | {"code": "SOMETHING_NEW"}), "log_other"),
        (chunk("log", {"deviceInfo": {"devEui": EUI}}), "log_unknown"),
    ],
)
def test_what_gives_no_reading_has_a_reason(bytes_in: bytes, reason: str) -> None:
    readings, reasons, _ = decode(decoder(), bytes_in)
    assert not readings
    assert reasons == {reason: 1}


def test_protobuf_says_what_to_set() -> None:
    delivery = decoder().feed(topic("up").encode() + b" \x0a\x24\x33")
    assert delivery is not None
    assert "json=true" in delivery.rejected[0].detail


def test_bad_parts_leave_the_rest() -> None:
    readings, reasons, _ = decode(
        decoder(),
        chunk("up", up(0, rxInfo=[{"rssi": "strong"}])),
        chunk("up", up(1, rxInfo=[{"rssi": "-80", "snr": 200}])),
        chunk("up", up(2, time="2022-07-18T11:00:00+00:00")),
        chunk("up", up(3, time="tomorrow", txInfo={"modulation": 7})),
    )
    assert [reading.values().get("rssi_dbm") for reading in readings] == [None, -80, -36, -36]
    assert all(reading.age_ms == 0 for reading in readings[2:])
    assert reasons == {"bad_signal": 2, "out_of_range": 1, "implausible_time": 1}


def test_what_the_broker_kept_has_its_age() -> None:
    readings, reasons, _ = decode(
        decoder(),
        chunk("up", up(1, time="2022-06-01T09:34:20+00:00")),
        chunk("up", up(2, time="2022-07-01T09:34:20.775023+00:00")),
        chunk("up", up(3, time="2022-07-17T08:34:20.775023+00:00")),
    )
    assert [reading.age_ms for reading in readings] == [17 * 86_400_000, 25 * 3_600_000]
    assert reasons == {"implausible_time": 1}


EVENTS = {"up": UP, "status": STATUS, "location": LOCATION, "join": JOIN, "log": LOG, "ack": ACK}


@given(st.sampled_from([*EVENTS, "txack", "integration", "?"]), ANY_JSON)
def test_any_json_gives_a_reason_or_nothing(kind: str, told: Any) -> None:
    check(decoder().feed(f"{topic(kind)} {json.dumps(told)}".encode()))


@given(st.sampled_from(sorted(EVENTS)), st.lists(st.tuples(st.integers(0, 30), ANY_JSON), min_size=1, max_size=4))
def test_events_with_anything_in_any_place(kind: str, changes: list[tuple[int, Any]]) -> None:
    event = json.loads(json.dumps(EVENTS[kind]))
    for place, value in changes:
        inside = event
        keys: list[Any] = list(inside)
        for _ in range(2):
            key = keys[place % len(keys)]
            if isinstance(inside[key], dict) and inside[key]:
                inside = inside[key]
                keys = list(inside)
        inside[keys[place % len(keys)]] = value
    check(decoder().feed(chunk(kind, event)))


@given(st.binary(max_size=400))
def test_any_bytes_of_an_event(payload: bytes) -> None:
    check(decoder().feed(topic("up").encode() + b" " + payload))


def test_a_downlink_is_the_documented_command() -> None:
    say = Downlinks(Settings.model_validate(SETTINGS))
    where, body = say(Downlink("0101010101010101", b"\xbe\xef", 15, confirmed=True))
    assert where == f"application/{APPLICATION}/device/{EUI}/command/down"
    assert json.loads(body) == {"devEui": EUI, "confirmed": True, "fPort": 15, "data": "vu8="}


@pytest.mark.parametrize(
    ("downlink", "reason"),
    [
        (Downlink("03" * 8, b"1"), "unknown_device"),
        (Downlink(EUI, text="hola"), "empty"),
        (Downlink(EUI, b"1" * 243), "too_long"),
        (Downlink(EUI, b"1", 0), "bad_port"),
        (Downlink(EUI, b"1", 224), "bad_port"),
    ],
)
def test_a_downlink_that_cannot_be(downlink: Downlink, reason: str) -> None:
    with pytest.raises(DownlinkError) as caught:
        Downlinks(Settings.model_validate(SETTINGS))(downlink)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "change",
    [
        {"application_id": "a/#"},
        {"devices": []},
        {"devices": [TWIN, TWIN]},
        {"devices": [TWIN | {"id": "01"}]},
        {"devices": [TWIN | {"payload": {"codec": "no_such"}}]},
        {"port": 1883},
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(SETTINGS | change)


def test_device_ids_may_be_in_capitals() -> None:
    capitals = [{"id": "AB" * 8, "name": "a", "payload": {"codec": "cayenne_lpp"}}]
    server = ChirpstackDecoder(Settings.model_validate(SETTINGS | {"devices": capitals}), {}, lambda: AT_UP)
    assert len(decode(server, chunk("up", up(0, deviceInfo={"devEui": "ab" * 8}), "ab" * 8))[0]) == 1


def test_the_page_is_true() -> None:
    readings, _, _ = decode(decoder(), chunk("up", UP | {"data": b64encode(TEMPERATURE).decode()}))
    check_page("chirpstack_v4", told(readings[0]))
    check_page("chirpstack_v4", as_block(SAMPLE))


@pytest.mark.slow
@pytest.mark.expects_warnings  # the broker is killed
def test_from_a_broker_into_the_outbox(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = Settings.model_validate(SETTINGS | {"broker": {"host": "127.0.0.1", "port": mosquitto.port}})
    down = f"application/{APPLICATION}/device/{EUI}/command/down"
    now = datetime.now(UTC).isoformat()

    def publish(*events: tuple[str, dict[str, Any]]) -> None:
        with MqttPeer(mosquitto.port) as server:
            for kind, event in events:
                server.publish(topic(kind), json.dumps(event | {"time": now}).encode())

    with kept_post(tmp_path / "outbox.db") as post:
        with RunningSource(open_source(settings, post.replay()), post.deliver) as running:
            wait_until("connected", lambda: "connected to" in running.source.state)
            publish(("up", up(0)), ("up", up(1)), ("status", STATUS), ("up", up(1)))
            wait_until("three readings", running.has(3))
            mosquitto.kill()
            wait_until("lost", lambda: "was lost" in running.source.state)
            mosquitto.start()
            wait_until("connected again", lambda: "connected to" in running.source.state)
            with MqttPeer(mosquitto.port, down) as server:
                speaker: Any = running.source
                speaker.say(Downlink(EUI, b"\xbe\xef", 15))
                wait_until("downlink", lambda: len(server.payloads(down)) == 1)
                assert json.loads(server.payloads(down)[0]) == {
                    "devEui": EUI,
                    "confirmed": False,
                    "fPort": 15,
                    "data": "vu8=",
                }
            publish(("up", up(2)))
            wait_until("after the restart", running.has(4))
        publish(("up", up(2)), ("up", up(3)), ("up", up(4)))  # while nobody listens; one is a copy
        with RunningSource(open_source(settings, post.replay()), post.deliver) as running:
            wait_until("what came while we were away", running.has(2))
            wait_until("the copy", lambda: running.reasons["duplicate"] == 1)
        assert len(post.readings()) == 6
        assert {reading.sensor for reading in post.readings()} == {"clima-1"}
        assert post.tallies()["lorawan", "duplicate"] == 2
