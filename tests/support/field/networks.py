"""Devices behind a network: a concentrator's UDP, a mesh radio's TCP, and three network servers at a broker."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from firmware_bridge.drivers import things_stack_v3
from tests.firmware_bridge.links.test_udp_link import free_udp_port
from tests.support.field.modems import TEMPERATURE
from tests.support.field.played import Played, Stored
from tests.support.mesh_radio import NODE, device_metrics, from_radio, on_socket, packet
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
EUI = "0101010101010101"
CONCENTRATOR = "0016c001f153a14c"
_DATA = b64encode(TEMPERATURE).decode()
_SIGNAL = {"rssi_dbm": -97, "snr_decibels": 5.25}
_MESH = {"battery_ratio": 0.87, "battery_volts": 4.02, "channel_busy_ratio": 0.125, "uptime_seconds": 86_400}


def _before(seconds: float) -> str:
    """A time as network servers write it, with nanoseconds."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


class SemtechUdp(Played):
    """A LoRaWAN concentrator with Semtech's packet forwarder."""

    driver = "semtech_udp"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self._port = free_udp_port()
        self.stored = [Stored("clima-udp", "environment", {"temperature_celsius": 27.2} | _SIGNAL)]

    @property
    def settings(self) -> str:
        return f"""\
[[sources]]
driver = "semtech_udp"
name = "concentrador"
listen_port = {self._port}
[[sources.gateways]]
id = "{CONCENTRATOR}"
name = "techo"
[sources.default]
name = "clima-udp"
payload = {{ codec = "cayenne_lpp" }}
"""

    def open(self) -> None:
        self._socket = self.ends.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._socket.settimeout(0.2)

    def say(self) -> None:
        heard = {"stat": 1, "rssi": -97, "lsnr": 5.25, "size": 4, "data": _DATA}
        datagram = b"\x02\xab\xcd\x00" + bytes.fromhex(CONCENTRATOR) + json.dumps({"rxpk": [heard]}).encode()

        def is_acknowledged() -> bool:
            """As a forwarder does it, which never repeats what was acknowledged."""
            self._socket.sendto(datagram, ("127.0.0.1", self._port))
            try:
                return self._socket.recv(64) == b"\x02\xab\xcd\x01"
            except TimeoutError:
                return False

        wait_until("the gateway acknowledges the datagram", is_acknowledged, timeout_s=30)


class MeshOverTcp(Played):
    """A Meshtastic radio in the post's network."""

    driver = "meshtastic_radio"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.ends.callback(self._listener.close)
        self.stored = [Stored("patrulla-1", "device_status", _MESH | {"rssi_dbm": -88, "snr_decibels": -3.25})]

    @property
    def settings(self) -> str:
        return f"""\
[[sources]]
driver = "meshtastic_radio"
name = "malla"
host = "127.0.0.1"
tcp_port = {self._listener.getsockname()[1]}
[[sources.devices]]
id = "!{NODE:08x}"
name = "patrulla-1"
"""

    def open(self) -> None:
        self._listener.settimeout(30)

    def say(self) -> None:
        connection, _ = self._listener.accept()
        self.ends.callback(connection.close)
        radio = on_socket(connection)
        radio.start()
        self.ends.callback(radio.stop)
        wait_until("the gateway asks the radio", lambda: radio.askings() > 0, timeout_s=30)
        radio.say(from_radio(packet(67, device_metrics(87, 4.02), signal=(-88, -3.25))))


class _AtBroker(Played):
    """A network server at a broker. port: the broker's. peer: the server, so to speak."""

    def __init__(self, place: Path, port: int) -> None:
        super().__init__(place)
        self._port = port
        self.peer: MqttPeer

    def open(self) -> None:
        self.peer = self.ends.enter_context(MqttPeer(self._port))

    def table(self, more: str, devices: str) -> str:
        head = f'[[sources]]\ndriver = "{self.driver}"\nname = "{self.driver.replace("_", "-")}"\n{more}'
        return f'{head}[sources.broker]\nhost = "127.0.0.1"\nport = {self._port}\n{devices}'


