"""Two real ttys and what lies between them: a line that may lose, alter and add bytes; a sensor on one end of it."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.device_host import start

KEY: Final = bytes.fromhex("00112233445566778899aabbccddeeff")
DEVICE: Final = "00a1b2c3"
Mangle = Callable[[bytes], bytes]


def _as_it_is(data: bytes) -> bytes:
    return data


class Line:
    """`gateway_end` and `device_end` are the two ports. What is said at one end comes out of the other by way of
    `to_device` and `to_gateway`, which may be changed at any time. It outlives whoever opens and closes its ends."""

    def __init__(self, folder: Path) -> None:
        self.to_device: Mangle = _as_it_is
        self.to_gateway: Mangle = _as_it_is
        self.gateway_end = folder / "gateway-end"
        self.device_end = folder / "device-end"
        self._descriptors: list[int] = []
        self._masters: list[int] = []
        for link in (self.gateway_end, self.device_end):
            master, slave = os.openpty()
            tty.setraw(slave)
            link.symlink_to(os.ttyname(slave))
            self._masters.append(master)
            self._descriptors += [master, slave]
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="line")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._wake[1], b"!")
        self._thread.join(10)
        for descriptor in (*self._descriptors, *self._wake):
            os.close(descriptor)

    def _carry(self) -> None:
        gateway, device = self._masters
        while True:
            ready, _, _ = select.select([gateway, device, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            for heard, told, mangle in ((gateway, device, self.to_device), (device, gateway, self.to_gateway)):
                if heard in ready and (data := mangle(os.read(heard, 4096))):
                    os.write(told, data)


class Sensor:
    """The C host program on the device's end of a line, its memory in a folder. It may be killed and started again."""

    def __init__(self, program: Path, line: Line, memory: Path, *options: str) -> None:
        self._program = program
        self._port = line.device_end
        self._options = options
        self.memory = memory
        memory.mkdir(exist_ok=True)
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.power_up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complaints = self.power_down()
        if kind is None:
            assert complaints == ""

    def power_up(self, *more: str) -> None:
        """Start it."""
        options = (str(self._port), KEY.hex(), DEVICE, str(self.memory), *self._options, *more)
        self._process = start(self._program, "play", *options)

    def power_down(self) -> str:
        """Kill it at once; what it had to complain of (the sanitisers' words)."""
        with self._lock:
            process, self._process = self._process, None
            if process is None:
                return ""
            process.kill()
            return process.communicate(timeout=10)[1]

    @property
    def dead(self) -> bool:
        """It died by itself."""
        with self._lock:
            return self._process is not None and self._process.poll() is not None

    @property
    def version(self) -> int:
        """What it runs."""
        kept = self.memory / "version"
        return int.from_bytes(kept.read_bytes(), "big") if kept.exists() else 0x01000000

    @property
    def program(self) -> bytes:
        """The program that it runs, b"" for the one it came with."""
        kept = self.memory / "program"
        return kept.read_bytes() if kept.exists() else b""
