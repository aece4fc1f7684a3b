"""Events of The Things Stack v3 become readings, once; what is none has a reason; a downlink is what it expects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.parts.servers import Mosquitto
from firmware_bridge.drivers.things_stack_v3 import SAMPLE, Downlinks, Settings, open_source
from firmware_bridge.readings import Downlink, DownlinkError, Kind, make_reading
from tests.firmware_bridge.drivers.pages import as_block
from tests.firmware_bridge.drivers.radio_frames import check_page, told
from tests.firmware_bridge.drivers.radio_servers import ANY_JSON, check, decode
from tests.firmware_bridge.drivers.things_stack_events import (
    CLIMATE,
    DOWN,
    FAILED,
    IDS,
    JOIN,
    SETTINGS,
    SOLVED,
    UP,
    chunk,
    decoder,
    topic,
    up,
)
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.mqtt_peer import MqttPeer
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

ACCEPTED = Golden(
    "The Things Stack documentation, uplink message; its payload: Cayenne LPP, one channel",
    Settings.model_validate(SETTINGS),
    (chunk("up", up(1, received_at=None) | {"received_at": None}),),  # its time is too long ago to be told
)
REJECTED = Golden("The Things Stack documentation, downlink failed", ACCEPTED.settings, (chunk("down/failed", FAILED),))


def test_accepted_uplink_of_the_documentation() -> None:
    """The Things Stack documentation, uplink message; its payload with one that a codec of ours reads."""
    readings, reasons, _ = decode(decoder(), chunk("up", up(1)))
    assert readings == [
        make_reading(
            Kind.ENVIRONMENT, "clima-1", {"temperature_celsius": 27.2, "rssi_dbm": -35, "snr_decibels": 5}, age_s=2
        )
    ]
    assert not reasons


def test_accepted_what_the_servers_formatter_made_of_it() -> None:
    """The documentation's own decoded_payload."""
    readings, reasons, _ = decode(
        decoder(),
        chunk("up", up(1, device="dev2"), "dev2"),
        chunk("up", up(2, device="dev2", decoded_payload=None), "dev2"),
    )
    assert [reading.values() for reading in readings] == [
        {"temperature_celsius": 1.0, "rssi_dbm": -35, "snr_decibels": 5}
    ]
    assert reasons == {"no_object": 1}


def test_rejected_uplink_of_the_documentation() -> None:
    """The documentation's own payload, 8241de, is no Cayenne LPP."""
    readings, reasons, _ = decode(decoder(), chunk("up", UP))
    assert not readings
    assert reasons


def test_the_other_events_of_the_documentation() -> None:
    readings, reasons, _ = decode(
        decoder(),
        chunk("join", JOIN),
        chunk("location/solved", SOLVED),
        chunk("location/solved", SOLVED),
        chunk("down/failed", FAILED),
        chunk("down/ack", DOWN),
        chunk("down/nack", DOWN),
        chunk("down/sent", DOWN),
        chunk("down/queued", DOWN),
        chunk("service/data", {"end_device_ids": IDS, "service_data": {"service": "lora-cloud"}}),
    )
    assert [(Kind(reading.kind), reading.values(), reading.age_ms) for reading in readings] == [
        (
            Kind.POSITION,
            {"latitude_degrees": -2.5, "longitude_degrees": -71.7, "horizontal_error_metres": 35},
            1290,
        )
    ]
    assert reasons == {"duplicate": 1, "downlink_failed": 1, "downlink_not_acknowledged": 1, "service_data": 1}


def test_zero_is_a_value() -> None:
    """What is 0 is absent: frame counter, port, SNR."""
    alive: dict[str, Any] = {"frm_payload": None, "f_port": None}
    readings, reasons, _ = decode(
        decoder(),
        chunk("up", up(0, rx_metadata=[{"gateway_ids": {"gateway_id": "gtw1"}, "rssi": -35}], **alive)),
        chunk("up", up(0, rx_metadata=[])),
        chunk("up", up(1, rx_metadata=None, **alive)),
        chunk("up", up(2, rx_metadata=None, f_port=None)),
    )
    assert [reading.values() for reading in readings] == [{"rssi_dbm": -35, "snr_decibels": 0}]
    assert reasons == {"duplicate": 1, "empty_payload": 1, "mac_commands": 1}


