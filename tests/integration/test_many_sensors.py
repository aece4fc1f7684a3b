"""A post with sensors of many makers at once: a reading of each goes through a tty, a UDP socket, a TCP connection, a
directory or a broker, a real gateway, broker and ingest, into InfluxDB."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.parts.servers import Mosquitto
from tests.firmware_bridge.links.test_udp_link import free_udp_port
from tests.firmware_bridge.media.clips_made import clip
from tests.firmware_bridge.media.pictures_made import jpeg
from tests.support.landscape import DATABASE, Landscape
from tests.support.mesh_radio import MeshRadio, device_metrics, from_radio, on_socket, packet
from tests.support.modbus_server import ModbusServer
from tests.support.modems import ModemOnTty, Rn2483
from tests.support.mqtt_peer import MqttPeer
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until

POST = "puesto-a"
APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
EUI = "0101010101010101"
NODE = "!a1b2c3d4"
TEMPERATURE = bytes.fromhex("0367 0110")  # Cayenne LPP: channel 3, temperature, 27.2 degrees
SOURCES = """
[[sources]]
driver = "nmea_gps"
name = "gps"
port = "{directory}/gps"
sensor = "gps-puesto"

[[sources]]
driver = "microchip_rn2483"
name = "modem"
port = "{directory}/modem"
band = "au915"
frequency_hz = 916_800_000
[sources.default]
name = "clima-modem"
payload = {{ codec = "cayenne_lpp" }}

[[sources]]
driver = "modbus_rtu"
name = "muelle"
port = "{directory}/rs485"
[[sources.devices]]
unit = 1
name = "nivel-muelle"
interval_s = 1
[[sources.devices.registers]]
address = 0
function = "input"
quantity = "water_level_metres"
unit = "mm"

[[sources]]
driver = "semtech_udp"
name = "concentrador"
listen_port = {udp_port}
[[sources.gateways]]
id = "0016c001f153a14c"
name = "techo"
[sources.default]
name = "clima-udp"
payload = {{ codec = "cayenne_lpp" }}

[[sources]]
driver = "chirpstack_v4"
name = "lorawan"
application_id = "{application}"
[sources.broker]
host = "127.0.0.1"
port = {mqtt_port}
[[sources.devices]]
id = "{eui}"
name = "clima-lorawan"
payload = {{ codec = "cayenne_lpp" }}

[[sources]]
driver = "meshtastic_radio"
name = "malla"
host = "127.0.0.1"
tcp_port = {tcp_port}
[[sources.devices]]
id = "{node}"
name = "patrulla-1"

[[sources]]
driver = "camera_folder"
name = "camaras"
directory = "{directory}/fotos"
state_path = "{directory}/camaras.db"
zone = "America/Lima"
sensor = "camara-quebrada"
label = "tapir"
settle_s = 0.2
poll_s = 0.2
burst_s = 0.5

