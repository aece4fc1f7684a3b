"""What becomes of a damaged outbox file: it is set aside, never deleted, and what can still be read is carried over."""

from __future__ import annotations

import logging
import sqlite3
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.contract.topics import Lane
from gateway.outbox.store import Row, Run

log = logging.getLogger(__name__)

_SET_ASIDE_KEPT: Final = 3


def set_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; keep only the last few such. Returns the new path."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    number = 0
    while (aside := path.with_name(f"{path.name}.damaged-{stamp}-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    kept = sorted(p for p in path.parent.glob(f"{path.name}.damaged-*") if not p.name.endswith(("-wal", "-shm")))
    for old in kept[:-_SET_ASIDE_KEPT]:
        for suffix in ("", "-wal", "-shm"):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return aside


class Salvage(NamedTuple):
    """What could still be read of a damaged file."""

    rows: list[Row]
    runs: dict[int, Run]
    replay: dict[str, tuple[int, int]]
    tallies: dict[tuple[str, str], int]


def salvage(path: Path, limit: int) -> Salvage:
    """Read what can be read of a damaged file, at most `limit` entries; never raises for its content."""
    found = Salvage([], {}, {}, {})
    try:
        db = sqlite3.connect(path, isolation_level=None)
    except sqlite3.Error:
        return found
    try:
        for run in _readable(db, "SELECT id, epoch, boot FROM run"):
            number, epoch, boot = run
            if isinstance(number, int) and isinstance(epoch, bytes) and isinstance(boot, str):
                found.runs[number] = Run(number, epoch, boot)
        for device, highest, bitmap in _readable(db, "SELECT device, highest, bitmap FROM replay"):
            if isinstance(device, str) and isinstance(highest, int) and isinstance(bitmap, bytes):
                found.replay[device] = (highest, int.from_bytes(bitmap[:8], "big"))
        for place, name, total in _readable(db, "SELECT place, name, total FROM tally"):
            if isinstance(place, str) and isinstance(name, str) and isinstance(total, int):
                found.tallies[(place, name)] = total
        for lane in Lane:  # a damaged page ends one lane's reading, not the others'
            for raw in _readable(db, f"SELECT * FROM entry WHERE lane = {int(lane)} ORDER BY run, sequence"):  # noqa: S608 ours
                row = Row._make(raw)
                if len(found.rows) >= limit:
                    return found
                if _is_sound(row):
                    found.rows.append(row)
    finally:
        db.close()
    return found


def _readable(db: sqlite3.Connection, statement: str) -> Iterator[tuple[object, ...]]:
    try:
        yield from db.execute(statement)
    except sqlite3.Error as error:
        log.debug("salvage stops: %s (%s)", error, statement)


def _is_sound(row: Row) -> bool:
    whole = all(isinstance(n, int) for n in (row.run, row.sequence, row.quality, row.uncertainty_ms, row.crc))
    timed = isinstance(row.time_ms, int) or (isinstance(row.boot_ms, int) and isinstance(row.wall_ms, int))
    return whole and timed and isinstance(row.body, bytes) and zlib.crc32(row.body) == row.crc