@pytest.mark.parametrize(
    ("settings", "receiver", "signal"),
    [
        ({"data_rate": {"lora": {}}}, {"rssi": -35}, {"rssi_dbm": -35, "snr_decibels": 0}),
        ({"data_rate": {"fsk": {"bit_rate": 50000}}}, {"rssi": -35}, {"rssi_dbm": -35}),
        ({"data_rate": {"lora": {}}}, {}, {}),
    ],
)
def test_a_signal_that_nobody_measured_is_not_told(settings: Any, receiver: Any, signal: dict[str, float]) -> None:
    readings, reasons, _ = decode(decoder(), chunk("up", up(0, rx_metadata=[receiver], settings=settings)))
    told = [{key: value for key, value in r.values().items() if key in ("rssi_dbm", "snr_decibels")} for r in readings]
    assert told == [signal]
    assert not reasons


def test_several_receivers_are_one_reading() -> None:
    heard = [{"rssi": -90, "snr": -3.5}, {"rssi": -110, "snr": 7.25}, {"rssi": -105, "snr": 7.25}, {"rssi": -120}]
    readings, _, _ = decode(decoder(), chunk("up", up(0, rx_metadata=heard)))
    assert [(r.values()["rssi_dbm"], r.values()["snr_decibels"]) for r in readings] == [(-105, 7.25)]


def test_an_uplink_told_twice_is_one_reading_also_after_a_restart_and_a_join() -> None:
    server = decoder()
    readings, reasons, replay = decode(server, chunk("up", up(7)), chunk("up", up(7)), chunk("up", up(6)))
    assert (len(readings), reasons) == (2, {"duplicate": 1})
    server = decoder(replay)
    readings, reasons, _ = decode(
        server,
        chunk("up", up(7)),
        chunk("join", JOIN),
        chunk("up", up(0, session_key_id="AXBSH1Pk6Z0G166RlH16CQ==")),  # the same address, another session
        chunk("up", up(7)),
    )
    assert (len(readings), reasons) == (1, {"duplicate": 2})


def test_the_battery_that_every_uplink_repeats_is_told_once() -> None:
    battery = {"last_battery_percentage": {"f_cnt": 3, "value": 88.3, "received_at": "2020-02-12T15:15:40.5Z"}}
    newer = {"last_battery_percentage": {"f_cnt": 9, "received_at": "2020-02-12T15:15:45.5Z"}}
    readings, reasons, _ = decode(
        decoder(),
        chunk("up", up(3, **battery)),
        chunk("up", up(4, **battery)),
        chunk("up", up(9, **newer)),
        chunk("up", up(10, last_battery_percentage="full")),
    )
    told_of = [(r.values()["battery_ratio"], r.age_ms) for r in readings if r.kind == Kind.DEVICE_STATUS]
    assert told_of == [(0.883, 7290), (0, 2290)]
    assert len(readings) == 6
    assert reasons == {"bad_battery": 1}


@pytest.mark.parametrize(
    ("bytes_in", "reason"),
    [
        (b"", "bad_topic"),
        (b"v3/app2@ttn/devices/dev1/up {}", "bad_topic"),
        (b"v3/app1/devices/dev1/up {}", "bad_topic"),
        (topic("up").encode() + b" \x0a\x24", "not_json"),
        (topic("up").encode() + b" " + json.dumps(UP).encode()[:-5], "bad_json"),
        (chunk("up", {"end_device_ids": IDS}), "bad_event"),
        (chunk("up", up(1, f_cnt="many")), "bad_event"),
        (chunk("up", up(2**32)), "bad_counter"),
        (chunk("up", up(1, frm_payload="!")), "bad_payload"),
        (chunk("up", up(1, app_s_key={"encrypted_key": "x"})), "encrypted_payload"),
        (chunk("up", {**up(1), "simulated": True}), "simulated"),
        (chunk("up/normalized", UP), "unknown_event"),
        (chunk("up", UP, "dev2"), "topic_mismatch"),
        (chunk("up", up(1, device="dev3"), "dev3"), "unknown_device"),
        (chunk("location/solved", {"end_device_ids": IDS}), "no_location"),
        (chunk("location/solved", {**SOLVED, "location_solved": {"location": {"accuracy": 4}}}), "no_fix"),
    ],
)
def test_what_gives_no_reading_has_a_reason(bytes_in: bytes, reason: str) -> None:
    readings, reasons, _ = decode(decoder(), bytes_in)
    assert not readings
    assert reasons == {reason: 1}


def test_simulated_uplinks_are_taken_when_the_settings_say_so() -> None:
    assert len(decode(decoder(simulated=True), chunk("up", {**up(1), "simulated": True}))[0]) == 1


def test_a_server_of_ones_own_has_no_tenant() -> None:
    event = f"v3/app1/devices/dev1/up {json.dumps(up(1))}".encode()
    assert len(decode(decoder(tenant_id=""), event)[0]) == 1