[[sources]]
driver = "audio_folder"
name = "grabadoras"
directory = "{directory}/clips"
state_path = "{directory}/grabadoras.db"
zone = "America/Lima"
sensor = "grabadora-loma"
label = "bird"
settle_s = 0.2
poll_s = 0.2
"""
EXPECTED = {
    "gps-puesto": ("position", "latitude_degrees", 45.77047),
    "clima-modem": ("environment", "temperature_celsius", 27.2),
    "nivel-muelle": ("environment", "water_level_metres", 2.345),
    "clima-udp": ("environment", "temperature_celsius", 27.2),
    "clima-lorawan": ("environment", "temperature_celsius", 27.2),
    "patrulla-1": ("device_status", "battery_ratio", 0.87),
    "camara-quebrada": ("camera_detection", "picture_number", 42),
    "grabadora-loma": ("acoustic_detection", "duration_seconds", 1),
}
"""Sensor to measurement, field and value. Our own sensors (norte, sur, rio) are beside these."""


class Field:
    """The other ends of all the lines of one post."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.broker = Mosquitto(directory.parent / "lorawan", extra="sys_interval 1\n")
        self.udp_port = free_udp_port()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = ExitStack()
        self._ends.callback(self._listener.close)
        self._ends.callback(self.broker.stop)

    @property
    def sources(self) -> str:
        """Settings that name these ends."""
        return SOURCES.format(
            directory=self.directory,
            udp_port=self.udp_port,
            mqtt_port=self.broker.port,
            tcp_port=self._listener.getsockname()[1],
            application=APPLICATION,
            eui=EUI,
            node=NODE,
        )

    def open(self) -> None:
        """All lines are there, and say nothing yet."""
        for name in ("fotos", "clips"):
            (self.directory / name).mkdir(parents=True)
        self.broker.start()
        self.gps = TtyPair(self.directory / "gps")
        self._ends.callback(self.gps.unplug)
        self.modem = Rn2483()
        self._ends.enter_context(ModemOnTty(self.modem, self.directory / "modem"))
        self._ends.enter_context(ModbusServer(self.directory))
        self.peer = self._ends.enter_context(MqttPeer(self.broker.port, "$SYS/broker/subscriptions/count"))

    def speak(self) -> None:
        """Every device says one thing."""
        self.gps.say(
            b"$GNGGA,064607.000,4546.2282,N,00311.6590,E,1,05,2.6,412.0,M,0.0,M,,*77\r\n"
            b"$GNRMC,064607.000,A,4546.2282,N,00311.6590,E,0.76,0.00,230619,,,A*7D\r\n"
        )
        wait_until("the modem is set up", lambda: self.modem.is_listening)
        assert self.modem.receive(TEMPERATURE, -97, 5)
        heard = {"stat": 1, "rssi": -97, "lsnr": 5.25, "size": 4, "data": b64encode(TEMPERATURE).decode()}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forwarder:
            datagram = b"\x02\xab\xcd\x00" + bytes.fromhex("0016c001f153a14c") + json.dumps({"rxpk": [heard]}).encode()
            forwarder.sendto(datagram, ("127.0.0.1", self.udp_port))
        radio = self._mesh_radio()
        radio.say(from_radio(packet(67, device_metrics(87, 4.02))))
        (self.directory / "fotos/IMG_0042.JPG").write_bytes(jpeg())
        (self.directory / "clips/clip.wav").write_bytes(clip())
        event = {"devAddr": "00189440", "fCnt": 7, "fPort": 1, "data": b64encode(TEMPERATURE).decode()}
        event["time"] = datetime.now(UTC).isoformat()
        self.peer.publish(f"application/{APPLICATION}/device/{EUI}/event/up", json.dumps(event).encode())

    def _mesh_radio(self) -> MeshRadio:
        """The radio, when the gateway has called it and asked for its configuration."""
        connection, _ = self._listener.accept()
        self._ends.callback(connection.close)
        radio = on_socket(connection)
        radio.start()
        self._ends.callback(radio.stop)
        wait_until("the gateway asks", lambda: radio.askings() > 0)
        return radio

    def close(self) -> None:
        """Everything ends."""
        self._ends.close()


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    made = Field(tmp_path / POST)
    yield made
    made.close()


@pytest.mark.slow
def test_a_reading_of_each_kind_of_source_arrives_in_influxdb(tmp_path: Path, field: Field) -> None:
    landscape = Landscape(tmp_path, (POST,), sources=field.sources)
    gateway = landscape.gateways[POST]
    try:
        field.open()
        landscape.start()
        landscape.play(rate=20, seconds=5, seed=1)
        wait_until(
            "the gateway has subscribed at the network server's broker",
            lambda: any(payload == b"2" for payload in field.peer.payloads("$SYS/broker/subscriptions/count")),
            timeout_s=30,
        )
        field.speak()
        for sensor, (measurement, value_field, value) in EXPECTED.items():
            wait_until(
                f"{sensor} is in InfluxDB; {gateway.tallies()}\n{gateway.log_end()}",
                lambda s=sensor, m=measurement, f=value_field: stored(landscape, s, m, f),  # type: ignore[misc]
                timeout_s=30,
                every_s=0.2,
            )
            assert stored(landscape, sensor, measurement, value_field)[0] == pytest.approx(value), sensor
        for sensor in ("norte", "sur", "rio"):
            assert stored(landscape, sensor, "acoustic_detection", "confidence_ratio"), sensor
        landscape.wait_until_sent()
        assert landscape.prove() >= len(EXPECTED)
    finally:
        landscape.stop()


def stored(landscape: Landscape, sensor: str, measurement: str, field: str) -> list[float]:
    """The values of a field in InfluxDB."""
    if DATABASE not in str(landscape.influx.query("", "SHOW DATABASES")):
        return []  # ingest makes the database when it writes for the first time
    query = f"SELECT {field} FROM {measurement} WHERE sensor = '{sensor}' AND station = '{POST}'"
    return [float(value) for series in landscape.influx.query(DATABASE, query) for _, value in series["values"]]
