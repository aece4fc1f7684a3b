"""A command reaches a sensor by its name through every kind of line, and its answer comes back.

On wires the sensor is the C host program; behind a modem it is what the device library answers, made in Python.
"""

from __future__ import annotations

import base64
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge import sources
from firmware_bridge.delivery import SensorAnswer, Speaker
from firmware_bridge.drivers.semtech_udp import Settings, new_decoder
from firmware_bridge.framing.device_frames import Direction, new_cipher, seal, unseal
from firmware_bridge.framing.downlinks import Answer, Result, encode_answer
from firmware_bridge.readings import Downlink, DownlinkError, Kind, Rejected
from tests.firmware_bridge.drivers.radio_frames import modem_settings
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.support.modems import LoraE5, Modem, ModemOnTty, Rak3172, Rn2483, Rylr998
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

OURS = {"id": DEVICE, "name": "rio-arriba", "key": KEY.hex()}
STATUS = Downlink("rio-arriba", text="status")
DONE = SensorAnswer("rio-arriba", "request_status", "done")
NUMBER = int(DEVICE, 16)
MODEMS: list[tuple[str, Callable[..., Modem]]] = [
    ("microchip_rn2483", Rn2483),
    ("rak_rui3", Rak3172),
    ("seeed_lora_e5", LoraE5),
    ("reyax_rylr", Rylr998),
]
BY_MODEM = pytest.mark.parametrize(("driver", "new_modem"), MODEMS, ids=[name for name, _ in MODEMS])


def opened(told: dict[str, Any]) -> sources.Source:
    settings = sources.DRIVERS[told["driver"]].Settings.model_validate({"name": "linea"} | told)
    return sources.open_source(settings, {})


def speaker(source: object) -> Speaker:
    assert isinstance(source, Speaker)
    return source


@pytest.mark.slow
@pytest.mark.parametrize(
    "driver", [{"driver": "vigia_sensor"}, {"driver": "ebyte_e22", "rssi_byte": False, "baud": 115200}]
)
def test_a_sensor_on_a_wire_obeys_and_answers(tmp_path: Path, vigia_host: Path, driver: dict[str, Any]) -> None:
    """A transparent modem is a wire."""
    with Line(tmp_path) as line, Sensor(vigia_host, line, tmp_path / "memory", "--every-ms", "50") as sensor:
        told = {"port": str(line.gateway_end), "devices": [OURS], "counters_path": tmp_path / "counters"}
        with RunningSource(opened(driver | told)) as running:
            wait_until("it is heard", running.has(1))
            say = speaker(running.source)
            assert say.knows("rio-arriba")
            assert not say.knows(DEVICE)
            say.say(STATUS)
            wait_until("its answer", lambda: running.answers == [DONE])
            wait_until("its status", lambda: any(r.kind == Kind.DEVICE_STATUS for r in running.readings))
            say.say(Downlink("rio-arriba", text="interval device_status 1"))
            wait_until("two answers", lambda: len(running.answers) == 2)
            # A post that lost its file of counters begins lower, and finds above what the sensor has heard.
            (tmp_path / "counters").write_text(f'{{"{DEVICE}": 1}}')
        with RunningSource(opened(driver | told)) as running:
            wait_until("it is heard again", running.has(1))
            speaker(running.source).say(Downlink("rio-arriba", text="ping"))
            wait_until("its answer", lambda: running.answers == [SensorAnswer("rio-arriba", "ping", "done")])
            assert running.reasons["downlink_repeated"] == 1
        assert not sensor.dead


@pytest.mark.expects_warnings
@pytest.mark.parametrize("driver", ["vigia_sensor", "microchip_rn2483", "ebyte_e22"])
def test_nothing_is_said_on_a_line_that_is_away(tmp_path: Path, driver: str) -> None:
    radio = {"band": "au915", "frequency_hz": 916_800_000} if driver == "microchip_rn2483" else {}
    told = {"driver": driver, "port": str(tmp_path / "none"), "devices": [OURS], "counters_path": tmp_path / "counters"}
    source = opened(told | radio)
    with RunningSource(source) as running:
        wait_until("looked for", lambda: "is the device plugged in?" in running.source.state)
        with pytest.raises(DownlinkError, match=r"not_connected.*plugged in"):
            speaker(source).say(STATUS)


def answer_to(modem: Modem, counter: int) -> bytes:
    """The frame with which a sensor answers what the modem sent last."""
    (sent,) = modem.sent
    content = bytes.fromhex(sent.decode()) if isinstance(modem, Rylr998) else sent
    cipher = new_cipher(KEY)
    told = unseal(content, {NUMBER: cipher}, Direction.DOWNLINK)
    assert not isinstance(told, Rejected)
    _, asked, body = told
    return seal(cipher, NUMBER, counter, encode_answer(Answer(asked, body[0], Result.DONE)))


@BY_MODEM
@pytest.mark.parametrize("garbage", [False, True])
def test_a_sensor_behind_a_modem_is_told_and_heard_again(
    tmp_path: Path, driver: str, new_modem: Callable[..., Modem], garbage: bool
) -> None:
    modem = new_modem()
    told = {"port": str(tmp_path / "port"), "devices": [OURS], "counters_path": tmp_path / "counters"}
    with (
        ModemOnTty(modem, tmp_path / "port", garbage=garbage),
        RunningSource(sources.open_source(modem_settings(driver, **told), {})) as running,
    ):
        wait_until("set up", lambda: running.source.state.endswith(" listens"))
        speaker(running.source).say(STATUS)
        wait_until("sent", lambda: len(modem.sent) == 1)
        wait_until("heard", lambda: modem.is_listening and modem.receive(answer_to(modem, 1)))
        wait_until("its answer", lambda: running.answers == [DONE])
        assert len(modem.sent) == 1
        assert not running.reasons.keys() & {"downlink_not_sent", "modem_silent", "modem_reset"}


