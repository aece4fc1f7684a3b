"""A real Modbus RTU peer for tests: pymodbus's own server, in a process of its own, behind two ttys joined by a cable
that can be bad.

Run as a program: `python -m tests.support.modbus_server PORT`.
"""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.support.serial_lines import TtyPair

LEVEL_UNIT = 1
RAIN_UNIT = 2
STATION_UNIT = 3
RAIN_START = 65_530
RAIN_STEP = 3

Fault = Callable[[bytes], bytes]
"""What becomes of bytes on their way to the gateway."""


class ModbusServer:
    """The server's process and the cable. `fault`, when set, is applied to what the server says; `said` counts the
    questions that came by. A context manager; `plug` and `unplug` the gateway's end."""

    def __init__(self, directory: Path) -> None:
        self.port = directory / "rs485"
        self.fault: Fault | None = None
        self.echo = False
        self.questions: list[bytes] = []
        self._far = TtyPair(directory / "server")
        self._near: TtyPair | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._carry, name="cable", daemon=True)

    def __enter__(self) -> Self:
        self.plug()
        command = [sys.executable, "-m", "tests.support.modbus_server", self._far.name]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5.0)
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self.unplug()
        self._far.unplug()

    def plug(self) -> None:
        with self._lock:
            self._near = TtyPair(self.port)

    def unplug(self) -> None:
        with self._lock:
            if self._near is not None:
                self._near.unplug()
            self._near = None

    def _carry(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                near = self._near
                ends = [self._far.master] + ([near.master] if near is not None else [])
                ready = select.select(ends, [], [], 0)[0]
                if near is not None and near.master in ready:
                    asked = os.read(near.master, 4096)
                    self.questions.append(asked)
                    if self.echo:
                        near.say(asked)
                    os.write(self._far.master, asked)
                if self._far.master in ready:
                    told = os.read(self._far.master, 4096)
                    told = self.fault(told) if self.fault is not None else told
                    if near is not None:
                        near.say(told)
            time.sleep(0.001)


async def _serve(port: str) -> None:
    from pymodbus.constants import ExcCodes  # imported here: the tests themselves need no server
    from pymodbus.server import ModbusSerialServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    rain = RAIN_START

    async def count_on(
        _function: int, start: int, _address: int, _count: int, registers: list[int], _set: object
    ) -> ExcCodes | None:
        nonlocal rain
        registers[4 - start] = rain % 65_536
        rain += RAIN_STEP
        return None

    server = ModbusSerialServer(
        [
            SimDevice(
                LEVEL_UNIT,
                simdata=(
                    [SimData(0, values=False, datatype=DataType.BITS)],
                    [SimData(0, values=False, datatype=DataType.BITS)],
                    [SimData(100, values=[0x8000], datatype=DataType.REGISTERS)],
                    [SimData(0, values=[2345, 0xFFF6], datatype=DataType.REGISTERS)],
                ),
            ),
            SimDevice(RAIN_UNIT, simdata=[SimData(4, values=[0], datatype=DataType.REGISTERS)], action=count_on),
            SimDevice(
                STATION_UNIT,
                simdata=[
                    SimData(10, values=[26.75, 81.5], datatype=DataType.FLOAT32),
                    SimData(20, values=[0x04D2, 0x0001], datatype=DataType.REGISTERS),
                ],
            ),
        ],
        port=port,
        baudrate=9600,
        ignore_missing_devices=True,
    )
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await server.serving


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
