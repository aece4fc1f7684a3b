"""Which entries of each station's epochs the journal holds or held: what tells a new entry from one that came again.

Bounded, so that no station can fill the memory: what is forgotten first is the lowest part of an epoch in too many
pieces and the epochs longest untouched. The price of forgetting is work, not truth: an entry taken for new again is
written again, and a point written again is the same point.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import ContractError

MAX_STATIONS: Final = 10_000
MAX_EPOCHS_OF_A_STATION: Final = 4096
MAX_RANGES_OF_AN_EPOCH: Final = 16_384
MAX_RANGES_OF_A_STATION: Final = 262_144
"""About 20 MB of memory."""


class _Epoch:
    """What is held of one epoch, and when (Unix time) something was last added."""

    __slots__ = ("ranges", "touched_ms")

    def __init__(self, ranges: RangeSet, touched_ms: int) -> None:
        self.ranges = ranges
        self.touched_ms = touched_ms


class Seen:
    """What table `seen` says, in memory. Changed only through a `SeenUpdate`."""

    def __init__(self) -> None:
        self._stations: dict[str, dict[bytes, _Epoch]] = {}

    def load(self, db: sqlite3.Connection) -> None:
        """Read the table. Raises sqlite3.Error, and ContractError for a damaged row."""
        self._stations.clear()
        for station, epoch, ranges, touched_ms in db.execute("SELECT station, epoch, ranges, touched_ms FROM seen"):
            held, _ = RangeSet.decode(ranges, limit=MAX_RANGES_OF_A_STATION)
            self._stations.setdefault(station, {})[epoch] = _Epoch(held, touched_ms)

    def last_touched_ms(self) -> dict[str, int]:
        """When each station last gave something new, Unix time."""
        return {
            station: max(epoch.touched_ms for epoch in epochs.values())
            for station, epochs in self._stations.items()
            if epochs
        }


class SeenUpdate:
    """The changes of one transaction: made here, written with it, and `apply`ed to a Seen once it is on disk.

    forgotten: how many ranges were let go to stay within the bounds.
    """

    def __init__(self, seen: Seen) -> None:
        self._stations = seen._stations  # the same thing before and after a commit
        self._changed: dict[str, dict[bytes, _Epoch]] = {}
        self._new_stations = 0
        self._gone: list[tuple[str, bytes]] = []
        self.forgotten = 0

    def add(self, station: str, epoch: bytes, ranges: RangeSet, at_ms: int) -> tuple[RangeSet, RangeSet]:
        """Add entries; which of them are new, and the whole ranges that hold all of them. Raises
        ContractError(too_many_stations)."""
        changed = self._changed.get(station, {}).get(epoch)
        known = changed or self._stations.get(station, {}).get(epoch) or _Epoch(RangeSet(), at_ms)
        fresh = ranges.minus(known.ranges)
        if not fresh:
            return fresh, known.ranges.covering(ranges)
        if station not in self._stations and station not in self._changed:
            if len(self._stations) + self._new_stations >= MAX_STATIONS:
                raise ContractError("too_many_stations", f"{station!r} would be one more than {MAX_STATIONS}")
            self._new_stations += 1
        if changed is None:
            changed = _Epoch(RangeSet(known.ranges), at_ms)
            self._changed.setdefault(station, {})[epoch] = changed
        changed.ranges.update(fresh)
        changed.touched_ms = at_ms
        covering = changed.ranges.covering(ranges)
        surplus = changed.ranges.count_ranges() - MAX_RANGES_OF_AN_EPOCH
        if surplus > 0:
            surplus += MAX_RANGES_OF_AN_EPOCH // 4  # so that it is not done again at once
            changed.ranges = RangeSet(list(changed.ranges)[surplus:])
            self.forgotten += surplus
        return fresh, covering

    def write(self, db: sqlite3.Connection) -> None:
        """Within a transaction, once all is added. Raises sqlite3.Error."""
        for station in self._changed:
            self._forget_oldest(station)
        db.executemany(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)",
            [
                (station, epoch, held.ranges.encode(), held.touched_ms)
                for station, epochs in self._changed.items()
                for epoch, held in epochs.items()
            ],
        )
        db.executemany("DELETE FROM seen WHERE station = ? AND epoch = ?", self._gone)

    def apply(self) -> None:
        """The transaction is on disk."""
        for station, epochs in self._changed.items():
            self._stations.setdefault(station, {}).update(epochs)
        for station, epoch in self._gone:
            self._stations[station].pop(epoch, None)

    def _forget_oldest(self, station: str) -> None:
        held = self._stations.get(station, {}) | self._changed[station]
        ranges = sum(epoch.ranges.count_ranges() for epoch in held.values())
        if len(held) <= MAX_EPOCHS_OF_A_STATION and ranges <= MAX_RANGES_OF_A_STATION:
            return
        left = len(held)
        for epoch in sorted(held, key=lambda epoch: held[epoch].touched_ms):
            if left <= MAX_EPOCHS_OF_A_STATION and ranges <= MAX_RANGES_OF_A_STATION:
                return
            left -= 1
            ranges -= held[epoch].ranges.count_ranges()
            self.forgotten += held[epoch].ranges.count_ranges()
            self._gone.append((station, epoch))
            self._changed[station].pop(epoch, None)
