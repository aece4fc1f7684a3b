"""Devices on a wire: GPS, a river gauge on Modbus, a mesh radio on USB, and the C library as a sensor of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.firmware_bridge.update.lines import Line
from tests.support.device_host import start
from tests.support.field.played import Played, Stored
from tests.support.mesh_radio import STRANGER, device_metrics, from_radio, on_descriptor, packet
from tests.support.modbus_server import ModbusServer
from tests.support.waiting import wait_until


class NmeaGps(Played):
    """Sentences of a receiver, as the driver's page has them."""

    driver = "nmea_gps"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        position = {"latitude_degrees": 45.77047, "longitude_degrees": 3.194317, "altitude_metres": 412}
        position["horizontal_error_metres"] = 13.0  # HDOP 2.6 times 5 m
        self.stored = [Stored("gps-puesto", "position", position)]

    @property
    def settings(self) -> str:
        return f'[[sources]]\ndriver = "nmea_gps"\nname = "gps"\nport = "{self.place}/port"\nsensor = "gps-puesto"\n'

    def open(self) -> None:
        self._line = self.tty()

    def say(self) -> None:
        self._line.say(
            b"$GNGGA,064607.000,4546.2282,N,00311.6590,E,1,05,2.6,412.0,M,0.0,M,,*77\r\n"
            b"$GNRMC,064607.000,A,4546.2282,N,00311.6590,E,0.76,0.00,230619,,,A*7D\r\n"
        )


class ModbusGauge(Played):
    """The level of the river, asked of a real Modbus server."""

    driver = "modbus_rtu"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.stored = [Stored("nivel-muelle", "environment", {"water_level_metres": 2.345})]

    @property
    def settings(self) -> str:
        return f"""\
[[sources]]
driver = "modbus_rtu"
name = "muelle"
port = "{self.place}/rs485"
[[sources.devices]]
unit = 1
name = "nivel-muelle"
interval_s = 1
[[sources.devices.registers]]
address = 0
function = "input"
quantity = "water_level_metres"
unit = "mm"
"""

    def open(self) -> None:
        self.ends.enter_context(ModbusServer(self.place))

    def say(self) -> None:
        """It speaks when it is asked."""


class MeshOnUsb(Played):
    """A Meshtastic radio on a tty."""

    driver = "meshtastic_radio"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        values = {
            "battery_ratio": 0.87,
            "battery_volts": 4.02,
            "channel_busy_ratio": 0.125,
            "uptime_seconds": 86_400,
            "rssi_dbm": -95,
            "snr_decibels": 5.5,
        }
        self.stored = [Stored("patrulla-usb", "device_status", values)]

    @property
    def settings(self) -> str:
        return f"""\
[[sources]]
driver = "meshtastic_radio"
name = "malla-usb"
port = "{self.place}/port"
[[sources.devices]]
id = "!{STRANGER:08x}"
name = "patrulla-usb"
"""

    def open(self) -> None:
        self._radio = on_descriptor(self.tty().master)
        self._radio.start()
        self.ends.callback(self._radio.stop)

    def say(self) -> None:
        wait_until("the gateway asks the radio on USB", lambda: self._radio.askings() > 0, timeout_s=30)
        self._radio.say(from_radio(packet(67, device_metrics(87, 4.02), sender=STRANGER, signal=(-95, 5.5))))


class VigiaInC(Played):
    """The C library for firmware, as the host program plays it: it tells a chainsaw five times a second."""

    driver = "vigia_sensor"

    def __init__(self, place: Path, program: Path) -> None:
        super().__init__(place)
        self._program = program
        secret = hashlib.sha256(b"in C").hexdigest()
        self._id, self._key = secret[:8], secret[8:40]
        values = {
            "confidence_ratio": 0.9,
            "sound_level_decibels": 60.5,
            "duration_seconds": 3.2,
            "battery_volts": 3.98,
        }
        self.stored = [Stored("sensor-c", "acoustic_detection", values, "chainsaw")]

    @property
    def settings(self) -> str:
        return f"""\
[[sources]]
driver = "vigia_sensor"
name = "cable"
port = "{self.place}/gateway-end"
[[sources.devices]]
id = "{self._id}"
name = "sensor-c"
key = "{self._key}"
"""

    def open(self) -> None:
        self._line = self.ends.enter_context(Line(self.place))

    def say(self) -> None:
        memory = self.place / "memory"
        memory.mkdir()
        port = str(self._line.device_end)
        process = start(self._program, "play", port, self._key, self._id, str(memory), "--every-ms", "200")
        self.ends.callback(process.communicate)
        self.ends.callback(process.kill)
