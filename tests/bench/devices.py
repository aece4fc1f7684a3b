"""Frames as devices send them, sealed ahead of time, and a line that takes them as fast as its reader reads."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from deploy.parts.services import Gateway
from deploy.settings.file import load_settings
from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.settings import GatewaySettings
from tests.support.serial_lines import TtyPair

WIRED: Final = b"\0"
_FRAMES_A_WRITE: Final = 100


class Device:
    """One sensor of a gateway, as its settings name it, with a counter of its own."""

    def __init__(self, device_id: str, key: bytes) -> None:
        self._number = int(device_id, 16)
        self._cipher = new_cipher(key)
        self._counter = 0

    def frame(self, label: str, *, level_decibels: float = 58.0) -> bytes:
        """A detection of four values as it stands on the line: 24 bytes on the air, 29 here."""
        values = {
            "confidence_ratio": 0.93,
            "sound_level_decibels": level_decibels,
            "duration_seconds": 12.0,
            "battery_volts": 3.7,
        }
        return self._sealed(make_reading(Kind.ACOUSTIC_DETECTION, "bench", values, label=label))

    def status(self) -> bytes:
        """A measurement as it stands on the line: how the device fares."""
        volts = 3.6 + self._counter % 50 / 100
        return self._sealed(
            make_reading(Kind.DEVICE_STATUS, "bench", {"battery_volts": volts, "temperature_celsius": 26.5})
        )

    def _sealed(self, reading: Reading) -> bytes:
        self._counter += 1
        body = encode_body(reading)
        return cobs_frames.encode(WIRED + seal(self._cipher, self._number, self._counter, body))


def devices_of(gateway: Gateway) -> list[Device]:
    """The devices in a gateway's settings, in order."""
    settings = load_settings(gateway.settings, GatewaySettings)
    told = settings.sources[0].model_dump()["devices"]
    return [Device(device["id"], bytes.fromhex(device["key"].get_secret_value())) for device in told]


def detections(devices: list[Device], count: int, label: str) -> list[bytes]:
    """So many frames, the devices in turn, no two alike."""
    return [devices[i % len(devices)].frame(label, level_decibels=40 + (i % 80) / 2) for i in range(count)]


class Line(TtyPair):
    """A pty as a gateway's port. What is poured comes from a process of its own."""

    def __init__(self, link: Path) -> None:
        super().__init__(link)
        self._writers: list[multiprocessing.process.BaseProcess] = []

    def pour(self, frames: list[bytes]) -> None:
        """Write everything as fast as the line takes it: a full line makes the writer wait, nothing is lost."""
        data = b"".join(frames)
        process = multiprocessing.get_context("fork").Process(target=_pour, args=(self.master, data), daemon=True)
        process.start()
        self._writers.append(process)

    def pour_at(self, frames: list[bytes], bytes_per_second: float) -> None:
        """Write as a UART of that speed does: it waits for nobody, and what finds the line full is lost."""
        os.set_blocking(self.master, False)
        sent_bytes = 0
        begun = time.perf_counter()
        for batch in _batches(frames, 10):
            due = begun + sent_bytes / bytes_per_second
            while (ahead := due - time.perf_counter()) > 0:
                time.sleep(ahead)
            for frame in batch:
                sent_bytes += len(frame)
                with suppress(BlockingIOError):
                    os.write(self.master, frame)
        os.set_blocking(self.master, True)

    def start(self) -> None:
        """Nothing: it is there as soon as it is made."""

    def stop(self) -> None:
        """Take the line away, and who still writes to it."""
        for writer in self._writers:
            writer.kill()
            writer.join()
        self.unplug()


def _pour(master: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(master, view[: 29 * _FRAMES_A_WRITE]) :]


def _batches(frames: list[bytes], size: int) -> Iterator[list[bytes]]:
    for at in range(0, len(frames), size):
        yield frames[at : at + size]


def line_for(gateway: Gateway) -> Line:
    """The line where the gateway's settings expect the port."""
    return Line(gateway.directory / "tty")


def accepted(path: Path, lanes: Iterable[str]) -> int:
    """How many readings of some lanes an outbox has committed, ever; read beside the running gateway."""
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            told = dict(db.execute("SELECT name, total FROM tally WHERE place = 'accepted'").fetchall())
    except sqlite3.OperationalError:  # the file is there, its tables not yet
        return 0
    return sum(told.get(lane, 0) for lane in lanes)
