"""Counters of what is said to devices: never used twice with a key, whatever kills whom; reserved on disk ahead.

A device accepts only counters above the highest that it has heard; it tells that one to a sender that is behind. A
device that the file does not have begins at random: a post that lost its card must not use again what it used before,
and a jump ahead costs nothing of four thousand million. One file a post: let all that speak to its devices share it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Final

from firmware_bridge.framing.device_frames import MAX_COUNTER
from firmware_bridge.update.errors import UpdateError

_BLOCK: Final = 256
_FURTHEST_START: Final = 1 << 30
_FURTHEST_JUMP: Final = 1 << 16


class DownlinkCounters:
    """A JSON file: device id to the first counter that nobody has reserved. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chance = SystemRandom()
        self._next: dict[str, int] = {}
        self._limit: dict[str, int] = {}

    def take(self, device: str) -> int:
        """A counter that was never used. Raises UpdateError counters when there is none or it cannot be kept."""
        number = self._next.get(device, 0)
        if number >= self._limit.get(device, 0):
            number = self._reserve(device, 0)
        self._next[device] = number + 1
        return number

    def pass_by(self, device: str, highest: int) -> None:
        """The device has heard so high a counter: go on above it. Raises UpdateError counters."""
        if self._next.get(device, 0) <= highest:
            self._next[device] = self._reserve(device, highest + 1 + self._chance.randrange(_FURTHEST_JUMP))

    def _reserve(self, device: str, lowest: int) -> int:
        try:
            with self._locked():
                free = self._read()
                first = max(free[device] if device in free else 1 + self._chance.randrange(_FURTHEST_START), lowest)
                if first > MAX_COUNTER:
                    raise UpdateError("counters", f"device {device} has used up its counters: give it a new key")
                free[device] = self._limit[device] = min(first + _BLOCK, MAX_COUNTER + 1)
                self._write(free)
        except OSError as error:
            raise UpdateError("counters", f"{self._path} cannot be kept: {error.strerror}") from error
        return first

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_name(self._path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, int]:
        try:
            held = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            held = None
        if not isinstance(held, dict) or not all(type(n) is int and 1 <= n <= MAX_COUNTER + 1 for n in held.values()):
            raise UpdateError(
                "counters", f"{self._path} does not hold counters; delete it, and a new one begins at random"
            )
        return held

    def _write(self, free: dict[str, int]) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        with beside.open("w") as file:
            json.dump(free, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
