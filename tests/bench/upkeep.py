"""What an ordinary day costs a post, page open on two phones: memory, processor time, bytes written to the card.

Fifty sensors, of which each tells a measurement every five minutes; ten detections an hour, two of them alerts. Every
setting that bears on it is the default. Some minutes in real time stand for the hour: the traffic is even.
"""

from __future__ import annotations

import os
import struct
import time
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from deploy.parts.processes import free_port
from deploy.parts.servers import Mosquitto
from deploy.parts.services import Gateway, Ingest, write_registry
from tests.bench.deployed import as_deployed
from tests.bench.devices import accepted, devices_of, line_for
from tests.bench.harness import (
    Options,
    Result,
    Row,
    console,
    processor_seconds,
    resident_mib,
    running,
    say,
    verdict,
    wait_for,
)
from tests.bench.phones import Phone, wait_served

_SENSORS: Final = 50
_SECONDS: Final = 180.0
_EVERY_S: Final = 300.0 / _SENSORS
_DETECTIONS_EACH: Final = 60
"""Every so manieth is a detection: ten of six hundred an hour."""
_TARGET_MIB: Final = 60
_SETTLED_S: Final = 20.0  # after which it has given back what its start took
_FILES: Final = {"outbox": "outbox.db", "history": "history.db", "pictures": "media/index.db"}
_FRAME_HEADER_BYTES: Final = 24


class Cost(NamedTuple):
    """Of the stretch, as of an hour. written: bytes, by what; "all" as the kernel counts them for the disk."""

    resident_mib: float
    processor_s: float
    written: dict[str, float]


def run(directory: Path, options: Options) -> Result:
    """See the module."""
    with as_deployed(directory / "compiled"), console.status(f"{_SECONDS:.0f} s of an ordinary day"):
        cost = _measure(directory)
    written = cost.written
    by_file = ", ".join(f"{name} {written[name] / 1e6:.1f}" for name in _FILES)
    say(f"{cost.resident_mib:.1f} MiB; {cost.processor_s:.1f} s/h; {written['all'] / 1e6:.1f} MB/h ({by_file})")
    return Result(
        [
            Row(
                f"gateway resident memory, {_SENSORS} sensors, page on two phones, ordinary traffic",
                f"{cost.resident_mib:.1f} MiB",
                f"{_TARGET_MIB} MiB",
                "",
                verdict(cost.resident_mib <= _TARGET_MIB),
            ),
            Row(
                "gateway processor time, the same",
                f"{cost.processor_s:.0f} s an hour: {cost.processor_s / 3.6:.1f} ‰ of a core",
            ),
            Row(
                "bytes written to the card, the same",
                f"{written['all'] / 1e6:.1f} MB an hour",
                "",
                f"logs before the files, MB an hour: {by_file}",
            ),
        ],
        [
            (
                f"{_SECONDS:.0f} s stand for an hour; a reading every {_EVERY_S:.0f} s, a detection among"
                f" {_DETECTIONS_EACH}, the link up, everything receipted."
            ),
            (
                "Written is what the kernel counts for the disk (write_bytes): whole pages of 4 KiB. By file: frames of"
                " SQLite's write-ahead logs; what checkpoints carry over into the files comes on top."
            ),
            "A reading is on the card within a second, so most commits carry one: that is what most bytes are.",
        ],
    )


def _measure(directory: Path) -> Cost:
    broker = Mosquitto(directory / "broker")
    registry = write_registry(directory / "registry.toml", {"bench": "yaguas"})
    ingest = Ingest(directory / "ingest", broker.port, "http://127.0.0.1:9", registry)
    port = free_port()
    names = [f"sensor-{n:02d}" for n in range(_SENSORS)]
    gateway = Gateway(directory / "gateway", "bench", broker.port, names, page_port=port)
    _with_defaults(gateway)
    devices = devices_of(gateway)
    phones = [Phone(port), Phone(port)]
    _start_once(gateway)
    line = line_for(gateway)
    with running(broker, ingest, line, gateway), running(*phones):
        time.sleep(_SETTLED_S)
        writes = _Writes(gateway.directory)
        begun, processor = time.monotonic(), processor_seconds(gateway.pid)
        disk = _written(gateway.pid)
        number = 0
        while (now := time.monotonic() - begun) < _SECONDS:
            if now >= number * _EVERY_S:
                device = devices[number % _SENSORS]
                if number % _DETECTIONS_EACH == 0:
                    line.say(device.frame("chainsaw" if number % (5 * _DETECTIONS_EACH) == 0 else "bird"))
                else:
                    line.say(device.status())
                number += 1
            writes.look()
            time.sleep(0.25)
        hours = (time.monotonic() - begun) / 3600
        wait_for("all to be accepted", lambda: accepted(gateway.directory / "outbox.db", _LANES) >= number)
        return Cost(
            resident_mib(gateway.pid),
            (processor_seconds(gateway.pid) - processor) / hours,
            {"all": (_written(gateway.pid) - disk) / hours} | {name: writes.bytes[name] / hours for name in _FILES},
        )


_LANES: Final = ("alert", "detection", "reading")


def _with_defaults(gateway: Gateway) -> None:
    """Take out what makes a test fast."""
    quick = ("commit_every_s", "every_s", "linger_")
    lines = gateway.settings.read_text().splitlines()
    gateway.settings.write_text("\n".join(line for line in lines if not line.startswith(quick)) + "\n")


def _start_once(gateway: Gateway) -> None:
    """So that everything is compiled."""
    gateway.start()
    try:
        wait_served(gateway.page_port or 0)
    finally:
        gateway.stop()


def _written(pid: int) -> int:
    """What a process has had written to disks, as the kernel counts (proc(5))."""
    told = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(told["write_bytes"])


class _Writes:
    """Counts the frames of write-ahead logs from their shared index (SQLite, "WAL-mode file format", 2.1): the last
    frame is at byte 16. To be looked at often: a log may begin again."""

    def __init__(self, directory: Path) -> None:
        self._indices = {name: directory / f"{path}-shm" for name, path in _FILES.items()}
        self._last: dict[str, int] = {}
        self.bytes: Counter[str] = Counter()
        self.look()
        self.bytes.clear()

    def look(self) -> None:
        for name, path in self._indices.items():
            try:
                with path.open("rb") as file:
                    frames, page_bytes = _frames(os.pread(file.fileno(), 48, 0))
            except (OSError, struct.error):
                continue
            before = self._last.get(name, 0)
            new = frames - before if frames >= before else frames
            self._last[name] = frames
            self.bytes[name] += new * (page_bytes + _FRAME_HEADER_BYTES)


def _frames(head: bytes) -> tuple[int, int]:
    page_bytes, last_frame = struct.unpack_from("=HI", head, 14)
    return last_frame, page_bytes
