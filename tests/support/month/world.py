"""The time of a simulated machine, made in one process and read in another: a small file that both map."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.simulated_time import SimulatedTime

_LAYOUT: Final = struct.Struct("<qqqqq")
_NO_NTP: Final = -1


class _Shown(NamedTuple):
    """version: even once the rest is whole. boot: which one it is. ntp_error_ms: _NO_NTP while nobody vouches."""

    version: int
    boot: int
    boot_ms: int
    wall_ms: int
    ntp_error_ms: int


class SharedTime:
    """A `MachineTime`: the clocks of a `World`, as another process sees them."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size, access=mmap.ACCESS_READ)

    def boot_id(self) -> str:
        """See `MachineTime`."""
        return f"boot-{self._look().boot}"

    def read(self) -> tuple[int, int]:
        """See `MachineTime`."""
        shown = self._look()
        return shown.boot_ms, shown.wall_ms

    def ntp_error_ms(self) -> int | None:
        """See `MachineTime`."""
        error_ms = self._look().ntp_error_ms
        return None if error_ms == _NO_NTP else error_ms

    def _look(self) -> _Shown:
        while True:
            shown = _Shown._make(_LAYOUT.unpack_from(self._map))
            if shown.version % 2 == 0 and _LAYOUT.unpack_from(self._map) == shown:
                return shown


class World:
    """The truth. Whatever it does to its machine is seen by whoever maps the file. instants: every time at which the
    clocks stood, ascending; the machine's clocks only move between them."""

    def __init__(self, path: Path, start_ms: int, *, wall_ms: int) -> None:
        self.machine = SimulatedTime(start_ms, wall_ms=wall_ms)
        self.boot = 1
        self.instants: list[int] = []
        path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size)
        self._version = 0
        self.show()

    @property
    def true_ms(self) -> int:
        """The true Unix time."""
        return self.machine.true_ms

    def pass_to(self, true_ms: int) -> None:
        """The machine runs until then."""
        self.machine.pass_ms(max(0, true_ms - self.true_ms))
        self.show()

    def reboot(self, until_ms: int, *, wall_ms: int) -> None:
        """The power is gone; at that time the machine has started again."""
        self.boot += 1
        boot_ms = 30_000
        self.machine.reboot(off_ms=until_ms - self.true_ms - boot_ms, wall_ms=wall_ms, boot_ms=boot_ms)
        self.show()

    def show(self) -> None:
        """Let the other process see what was done to the machine."""
        error_ms = self.machine.ntp_error_ms()
        boot_ms, wall_ms = self.machine.read()
        rest = (self.boot, boot_ms, wall_ms, _NO_NTP if error_ms is None else error_ms)
        self._version += 2
        _LAYOUT.pack_into(self._map, 0, self._version - 1, *rest)
        _LAYOUT.pack_into(self._map, 0, self._version, *rest)
        if not self.instants or self.instants[-1] != self.true_ms:
            self.instants.append(self.true_ms)

    def close(self) -> None:
        """Let the file go."""
        self._map.close()
