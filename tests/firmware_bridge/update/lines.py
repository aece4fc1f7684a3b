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
        self._gateway = _End(self.gateway_end)
        self._device = _End(self.device_end)
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
        self._gateway.close()
        self._device.close()
        for descriptor in self._wake:
            os.close(descriptor)

    def pull_out(self) -> None:
        """The gateway's port vanishes, for whoever has it open too."""
        os.write(self._wake[1], b"-")

    def put_back(self) -> None:
        """It is there again, another one under the same name."""
        os.write(self._wake[1], b"+")

    def _carry(self) -> None:
        while True:
            masters = [end.master for end in (self._gateway, self._device) if end.master >= 0]
            ready, _, _ = select.select([*masters, self._wake[0]], [], [])
            if self._wake[0] in ready:
                match os.read(self._wake[0], 1):
                    case b"-":
                        self._gateway.close()
                    case b"+":
                        self._gateway = _End(self.gateway_end)
                    case _:
                        return
                continue
            for heard, told in ((self._gateway, self._device), (self._device, self._gateway)):
                mangle = self.to_device if heard is self._gateway else self.to_gateway
                if heard.master in ready and (data := mangle(os.read(heard.master, 4096))) and told.master >= 0:
                    os.write(told.master, data)


class _End:
    """A tty under a name."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        link.symlink_to(os.ttyname(self._slave))

    def close(self) -> None:
        """It is no more."""
        self._link.unlink(missing_ok=True)
        for descriptor in (self.master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self._slave = -1


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