@BY_MODEM
@pytest.mark.slow
def test_a_modem_that_does_not_say_that_it_has_sent_listens_on_and_it_is_counted(
    tmp_path: Path, driver: str, new_modem: Callable[..., Modem], monkeypatch: pytest.MonkeyPatch
) -> None:
    modem = new_modem()
    modem.mute = True
    monkeypatch.setattr(f"firmware_bridge.drivers.{driver}.AIRTIME_S", 0.5)
    told = {"port": str(tmp_path / "port"), "devices": [OURS], "counters_path": tmp_path / "counters"}
    with (
        ModemOnTty(modem, tmp_path / "port"),
        RunningSource(sources.open_source(modem_settings(driver, **told), {})) as running,
    ):
        wait_until("set up", lambda: running.source.state.endswith(" listens"))
        speaker(running.source).say(STATUS)
        wait_until("counted", lambda: running.reasons["downlink_not_sent"] == 1)
        wait_until("listens again", lambda: modem.is_listening and running.source.state.endswith(" listens"))
        assert len(modem.sent) == 1  # never twice: the sensor may have heard it


@BY_MODEM
def test_a_modem_that_is_not_set_up_says_nothing(tmp_path: Path, driver: str, new_modem: Callable[..., Modem]) -> None:
    modem = new_modem()
    modem.dead = True
    told = {"port": str(tmp_path / "port"), "devices": [OURS], "counters_path": tmp_path / "counters"}
    with (
        ModemOnTty(modem, tmp_path / "port"),
        RunningSource(sources.open_source(modem_settings(driver, **told), {})) as running,
    ):
        wait_until("asked", lambda: bool(modem.commands) or "set up" in running.source.state)
        with pytest.raises(DownlinkError, match="radio_away"):
            speaker(running.source).say(STATUS)


SAMPLED = ["chirpstack_v4", "things_stack_v3", "meshtastic_mqtt", "meshtastic_radio", "semtech_udp", "reyax_rylr"]


@pytest.mark.parametrize("driver", SAMPLED)
def test_every_speaker_knows_its_devices_by_name_only(driver: str) -> None:
    told = tomllib.loads(sources.DRIVERS[driver].SAMPLE)
    told.pop("password_file", None)
    source = speaker(sources.open_source(sources.DRIVERS[driver].Settings.model_validate(told), {}))
    for device in told["devices"]:
        assert source.knows(device["name"])
        assert not source.knows(device["id"])
    assert not source.knows("otro")


def test_a_sensor_behind_a_concentrator_is_told_by_its_name(tmp_path: Path) -> None:
    told = tomllib.loads(sources.DRIVERS["semtech_udp"].SAMPLE) | {"devices": [OURS], "gateways": []}
    told["counters_path"] = tmp_path / "counters"
    server = new_decoder(Settings.model_validate(told), {})
    eui = bytes.fromhex("0016c001f153a14c")
    server.hear(b"\x02\0\1\x02" + eui, ("127.0.0.1", 9))  # PULL_DATA
    datagram, _ = server.downlink(STATUS)
    sent = base64.b64decode(json.loads(datagram[4:])["txpk"]["data"])
    told_sensor = unseal(sent, {NUMBER: new_cipher(KEY)}, Direction.DOWNLINK)
    assert not isinstance(told_sensor, Rejected)
    _, asked, body = told_sensor
    behind = Answer(asked, body[0], Result.BEHIND, (asked + 9).to_bytes(4, "big"))
    reply = seal(new_cipher(KEY), NUMBER, 1, encode_answer(behind))
    rxpk = {"data": base64.b64encode(reply).decode(), "size": len(reply), "stat": 1, "rssi": -90, "lsnr": 5}
    _, delivery = server.hear(
        b"\x02\0\1\0" + eui + json.dumps({"rxpk": [rxpk | {"modu": "LORA"}]}).encode(), ("127.0.0.1", 9)
    )
    assert delivery is not None
    assert [item.reason for item in delivery.rejected][:1] == ["downlink_repeated"]
    ((again, _),) = server.repeats()
    assert json.loads(again[4:])["txpk"]["data"] != json.loads(datagram[4:])["txpk"]["data"]


def test_a_device_of_another_make_is_sent_its_bytes(tmp_path: Path) -> None:
    modem = Rylr998()
    other = {"id": "50", "name": "clima", "payload": {"codec": "cayenne_lpp"}}
    told = {"port": str(tmp_path / "port"), "devices": [other], "counters_path": tmp_path / "counters"}
    with (
        ModemOnTty(modem, tmp_path / "port"),
        RunningSource(sources.open_source(modem_settings("reyax_rylr", **told), {})) as running,
    ):
        wait_until("set up", lambda: running.source.state.endswith(" listens"))
        speaker(running.source).say(Downlink("clima", b"on,1"))
        wait_until("sent", lambda: modem.sent == [b"on,1"])
        assert "AT+SEND=50,4,on,1" in modem.commands
        with pytest.raises(DownlinkError, match="too_long"):
            speaker(running.source).say(Downlink("clima", bytes(121)))
