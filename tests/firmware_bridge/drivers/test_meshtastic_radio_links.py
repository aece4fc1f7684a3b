"""A Meshtastic radio on a tty or by TCP is set up, heard, spoken to, lost and found again."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.delivery import Delivery, RadioText
from firmware_bridge.drivers.meshtastic_radio import open_source
from firmware_bridge.framing.protobuf_wire import put_uint
from firmware_bridge.links.mesh_source import MeshSource
from firmware_bridge.meshtastic.messages import BROADCAST, MAX_TEXT_BYTES
from firmware_bridge.meshtastic.stream import frame
from firmware_bridge.readings import Downlink, DownlinkError
from gateway.contract.topics import Lane
from gateway.intake import Intake, Lanes
from gateway.settings import LaneSettings
from tests.firmware_bridge.drivers.mesh_settings import settings
from tests.gateway.outbox.boxes import SetClock, opened, parcels
from tests.support.mesh_radio import (
    NODE,
    STRANGER,
    MeshRadio,
    device_metrics,
    from_radio,
    on_descriptor,
    on_socket,
    packet,
    text,
)
from tests.support.running_source import RunningSource
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until


def opened_source(**changes: Any) -> MeshSource:
    source = open_source(settings(**changes), {})
    assert isinstance(source, MeshSource)
    return source


def check_speech(source: MeshSource, radio: MeshRadio) -> None:
    """What is said arrives as the packets that were meant."""
    before = len(radio.texts())
    said = [
        Downlink("^all", text="ALERTA: motosierra"),
        Downlink("!0badcafe", text="¿dónde?", confirmed=True),
        Downlink("patrulla-1", text="ñ" * 150),
        Downlink("guardas", text="vamos"),
        Downlink("#3", text="vamos"),
    ]
    for downlink in said:
        source.say(downlink)
    wait_until("five texts", lambda: len(radio.texts()) == before + 5)
    told = []
    for held in radio.texts()[before:]:
        data = held.message(4)
        assert data is not None
        assert data.unsigned(1) == 1
        assert held.fixed32(6)
        assert held.unsigned(9) == 3
        told.append((held.fixed32(2), held.unsigned(3), data.text(2), held.unsigned(10)))
    assert told == [
        (BROADCAST, None, "ALERTA: motosierra", None),
        (STRANGER, None, "¿dónde?", 1),
        (NODE, None, "ñ" * (MAX_TEXT_BYTES // 2), None),
        (BROADCAST, 1, "vamos", None),
        (BROADCAST, 3, "vamos", None),
    ]
    for device, words, reason in (
        ("nadie", "x", "unknown_device"),
        ("^all", " \n", "no_text"),
        ("#8", "x", "unknown_device"),
    ):
        with pytest.raises(DownlinkError) as refused:
            source.say(Downlink(device, text=words))
        assert refused.value.reason == reason


@pytest.mark.slow
@pytest.mark.expects_warnings
def test_end_to_end_over_a_tty_torn_out_and_put_back(tmp_path: Path) -> None:
    """Into a gateway's outbox: set up, heard, spoken to, torn out, found again, rebooted."""
    texts: list[RadioText] = []
    source = opened_source(port=str(tmp_path / "port"))
    with opened(tmp_path / "o.db") as outbox:
        intake = Intake(outbox, Lanes(LaneSettings()), SetClock(), lambda _: None)

        def deliver(delivery: Delivery) -> None:
            texts.extend(delivery.texts)
            intake.deliver(delivery)

        with RunningSource(source, deliver):
            with pytest.raises(DownlinkError, match="radio_away"):
                source.say(Downlink("^all", text="x"))
            for round_ in (1, 2):
                pair = TtyPair(tmp_path / "port")
                radio = on_descriptor(pair.master)
                radio.start()
                wait_until("the radio listens", lambda: source.state == "the radio listens")
                assert radio.wakes
                check_speech(source, radio)
                now = int(time.time())
                metrics = device_metrics(80 + round_, 4.0, at=now)
                radio.say(b"INFO | rx\r\n" + from_radio(packet(67, metrics, number=round_, signal=(-90, 5.5))))
                radio.say(text(f"aquí patrulla {round_}", number=100 + round_, rx_time=now))
                wait_until("a text", lambda: len(texts) == round_)  # noqa: B023  used at once
                confirmed = next(held.fixed32(6) for held in radio.texts() if held.unsigned(10))
                assert confirmed
                radio.say(from_radio(packet(5, put_uint(3, 5), request=confirmed)))
                asked = radio.askings()
                radio.say(frame(put_uint(8, 1)))
                wait_until("asked again", lambda: radio.askings() > asked)  # noqa: B023  used at once
                wait_until("the radio listens again", lambda: source.state == "the radio listens")
                radio.stop()
                pair.unplug()
                wait_until("lost", lambda: "was lost" in source.state)
        outbox.commit()
        entries = [entry.reading for parcel in parcels(outbox, Lane.READING) for entry in parcel.entries]
        assert [entry.values()["battery_ratio"] for entry in entries] == [0.81, 0.82]
        assert {entry.sensor for entry in entries} == {"patrulla-1"}
        tallies = outbox.tallies()
        assert tallies["malla", "text_not_delivered"] == 2
        assert tallies["malla", "radio_rebooted"] == 2
    assert [t.text for t in texts] == ["aquí patrulla 1", "aquí patrulla 2"]


@pytest.mark.expects_warnings
def test_over_tcp_with_a_radio_that_goes_and_comes(tmp_path: Path) -> None:
    deliveries: list[Delivery] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = opened_source(port="", host="127.0.0.1", tcp_port=port)
        with RunningSource(source, deliveries.append):
            for number in (1, 2):
                connection, _ = server.accept()
                with connection:
                    radio = on_socket(connection)
                    radio.start()
                    wait_until("the radio listens", lambda: source.state == "the radio listens")
                    check_speech(source, radio)
                    radio.say(text("hola", number=number))
                    wait_until("a text", lambda: sum(len(d.texts) for d in deliveries) == number)  # noqa: B023  used at once
                    radio.stop()
                wait_until("lost", lambda: "closed" in source.state or "broken" in source.state)