EVENTS = {"up": UP, "join": JOIN, "location/solved": SOLVED, "down/failed": FAILED, "down/ack": DOWN}


@given(st.sampled_from([*EVENTS, "service/data", "?"]), ANY_JSON)
def test_any_json_gives_a_reason_or_nothing(kind: str, anything: Any) -> None:
    check(decoder().feed(f"{topic(kind)} {json.dumps(anything)}".encode()))


@given(st.sampled_from(sorted(EVENTS)), st.lists(st.tuples(st.integers(0, 30), ANY_JSON), min_size=1, max_size=4))
def test_events_with_anything_in_any_place(kind: str, changes: list[tuple[int, Any]]) -> None:
    event = json.loads(json.dumps(EVENTS[kind]))
    for place, value in changes:
        inside = event
        for _ in range(3):
            keys = list(inside)
            key = keys[place % len(keys)]
            if not isinstance(inside[key], dict) or not inside[key]:
                break
            inside = inside[key]
        inside[list(inside)[place % len(inside)]] = value
    check(decoder().feed(chunk(kind, event)))


def test_downlinks_are_as_documented() -> None:
    say = Downlinks(Settings.model_validate(SETTINGS))
    where, body = say(Downlink("dev1", b"\xbe\xef", 15))
    assert where == "v3/app1@ttn/devices/dev1/down/push"
    assert json.loads(body) == {"downlinks": [{"f_port": 15, "frm_payload": "vu8=", "priority": "NORMAL"}]}
    _, body = say(Downlink("dev1", b"\xbe\xef", 15, confirmed=True))
    assert json.loads(body) == {
        "downlinks": [{"f_port": 15, "frm_payload": "vu8=", "priority": "NORMAL", "confirmed": True}]
    }
    with pytest.raises(DownlinkError, match="unknown_device"):
        say(Downlink("dev9", b"1"))
    with pytest.raises(DownlinkError, match="bad_port"):
        say(Downlink("dev1", b"1", 0))


@pytest.mark.parametrize(
    "change",
    [
        {"application_id": "App 1"},
        {"tenant_id": "a/b"},
        {"devices": [CLIMATE, CLIMATE]},
        {"devices": [CLIMATE | {"id": "+"}]},
        {"broker": {"host": "x", "password": "y"}},
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(SETTINGS | change)


def test_the_page_is_true() -> None:
    check_page("things_stack_v3", told(decode(decoder(), chunk("up", up(1)))[0][0]))
    check_page("things_stack_v3", as_block(SAMPLE))


@pytest.mark.slow
@pytest.mark.expects_warnings  # the broker is killed
def test_from_a_broker_into_the_outbox(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = Settings.model_validate(SETTINGS | {"broker": {"host": "127.0.0.1", "port": mosquitto.port}})
    down = topic("down/push")
    now = datetime.now(UTC).isoformat()
    with kept_post(tmp_path / "outbox.db") as post, RunningSource(open_source(settings, {}), post.deliver) as running:
        wait_until("connected", lambda: "connected to" in running.source.state)
        with MqttPeer(mosquitto.port, down) as server:
            server.publish(topic("up"), json.dumps(up(1, received_at=now)).encode())
            server.publish(topic("location/solved"), json.dumps(SOLVED | {"received_at": now}).encode())
            server.publish(topic("down/nack"), json.dumps(DOWN).encode())
            server.publish(topic("up"), json.dumps(up(1, received_at=now)).encode())
            wait_until("two readings", running.has(2))
            wait_until("the copy", lambda: running.reasons["duplicate"] == 1)
            speaker: Any = running.source
            speaker.say(Downlink("dev1", b"\xbe\xef", 15))
            wait_until("downlink", lambda: len(server.payloads(down)) == 1)
            assert json.loads(server.payloads(down)[0]) == {
                "downlinks": [{"f_port": 15, "frm_payload": "vu8=", "priority": "NORMAL"}]
            }
        mosquitto.kill()
        wait_until("lost", lambda: "was lost" in running.source.state)
        mosquitto.start()
        wait_until("connected again", lambda: "connected to" in running.source.state)
        with MqttPeer(mosquitto.port) as server:
            server.publish(topic("up"), json.dumps(up(2, received_at=now)).encode())
        wait_until("after the restart", running.has(3))
        assert {(reading.sensor, reading.kind) for reading in post.readings()} == {
            ("clima-1", Kind.ENVIRONMENT),
            ("clima-1", Kind.POSITION),
        }
        assert post.tallies()["ttn", "downlink_not_acknowledged"] == 1
