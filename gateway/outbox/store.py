"""The outbox's SQLite file: opening, checking, setting aside, and the statements. One thread at a time."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from gateway.contract.batches import EPOCH_BYTES
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane

APPLICATION_ID: Final = 0x56694F42  # "ViOB", at byte 68 of the file
ENTRY_OVERHEAD_BYTES: Final = 64
"""What an entry is reckoned to take beside its body."""

_ALWAYS_CHECKED_BYTES: Final = 16 * 1024 * 1024
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Row(NamedTuple):
    """An entry as it is stored, in the order of the table's columns."""

    lane: int
    run: int
    sequence: int
    time_ms: int | None
    quality: int
    uncertainty_ms: int
    boot_ms: int | None
    wall_ms: int | None
    crc: int
    body: bytes


class Run(NamedTuple):
    """One opening of the outbox: its epoch, and the boot of the machine that it happened in."""

    id: int
    epoch: bytes
    boot: str


class DamagedError(Exception):
    """The file is not, or no longer, a sound outbox."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is broken (and not that the disk is full or away)."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _DAMAGE


class Store:
    """One open outbox file (or memory, for a path of None). Every method may raise sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None, run: Run) -> None:
        self.path = path
        self.run = run
        self._db = connection
        self.runs = {row[0]: Run(*row) for row in connection.execute("SELECT id, epoch, boot FROM run")}

    @classmethod
    def open(cls, path: Path | None, boot: str) -> Store:
        """Open or make the file and begin an epoch. Raises DamagedError, or sqlite3.Error when the disk is at fault."""
        fresh = path is None or not path.exists()
        db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            if not fresh:
                _check(db, path)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA wal_autocheckpoint=256")
            db.execute("PRAGMA cache_size=-2048")
            _migrate(db)
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE closing SET clean = 0")
            # A run with nothing left to send is history.
            db.execute("DELETE FROM run WHERE id NOT IN (SELECT run FROM entry)")
            epoch = secrets.token_bytes(EPOCH_BYTES)
            cursor = db.execute(
                "INSERT INTO run (epoch, boot, opened_ms) VALUES (?, ?, ?)", (epoch, boot, time.time_ns() // 1_000_000)
            )
            db.execute("COMMIT")
            return cls(db, path, Run(int(cursor.lastrowid or 0), epoch, boot))
        except sqlite3.Error as error:
            db.close()
            if is_damage(error) or (not fresh and _is_misshapen(error)):
                raise DamagedError(str(error)) from error
            raise
        except DamagedError:
            db.close()
            raise

    def close(self, *, clean: bool) -> None:
        """Close the file; a clean close spares the next opening a full check."""
        if clean:
            self._db.execute("UPDATE closing SET clean = 1")
        self._db.close()

    def write(
        self,
        rows: Sequence[Row],
        replay: Mapping[str, tuple[int, int]],
        tallies: Mapping[tuple[str, str], int],
    ) -> None:
        """All of it in one transaction, on disk when this returns; nothing of it when it raises."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            if replay:
                db.executemany(
                    "INSERT INTO replay VALUES (?, ?, ?) ON CONFLICT (device) DO UPDATE SET"
                    " highest = excluded.highest, bitmap = excluded.bitmap",
                    [(device, highest, bitmap.to_bytes(8, "big")) for device, (highest, bitmap) in replay.items()],
                )
            if tallies:
                db.executemany(
                    "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total",
                    [(place, name, count) for (place, name), count in tallies.items()],
                )
            db.execute("COMMIT")
        except sqlite3.Error:
            self._rollback()
            raise

    def first(self, lane: Lane, after: tuple[int, int], limit: int) -> list[Row]:
        """The oldest entries of a lane after (run, sequence), all of one run."""
        rows = self._db.execute(
            "SELECT * FROM entry WHERE lane = ? AND (run, sequence) > (?, ?) ORDER BY run, sequence LIMIT ?",
            (lane, *after, limit),
        )
        made: list[Row] = []
        for row in map(Row._make, rows):
            if made and row.run != made[0].run:
                break
            made.append(row)
        return made

    def these(self, lane: Lane, run: int, ranges: RangeSet) -> list[Row]:
        """Those of some entries of a lane and run that are still there, ascending."""
        made: list[Row] = []
        for first, last in ranges:
            made += map(
                Row._make,
                self._db.execute(
                    "SELECT * FROM entry WHERE lane = ? AND run = ? AND sequence BETWEEN ? AND ? ORDER BY sequence",
                    (lane, run, first, last),
                ),
            )
        return made

    def freeze(self, rows: Iterable[Row]) -> None:
        """Store the time of rows whose time_ms is set; on disk when this returns."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(
                "UPDATE entry SET time_ms = ?, quality = ?, uncertainty_ms = ?, boot_ms = NULL, wall_ms = NULL"
                " WHERE lane = ? AND run = ? AND sequence = ?",
                [(r.time_ms, r.quality, r.uncertainty_ms, r.lane, r.run, r.sequence) for r in rows],
            )
            db.execute("COMMIT")
        except sqlite3.Error:
            self._rollback()
            raise

    def delete(self, run: int, ranges: RangeSet, tally: tuple[str, str] | None = None) -> tuple[int, int]:
        """Forget entries of a run in every lane; how many, and their reckoned bytes. The number adds to a tally."""
        db = self._db
        count = size = 0
        db.execute("BEGIN IMMEDIATE")
        try:
            for first, last in ranges:
                for lane in Lane:
                    key = (lane, run, first, last)
                    where = "FROM entry WHERE lane = ? AND run = ? AND sequence BETWEEN ? AND ?"
                    found = db.execute(f"SELECT count(*), total(length(body)) {where}", key).fetchone()
                    if found[0]:
                        db.execute(f"DELETE {where}", key)
                        count += found[0]
                        size += int(found[1]) + ENTRY_OVERHEAD_BYTES * found[0]
            if tally and count:
                db.execute(
                    "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total",
                    (*tally, count),
                )
            db.execute("COMMIT")
        except sqlite3.Error:
            self._rollback()
            raise
        return count, size

    def evict(self, bytes_over: int) -> dict[Lane, int]:
        """Delete the oldest of the lowest lanes until that many bytes are freed; how many of each lane, tallied."""
        evicted: dict[Lane, int] = {}
        doomed: list[tuple[int, int, int]] = []
        for lane in reversed(Lane):
            rows = self._db.execute(
                "SELECT run, sequence, length(body) FROM entry WHERE lane = ? ORDER BY run, sequence", (lane,)
            )
            for run, sequence, length in rows:
                if bytes_over <= 0:
                    break
                doomed.append((lane, run, sequence))
                bytes_over -= length + ENTRY_OVERHEAD_BYTES
                evicted[lane] = evicted.get(lane, 0) + 1
            rows.close()
            if bytes_over <= 0:
                break
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany("DELETE FROM entry WHERE lane = ? AND run = ? AND sequence = ?", doomed)
            db.executemany(
                "INSERT INTO tally VALUES ('outbox', ?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total",
                [(f"evicted_{lane.slug}", count) for lane, count in evicted.items()],
            )
            db.execute("COMMIT")
        except sqlite3.Error:
            self._rollback()
            raise
        return evicted

    def waiting(self) -> dict[Lane, tuple[int, int]]:
        """Entries and reckoned bytes of each lane."""
        rows = self._db.execute("SELECT lane, count(*), total(length(body)) FROM entry GROUP BY lane")
        return {Lane(lane): (count, int(size) + ENTRY_OVERHEAD_BYTES * count) for lane, count, size in rows}

    def tallies(self) -> dict[tuple[str, str], int]:
        """Every counter by (place, name)."""
        return {(place, name): total for place, name, total in self._db.execute("SELECT * FROM tally")}

    def replay(self) -> dict[str, tuple[int, int]]:
        """Each device's replay guard: (highest counter, bitmap of the window)."""
        rows = self._db.execute("SELECT device, highest, bitmap FROM replay")
        return {device: (highest, int.from_bytes(bitmap, "big")) for device, highest, bitmap in rows}

    def adopt(self, rows: Iterable[Row], runs: Mapping[int, Run], tallies: Mapping[tuple[str, str], int]) -> int:
        """Take entries of another outbox under their own epochs; how many."""
        new_id: dict[int, int] = {}
        known = {run.epoch: run.id for run in self.runs.values()} | {self.run.epoch: self.run.id}
        taken: list[Row] = []
        for row in rows:
            run = runs.get(row.run)
            if run is None:
                continue
            if row.run not in new_id:
                if run.epoch not in known:
                    cursor = self._db.execute(
                        "INSERT INTO run (epoch, boot, opened_ms) VALUES (?, ?, ?)", (run.epoch, run.boot, 0)
                    )
                    known[run.epoch] = int(cursor.lastrowid or 0)
                    self.runs[known[run.epoch]] = Run(known[run.epoch], run.epoch, run.boot)
                new_id[row.run] = known[run.epoch]
            taken.append(row._replace(run=new_id[row.run]))
        self.write(taken, {}, tallies)
        return len(taken)

    def every_row(self) -> Iterator[Row]:
        """All entries, lane by lane, oldest first."""
        return map(Row._make, self._db.execute("SELECT * FROM entry ORDER BY lane, run, sequence"))

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _check(db: sqlite3.Connection, path: Path | None) -> None:
    """Raises DamagedError when an existing file is not a sound outbox. A large one that was closed well is believed:
    damage in it shows when it is read, and is dealt with then."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise DamagedError(f"not an outbox (application id {application:#x})")
    closing = db.execute("SELECT clean FROM closing").fetchone()
    if closing is None:
        raise DamagedError("the closing mark is missing")
    if not closing[0] or path is None or path.stat().st_size <= _ALWAYS_CHECKED_BYTES:
        result = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if result != "ok":
            raise DamagedError(str(result).splitlines()[0])


def _is_misshapen(error: sqlite3.Error) -> bool:
    """An existing file without our tables, or with rows that break its own rules, is damage too."""
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    return code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}


def _migrate(db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    scripts = sorted(s.name for s in resources.files("gateway.outbox").joinpath("schema").iterdir())
    for number, name in enumerate(scripts, start=1):
        if number > version:
            script = resources.files("gateway.outbox").joinpath("schema", name).read_text()
            db.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {number}; COMMIT;"
            )
    if version > len(scripts):
        raise DamagedError(f"written by a later version of Vigía (schema {version}, this knows {len(scripts)})")
