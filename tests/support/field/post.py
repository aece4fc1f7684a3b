"""Every driver's device around one post."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from deploy.parts.servers import Mosquitto
from tests.support.field import files, modems, networks, wires
from tests.support.field.played import Played
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

ALONE: Final[tuple[Callable[[Path], Played], ...]] = (
    modems.MicrochipRn2483,
    modems.RakRui3,
    modems.RakTwoLines,
    modems.SeeedLoraE5,
    modems.ReyaxRylr998,
    modems.ReyaxRylr896,
    modems.EbyteE22,
    modems.EbyteE22Bursts,
    wires.NmeaGps,
    wires.ModbusGauge,
    wires.MeshOnUsb,
    networks.SemtechUdp,
    networks.MeshOverTcp,
    files.CameraFolder,
    files.AudioFolder,
    files.SerialCameraOnUart,
)
AT_BROKER: Final[tuple[Callable[[Path, int], Played], ...]] = (
    networks.ChirpstackV4,
    networks.ThingsStackV3,
    networks.MeshtasticMqtt,
)
_COUNT: Final = "$SYS/broker/subscriptions/count"


class Field:
    """All of them, each in a directory of its own. vigia_host: the C library's program. Nothing runs before `open`."""

    def __init__(self, directory: Path, vigia_host: Path) -> None:
        self.directory = directory
        self.broker = Mosquitto(directory / "servidores", extra="sys_interval 1\n")
        self._ends = ExitStack()
        self.devices: list[Played] = []
        for number, made in enumerate(ALONE):
            self._add(made(self._place(number)))
        for number, at_broker in enumerate(AT_BROKER, len(ALONE)):
            self._add(at_broker(self._place(number), self.broker.port))
        self._add(wires.VigiaInC(self._place(len(self.devices)), vigia_host))

    def _place(self, number: int) -> Path:
        place = self.directory / str(number)
        place.mkdir(parents=True)
        return place

    def _add(self, device: Played) -> None:
        self.devices.append(device)
        self._ends.callback(device.close)

    @property
    def sources(self) -> str:
        """The settings of them all."""
        return "\n".join(device.settings for device in self.devices)

    def open(self) -> None:
        """All lines are there, and say nothing yet."""
        self._ends.callback(self.broker.stop)
        self.broker.start()
        self._peer = self._ends.enter_context(MqttPeer(self.broker.port, _COUNT))
        for device in self.devices:
            device.open()

    def speak(self) -> None:
        """Every device says its thing. The gateway must run: what network servers say to nobody is lost."""
        expected = 1 + sum(device.subscriptions for device in self.devices)
        wait_until(
            f"the gateway has {expected - 1} subscriptions at the network servers' broker",
            lambda: any(int(payload) >= expected for payload in self._peer.payloads(_COUNT)),
            timeout_s=30,
        )
        for device in self.devices:
            device.speak()

    def close(self) -> None:
        """Everything ends."""
        self._ends.close()
