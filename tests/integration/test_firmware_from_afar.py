"""New firmware for a sensor, ordered at headquarters: signed there, carried by ingest and broker, brought over a cable
by the running gateway, which hears the sensor meanwhile. All parts are real; the sensor is the C host program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Gateway, Ingest, write_registry
from firmware_bridge.update.image import encode_image, sign_image
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.support.device_host import vigia_host as vigia_host
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

POST, SENSOR = "puesto-a", "rio-arriba"
MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAKER_KEY = MAKER.public_key().public_bytes_raw().hex()
PROGRAM = Random(7).randbytes(40_000)  # two pieces on their way to the post


class Network:
    """A post with a sensor on a cable, its headquarters, and whoever gives orders there."""

    def __init__(self, directory: Path, line: Line, broker: Mosquitto, influx: InfluxDB) -> None:
        self.book = directory / "commands.db"
        self.keys = directory / "keys"
        self.vigia("commands", "key", self.keys)
        more = (
            f'[commands]\nkey_file = "{self.keys}/headquarters.pub"\n'
            f'[[sources]]\ndriver = "vigia_sensor"\nname = "cable"\nport = "{line.gateway_end}"\n'
            f'counters_path = "{directory}/downlink.counters"\n'
            f'devices = [{{ id = "{DEVICE}", name = "{SENSOR}", key = "{KEY.hex()}" }}]\n'
        )
        self.post = Gateway(directory / "post", POST, broker.port, ["audio-01"], sources=more)
        self.registry = write_registry(directory / "registry.toml", {POST: "yaguas"})
        self.ingest = Ingest(directory / "ingest", broker.port, influx.url, self.registry)
        settings = self.ingest.settings
        settings.write_text(settings.read_text() + f'[commands]\npath = "{self.book}"\n')
        self.influx = influx

    def vigia(self, *words: object) -> str:
        command = [sys.executable, "-m", "deploy.cli", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def order(self, *words: object) -> list[str]:
        """Give an order; the ids of its parts."""
        files = ("--key", self.keys / "commands.key", "--book", self.book, "--registry", self.registry)
        told = self.vigia("commands", *words, *files)
        return [line.split()[0] for line in told.splitlines()[:-1]]

    def listed(self, command_id: str) -> tuple[str, str]:
        """State and answer of a command, as a coordinator sees them."""
        for line in self.vigia("commands", "list", "--book", self.book, "--lang", "en").splitlines():
            told_id, *_, state, answer = line.split("\t")
            if told_id == command_id:
                return state, answer
        raise AssertionError(f"{command_id} is not listed")

    def comes_to(self, command_id: str, state: str) -> str:
        """Its answer, once it has come to this."""
        wait_until(f"{command_id} is {state}", lambda: self.listed(command_id)[0] == state, timeout_s=90, every_s=0.5)
        return self.listed(command_id)[1]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with Line(tmp_path) as line:
        yield line


@pytest.fixture
def sensor(vigia_host: Path, line: Line, tmp_path: Path) -> Iterator[Sensor]:
    options = ("--maker", MAKER_KEY, "--every-ms", "200")
    with Sensor(vigia_host, line, tmp_path / "memory", *options) as sensor:
        yield sensor


@pytest.fixture
def network(tmp_path: Path, line: Line, mosquitto: Mosquitto, influx: InfluxDB) -> Iterator[Network]:
    made = Network(tmp_path, line, mosquitto, influx)
    made.ingest.start()
    made.post.start()
    yield made
    made.post.stop()
    made.ingest.stop()


def image(folder: Path, name: str, maker: Ed25519PrivateKey = MAKER) -> Path:
    path = folder / name
    path.write_bytes(encode_image(sign_image(PROGRAM, "vigia-host", "1.2.0", maker)))
    return path


def test_a_sensor_gets_the_firmware_that_headquarters_ordered(tmp_path: Path, network: Network, sensor: Sensor) -> None:
    forged = image(tmp_path, "forged.vgf", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    *_, update = network.order("firmware", POST, SENSOR, forged)
    assert "bad_signature: the device says: it does not know the maker" in network.comes_to(update, "refused")
    *pieces, update = network.order("firmware", POST, SENSOR, image(tmp_path, "firmware.vgf"))
    words = network.comes_to(update, "done")
    assert words.startswith(f"{SENSOR} runs 1.2.0 now; ")
    assert [network.listed(piece)[0] for piece in pieces] == ["done"] * 2
    assert sensor.program == PROGRAM
    tallies, _ = network.post.tallies()
    assert tallies["accepted", "alert"] > 3  # it was heard meanwhile
    assert not {name for place, name in tallies if place == "cable"} - {"unasked_answer"}


def test_what_a_sensor_answers_to_an_order_reaches_headquarters(network: Network, sensor: Sensor) -> None:
    (said,) = network.order("say", POST, SENSOR, "--text", "ping")
    assert network.comes_to(said, "done") == "said, or queued for when the sensor listens"

    def told() -> list[tuple[str, str, str]]:
        answers = network.ingest.get("/api/v1/readings?kind=command_answer")["readings"]
        return [(one["sensor"], one["label"], one["note"]) for one in answers]

    wait_until("the sensor's own word", lambda: (SENSOR, "done", "ping") in told(), every_s=0.5)
    assert "rio-arriba contestó a «¿estás ahí?» (ping): hecho" in network.post.log.read_text()


def test_a_gateway_that_is_stopped_in_the_middle_says_so_and_another_order_goes_on(
    tmp_path: Path, network: Network, sensor: Sensor, line: Line
) -> None:
    slot = sensor.memory / "slot"
    firmware = image(tmp_path, "firmware.vgf")
    passed = 0

    def cut(data: bytes) -> bytes:
        """Nothing passes after half of it."""
        nonlocal passed
        passed += len(data)
        return data if passed < 24_000 else b""

    line.to_device = cut
    *_, update = network.order("firmware", POST, SENSOR, firmware)
    wait_until("half of it", lambda: passed >= 24_000, timeout_s=60)
    held = slot.stat().st_size
    network.post.stop()
    line.to_device = lambda data: data
    network.post.start()
    assert "in the middle" in network.comes_to(update, "interrupted")
    *_, update = network.order("firmware", POST, SENSOR, firmware)
    words = network.comes_to(update, "done")
    assert int(words.split()[4]) < 157  # blocks of all of it
    assert held > 10_000
    assert sensor.program == PROGRAM