class ChirpstackV4(_AtBroker):
    """An uplink heard by two concentrators, the nearer of which counts, a minute and a half ago."""

    driver = "chirpstack_v4"
    subscriptions = 1

    def __init__(self, place: Path, port: int) -> None:
        super().__init__(place, port)
        self.stored = [Stored("clima-lorawan", "environment", {"temperature_celsius": 27.2} | _SIGNAL, age_s=90)]

    @property
    def settings(self) -> str:
        device = f'id = "{EUI}"\nname = "clima-lorawan"\npayload = {{ codec = "cayenne_lpp" }}\n'
        return self.table(f'application_id = "{APPLICATION}"\n', f"[[sources.devices]]\n{device}")

    def say(self) -> None:
        event = {
            "time": _before(90),
            "devAddr": "00189440",
            "fCnt": 7,
            "fPort": 1,
            "data": _DATA,
            "rxInfo": [
                {"gatewayId": "0016c001f153a14d", "rssi": -110, "snr": -2.5},
                {"gatewayId": CONCENTRATOR, "rssi": -97, "snr": 5.25},
            ],
            "txInfo": {"modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 9}}},
        }
        for _ in range(2):  # what the server says twice is one reading
            self.peer.publish(f"application/{APPLICATION}/device/{EUI}/event/up", json.dumps(event).encode())


class ThingsStackV3(_AtBroker):
    """An uplink and the battery that the server knows."""

    driver = "things_stack_v3"
    subscriptions = len(things_stack_v3._HEARD)

    def __init__(self, place: Path, port: int) -> None:
        super().__init__(place, port)
        self.stored = [
            Stored("clima-ttn", "environment", {"temperature_celsius": 27.2} | _SIGNAL, age_s=60),
            Stored("clima-ttn", "device_status", {"battery_ratio": 0.425}, age_s=120),
        ]

    @property
    def settings(self) -> str:
        device = 'id = "clima-ttn-7"\nname = "clima-ttn"\npayload = { codec = "cayenne_lpp" }\n'
        return self.table('application_id = "app1"\ntenant_id = "ttn"\n', f"[[sources.devices]]\n{device}")

    def say(self) -> None:
        uplink = {
            "session_key_id": "AXA50tHUGUucuzS/bCGMNw==",
            "f_cnt": 7,
            "f_port": 1,
            "frm_payload": _DATA,
            "rx_metadata": [{"gateway_ids": {"gateway_id": "gtw1"}, "rssi": -97, "snr": 5.25}],
            "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 7}}},
            "received_at": _before(60),
            "last_battery_percentage": {"f_cnt": 5, "value": 42.5, "received_at": _before(120)},
        }
        ids = {"device_id": "clima-ttn-7", "dev_addr": "00BCB929"}
        event = {"end_device_ids": ids, "received_at": _before(59), "uplink_message": uplink}
        self.peer.publish("v3/app1@ttn/devices/clima-ttn-7/up", json.dumps(event).encode())


class MeshtasticMqtt(_AtBroker):
    """Telemetry of a node, as the node with Wi-Fi writes it."""

    driver = "meshtastic_mqtt"
    subscriptions = 1

    def __init__(self, place: Path, port: int) -> None:
        super().__init__(place, port)
        values = {"temperature_celsius": 26.9, "humidity_ratio": 0.815, "pressure_hectopascals": 1003.4}
        values |= {"rssi_dbm": -95, "snr_decibels": 5.5}
        self.stored = [Stored("nivel-quebrada", "environment", values, age_s=30)]

    @property
    def settings(self) -> str:
        return self.table('root = "msh/PE"\n', '[[sources.devices]]\nid = "!00c0ffee"\nname = "nivel-quebrada"\n')

    def say(self) -> None:
        told = {"barometric_pressure": 1003.4, "relative_humidity": 81.5, "temperature": 26.9}
        message = {"id": 7, "from": 0x00C0FFEE, "to": 0xFFFFFFFF, "sender": "!7efeee00", "channel": 1}
        message |= {"timestamp": int(datetime.now(UTC).timestamp()) - 30, "rssi": -95, "snr": 5.5}
        message |= {"type": "telemetry", "payload": told}
        self.peer.publish("msh/PE/2/json/guardas/!7efeee00", json.dumps(message).encode())
