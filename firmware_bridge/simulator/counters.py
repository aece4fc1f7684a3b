"""Frame counters that are never used twice, whatever kills the simulator: blocks are reserved on disk before use."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from firmware_bridge.framing.device_frames import MAX_COUNTER
from firmware_bridge.simulator.scenario import SimulatorError

_BLOCK: Final = 10_000


class CounterFile:
    """Next counters of devices, in a JSON file: device id to the first counter that is not reserved.

    A file that cannot be understood is an error, never a new beginning: a counter used twice with a key gives away what
    was sent under it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free: dict[str, int] = {}
        self._next: dict[str, int] = {}

    def load(self) -> None:
        """Read the file, if it is there. Raises SimulatorError."""
        try:
            held = json.loads(self._path.read_text())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise SimulatorError(
                f"{self._path} cannot be read ({error}): counters must not be used twice, so give the devices new keys"
                " and delete it"
            ) from error
        if not isinstance(held, dict) or not all(isinstance(n, int) and n >= 1 for n in held.values()):
            raise SimulatorError(f"{self._path} does not hold counters: give the devices new keys and delete it")
        self._free = held
        self._next = dict(held)

    def take(self, device: str) -> int:
        """A counter that the device has never used. Raises SimulatorError when there is none or it cannot be kept."""
        number = self._next.get(device, 1)
        if number >= self._free.get(device, 1):
            if number > MAX_COUNTER:
                raise SimulatorError(f"device {device} has used up its counters: give it a new key")
            self._free[device] = number + _BLOCK
            self._write()
        self._next[device] = number + 1
        return number

    def _write(self) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        try:
            with beside.open("w") as file:
                json.dump(self._free, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise SimulatorError(f"{self._path} cannot be written: {error.strerror}") from error
