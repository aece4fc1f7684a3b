"""A post of ten sensors and a GPS on real ttys, and two cameras: its settings, its devices, and its gateway, which
starts and dies."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import Reading
from tests.support.pictures import Card
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until

POST: Final = "puesto-algodon"
SENSORS: Final = tuple(f"sensor-{number}" for number in range(1, 11))
EVERY_S: Final = 1800
_OTHERS_COME_S: Final = 0.5
_WIRED: Final = b"\0"

_SETTINGS: Final = """\
[station]
name = "{post}"
[outbox]
path = "{disk}/outbox.db"
commit_every_s = 0.2
[uplink]
host = "127.0.0.1"
port = {link_port}
tls = false
receipt_timeout_s = 5
[clock]
settle_s = {settle_s}
[health]
every_s = 3
[history]
commit_every_s = 0.1
[page]
enabled = true
host = "127.0.0.1"
port = {page_port}
acting = "free"
[rules]
path = "{home}/rules.toml"
timezone = "America/Lima"
[[sources]]
driver = "nmea_gps"
name = "gps"
port = "{home}/gps"
sensor = "gps-puesto"
[[sources]]
driver = "vigia_sensor"
name = "radio"
port = "{home}/radio"
"""

_DEVICE: Final = """\
[[sources.devices]]
id = "{id}"
name = "{name}"
key = "{key}"
"""

_PLACED: Final = """\
[[place.sensors]]
name = "{name}"
title = "{title}"
expected_interval_s = {every_s}
"""

_RULES: Final = """\
[[rules]]
name = "gente"
when = "heard"
labels = ["chainsaw", "gunshot", "long_tail_motor", "outboard_motor", "person", "voices"]
together = "sensor"
[[rules]]
name = "callado"
when = "silent"
[[suppressions]]
name = "llueve"
when = "weather"
scope = "sensor"
within_s = 300
"""


def title_of(sensor: str) -> str:
    """What people call it."""
    return f"Quebrada {sensor.removeprefix('sensor-')}"


class Device:
    """One sensor, with a counter of its own."""

    def __init__(self, name: str) -> None:
        secret = hashlib.sha256(f"{POST} {name}".encode()).hexdigest()
        self.name, self.id, self.key = name, secret[:8], secret[8:40]
        self.counter = 0
        self._cipher = new_cipher(bytes.fromhex(self.key))

    def frame(self, reading: Reading) -> bytes:
        """A reading as it stands on the line."""
        self.counter += 1
        return cobs_frames.encode(_WIRED + seal(self._cipher, int(self.id, 16), self.counter, encode_body(reading)))


class OutboxWord(NamedTuple):
    """in_memory: readings that are not on disk. counters: by place and name."""

    in_memory: int
    trouble: str
    counters: dict[tuple[str, str], int]


class Post:
    """home: settings and ttys. disk: everything that the gateway keeps. world: the file of a `World`."""

    def __init__(
        self, home: Path, disk: Path, world: Path, *, link_port: int, page_port: int, settle_s: int = 2
    ) -> None:
        self.disk = disk
        self.log = home / "gateway.log"
        self.devices = {name: Device(name) for name in SENSORS}
        self._taken: list[TtyPair] = []
        self.radio, self.gps = self._tty(home / "radio"), self._tty(home / "gps")
        self.cameras = {
            label: Card(home / f"camara-{label}", f"camara-{label}", label) for label in ("person", "tapir")
        }
        self.starts = 0
        self._settings, self._world = home / "gateway.toml", world
        self._process: subprocess.Popen[str] | None = None
        text = _SETTINGS.format(
            post=POST, disk=disk, home=home, link_port=link_port, page_port=page_port, settle_s=settle_s
        )
        text += "".join(_DEVICE.format(id=one.id, name=one.name, key=one.key) for one in self.devices.values())
        text += "".join(_PLACED.format(name=name, title=title_of(name), every_s=EVERY_S) for name in SENSORS)
        text += "".join(camera.settings for camera in self.cameras.values())
        self._settings.write_text(text)
        (home / "rules.toml").write_text(_RULES)

    @property
    def outbox_path(self) -> Path:
        """The outbox's file."""
        return self.disk / "outbox.db"

    def start(self) -> None:
        """Start the gateway; it has both ttys open when this returns."""
        self.starts += 1
        command = [sys.executable, "-m", "tests.support.month.gateway", str(self._settings), str(self._world)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        ttys = {Path(self.radio.name), Path(self.gps.name)}
        wait_until(f"it listens; {self.log}", lambda: ttys <= self._open_files(), timeout_s=30)

    def stop(self) -> None:
        """An orderly end."""
        process = self._running()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0, self.log.read_text()[-3000:]
        self._end(process)

    def cut(self) -> int:
        """The power goes. How many readings were in memory only."""
        process = self._running()
        in_memory = int(self._order("cut"))
        assert process.wait(10) == -9
        self._end(process)
        return in_memory

    def kill(self) -> None:
        """Whatever the test failed of, nothing stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._end(self._process)
        for tty in (self.radio, self.gps, *self._taken):
            tty.unplug()

    def say(self, readings: Iterable[Reading]) -> float:
        """Sensors put frames on the line; when the last byte was out (`time.perf_counter`)."""
        for reading in readings:
            self.radio.say(self.devices[reading.sensor].frame(reading))
        return time.perf_counter()

    def wait_heard(self, sensors: Iterable[str]) -> bool:
        """Until all that these sensors said is accepted."""
        devices = [self.devices[name] for name in sensors]
        return bool(self._order("heard", {one.id: one.counter for one in devices}))

    def say_gps(self, sentence: bytes) -> None:
        """The GPS puts a line out."""
        self.gps.say(sentence)

    def quality(self) -> str:
        """Who vouches for its clock."""
        return str(self._order("quality"))

    def commit(self) -> None:
        """Put on disk what waits, as it does five times a second by itself."""
        self._order("commit")

    def outbox(self) -> OutboxWord:
        """How it fares."""
        in_memory, trouble, counters = self._order("outbox")
        return OutboxWord(in_memory, trouble, {(place, name): total for place, name, total in counters})

    def resident_megabytes(self) -> float:
        """Of the gateway's process."""
        told = Path(f"/proc/{self._running().pid}/statm").read_text().split()[1]
        return int(told) * 4096 / 2**20

    def _tty(self, link: Path) -> TtyPair:
        """One that is ours alone: a gateway of another test, whose own tty went, takes any that gets its number."""
        while True:
            tty = TtyPair(link)
            time.sleep(_OTHERS_COME_S)
            if not any(_has_open(process, tty.name) for process in Path("/proc").glob("[0-9]*")):
                return tty
            self._taken.append(tty)

    def _order(self, *order: Any) -> Any:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"no answer to {order}:\n{self.log.read_text()[-3000:]}"
        return json.loads(answer)

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def _end(self, process: subprocess.Popen[str]) -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process = None

    def _open_files(self) -> set[Path]:
        process = self._running()
        assert process.poll() is None, self.log.read_text()[-3000:]
        return _open_files(Path(f"/proc/{process.pid}"))


def _open_files(process: Path) -> set[Path]:
    """Of a process, as far as we may know."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(descriptor.readlink())
    return found


def _has_open(process: Path, path: str) -> bool:
    return process.name != str(os.getpid()) and Path(path) in _open_files(process)


def rmc(utc_ms: int) -> bytes:
    """A GPS's sentence of a fix at that time."""
    told = time.gmtime(utc_ms // 1000)
    body = time.strftime("GPRMC,%H%M%S.00,A,0225.1000,S,07203.2000,W,0.1,,%d%m%y,,,A", told).encode()
    checksum = 0
    for byte in body:
        checksum ^= byte
    return b"$%s*%02X\r\n" % (body, checksum)
