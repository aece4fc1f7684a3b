"""What a technician sees of a line, and that nothing is taken away from the gateway for it."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from rich.console import Console

from deploy.errors import DeployError
from deploy.sensors.chosen import sample_of
from deploy.sensors.watch_view import closing_lines, screen, signal_bars
from deploy.sensors.watching import Listening, Watch, broker_command, refuse_if_not_free
from firmware_bridge.delivery import RadioText
from firmware_bridge.readings import Kind, Rejected, make_reading
from firmware_bridge.sources import Delivery
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until

CHAINSAW = make_reading(
    Kind.ACOUSTIC_DETECTION,
    "rio-arriba",
    {"confidence_ratio": 0.9, "rssi_dbm": -97, "snr_decibels": 5.25},
    label="chainsaw",
)
STATUS = make_reading(Kind.DEVICE_STATUS, "rio-arriba", {"battery_ratio": 0.81})


def shown(watch: Watch, now: float = 100.0, language: str = "es") -> str:
    console = Console(width=110)
    with console.capture() as captured:
        console.print(screen(watch, "/dev/ttyUSB0 is open at 9600 baud", "en" if language == "en" else "es", now))
    return re.sub(r"\x1b\[[\d;]*m", "", captured.get())


def test_a_sensor_of_the_settings_that_was_not_heard_is_named() -> None:
    watch = Watch(lambda: 90.0, ["rio-arriba", "clima-1"])
    assert "nunca se oyeron: rio-arriba, clima-1" in shown(watch)
    watch.take(Delivery("radio", [CHAINSAW], [], {}), "es")
    assert "nunca se oyeron: clima-1" in shown(watch)
    assert "In the settings, and never heard: clima-1" in closing_lines(watch, "en")


def test_the_screen_tells_all_that_matters() -> None:
    times = iter((40.0, 90.0, 95.0))
    watch = Watch(lambda: next(times))
    watch.take(Delivery("radio", [CHAINSAW], [], {}), "es")
    watch.take(Delivery("radio", [STATUS], [], {}, texts=[RadioText("patrulla-1", "llegamos")]), "es")
    rejected = [
        Rejected("unknown_device", 2, "device 00000005 is not in the settings"),
        Rejected("unmapped_co2", 3, "clima: nothing maps co2 to a quantity"),
        Rejected("bad_tag", 1, "device 00a1b2c3"),
    ]
    watch.take(Delivery("radio", [], rejected, {}), "es")
    text = shown(watch)
    assert "/dev/ttyUSB0 está abierto a 9600 baudios" in text
    for words in (
        "rio-arriba",
        "× 2",
        "10 s",  # since the last one
        "▂▄▆· -97",  # of the one before, which told it
        "81 %",
        "Estado del sensor",
        "patrulla-1: «llegamos»",
        "sensor 00000005 no está en la configuración × 2",
        "Campos que nadie traduce a una magnitud: co2 × 3",
        "Descartado 1: firma que no corresponde (bad_tag)",
        "La clave en la configuración no es la del sensor",
    ):
        assert words in text, words
    assert "unmapped_co2" not in text
    assert "Discarded 1: a signature that does not fit" in shown(watch, language="en")
    assert any("bad_tag" in line for line in closing_lines(watch, "es"))


def test_before_anything_is_heard() -> None:
    assert "Todavía no se oye nada" in shown(Watch())
    assert closing_lines(Watch(), "en") == ["Nothing of use has been heard yet."]


@pytest.mark.parametrize(
    ("device", "bars"),
    [
        ({}, ""),
        ({"rssi_dbm": -60.0}, "▂▄▆█ -60"),
        ({"rssi_dbm": -100.0, "snr_decibels": 3.0}, "▂▄▆· -100"),
        ({"rssi_dbm": -110.0}, "▂▄·· -110"),
        ({"rssi_dbm": -124.0}, "▂··· -124"),
        ({"rssi_dbm": -100.0, "snr_decibels": -12.0}, "▂··· -100"),  # strong, but in noise
    ],
)
def test_signal_bars(device: dict[str, float], bars: str) -> None:
    assert signal_bars(device) == bars


def test_what_has_no_end_is_bounded() -> None:
    watch = Watch()
    for number in range(1000):
        watch.take(Delivery("radio", [], [Rejected("unknown_device", 1, f"device {number:08x}")], {}), "es")
    assert len(watch.strangers()) == 50
    assert watch.reasons() == [("unknown_device", 1000, "device 000003e7")]


@pytest.mark.parametrize("driver", ["camera_folder", "chirpstack_v4"])
def test_nothing_is_taken_from_directories_and_brokers(driver: str) -> None:
    with pytest.raises(DeployError, match=f"vigia sensors decode {driver}"):
        refuse_if_not_free(sample_of(driver), None, "es")


def test_a_port_that_somebody_uses_is_left_alone(tmp_path: Path) -> None:
    tty = TtyPair(tmp_path / "tty")
    other = os.fork()
    if other == 0:  # keeps the port open, as minicom would
        threading.Event().wait(30)
        os._exit(0)
    try:
        with pytest.raises(DeployError, match=rf"Otro programa usa .*tty: .*\(proceso {other}\)"):
            refuse_if_not_free(sample_of("vigia_sensor", port=str(tmp_path / "tty")), None, "es")
    finally:
        os.kill(other, 9)
        os.waitpid(other, 0)
    refuse_if_not_free(sample_of("vigia_sensor", port=str(tmp_path / "tty")), None, "es")
    tty.unplug()


def test_a_line_is_heard_until_the_end(tmp_path: Path) -> None:
    tty = TtyPair(tmp_path / "tty")
    heard: list[Delivery] = []
    stop = threading.Event()
    settings = sample_of("nmea_gps", port=str(tmp_path / "tty"))
    with Listening(settings, heard.append, stop) as listening:
        tty.say(b"hello\r\n")
        wait_until("a line", lambda: bool(heard))
        assert "open" in listening.state
    assert [item.reason for item in heard[0].rejected] == ["other_text"]
    tty.unplug()


def test_what_ends_a_source_is_told_at_the_end(tmp_path: Path) -> None:
    tty = TtyPair(tmp_path / "tty")
    stop = threading.Event()

    def fail(delivery: Delivery) -> None:
        raise DeployError("the screen is gone")

    def hear_one_line() -> None:
        with Listening(sample_of("nmea_gps", port=str(tmp_path / "tty")), fail, stop):
            tty.say(b"hello\r\n")
            assert stop.wait(5)

    with pytest.raises(DeployError, match="the screen is gone"):
        hear_one_line()
    tty.unplug()


def test_the_command_for_a_broker_is_whole() -> None:
    """Host, port and user of the settings; the file and the source, so that the devices are known."""
    told = sample_of("chirpstack_v4", broker={"host": "10.0.0.5", "port": 1884, "username": "vigia", "password": "x"})
    assert broker_command(told, Path("/etc/vigia/gateway.toml")) == (
        "mosquitto_sub -v -h 10.0.0.5 -p 1884 -u vigia -t '#' -P CONTRASEÑA"
        f" | vigia sensors decode chirpstack_v4 --text - --settings /etc/vigia/gateway.toml --source {told.name}"
    )
