"""Which entries of a lane to read next: stretches of it, oldest first, all of them or without those of some sensors.

A place in a lane is (run, sequence). Every function may raise sqlite3.Error.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.contract.batches import MAX_READINGS_BYTES
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.rows import Row

Place = tuple[int, int]
Skip = Mapping[int, RangeSet]
"""Sequences by run that are passed over."""

START: Final[Place] = (0, 0)
END: Final[Place] = (2**62, 0)
NOTHING: Final[Skip] = {}

_COLUMNS: Final = "lane, run, sequence, time_ms, quality, uncertainty_ms, boot_ms, wall_ms, crc, body"
SELECT_ENTRIES: Final = f"SELECT {_COLUMNS} FROM entry"  # noqa: S608  our own constant
_STRETCH: Final = "WHERE lane = ? AND (run, sequence) > (?, ?) AND (run, sequence) <= (?, ?)"
_LOOKED_THROUGH: Final = 20_000
"""So many sequence numbers are looked through at once for the entries of others: a few milliseconds."""


def oldest(
    db: sqlite3.Connection, lane: Lane, after: Place, until: Place, limit: int, skip: Skip = NOTHING
) -> list[Row]:
    """The oldest entries after a place and up to another (in), all of one run, no more than fit into one message."""
    rows = db.execute(
        f"{SELECT_ENTRIES} {_STRETCH} ORDER BY run, sequence LIMIT ?", (lane, *after, *until, -1 if skip else limit)
    )
    return _one_message(rows, limit, skip)[0]


def oldest_of_others(
    db: sqlite3.Connection, lane: Lane, after: Place, until: Place, limit: int, skip: Skip, than: Sequence[str]
) -> tuple[list[Row], Place]:
    """As `oldest`, without the entries of some sensors; and how far it has looked, `after` when there is nothing more.
    What it takes for an entry of such a sensor may by chance be another's: it is passed over too."""
    begin = db.execute(
        f"SELECT run, sequence FROM entry {_STRETCH} ORDER BY run, sequence LIMIT 1",  # noqa: S608  ours
        (lane, *after, *until),
    ).fetchone()
    if begin is None:
        return [], after
    run, first = begin
    last = first + _LOOKED_THROUGH - 1
    if run == until[0]:
        last = min(last, until[1])
    others = " AND instr(body, ?) = 0" * len(than)
    rows = db.execute(
        f"{SELECT_ENTRIES} WHERE lane = ? AND run = ? AND sequence BETWEEN ? AND ?{others} ORDER BY sequence",
        (lane, run, first, last, *map(msgspec.msgpack.encode, than)),
    )
    made, is_full = _one_message(rows, limit, skip)
    if is_full:
        return made, (run, made[-1].sequence)
    # No further than there are entries: the next ones get the next numbers.
    (looked_to,) = db.execute(
        "SELECT max(sequence) FROM entry WHERE lane = ? AND run = ? AND sequence <= ?", (lane, run, last)
    ).fetchone()
    return made, (run, looked_to)


def last_before(
    db: sqlite3.Connection, lane: Lane, after: Place, *, wall_ms: int, boot_ms: int, this_boot: int
) -> Place | None:
    """Where in a lane, after a place, the last entry is that was received before a time: Unix time, and time since boot
    for those of runs from this_boot on that have no time yet. None when there is none."""
    found = db.execute(
        "SELECT run, sequence FROM entry WHERE lane = ? AND (run, sequence) > (?, ?) AND CASE"
        " WHEN time_ms IS NOT NULL THEN time_ms < ? WHEN run >= ? THEN boot_ms < ? ELSE wall_ms < ? END"
        " ORDER BY run DESC, sequence DESC LIMIT 1",
        (lane, *after, wall_ms, this_boot, boot_ms, wall_ms),
    ).fetchone()
    return None if found is None else (int(found[0]), int(found[1]))


def latest_of_earlier_runs(db: sqlite3.Connection, lane: Lane, run: int, limit: int) -> list[Row]:
    """The last entries of a lane from before a run, oldest first."""
    rows = db.execute(
        f"{SELECT_ENTRIES} WHERE lane = ? AND run < ? ORDER BY run DESC, sequence DESC LIMIT ?", (lane, run, limit)
    ).fetchall()
    return [Row._make(row) for row in reversed(rows)]


def _one_message(rows: sqlite3.Cursor, limit: int, skip: Skip) -> tuple[list[Row], bool]:
    """What of the rows goes into one message, and whether there was more."""
    made: list[Row] = []
    size = 0
    wanted: Iterable[Row] = map(Row._make, rows)
    if skip:
        nothing = RangeSet()
        wanted = (row for row in wanted if row.sequence not in skip.get(row.run, nothing))
    is_full = False
    for row in wanted:
        size += len(row.body)
        if made and (len(made) == limit or row.run != made[0].run or size > MAX_READINGS_BYTES):
            is_full = True
            break
        made.append(row)
    rows.close()
    return made, is_full
