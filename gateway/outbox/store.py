"""The outbox's SQLite file: opening, checking, and the statements. One thread at a time."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import resources
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Final

from gateway.clock.boots import Boot
from gateway.contract.batches import EPOCH_BYTES
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.company import check_before_sqlite_does, remove_with_company
from gateway.outbox.disk_errors import DamagedError, is_damage
from gateway.outbox.rows import ENTRY_OVERHEAD_BYTES, Held, Row, Run, boot_of, boot_row, sealed
from gateway.outbox.stretches import (
    END,
    NOTHING,
    SELECT_ENTRIES,
    Place,
    Skip,
    last_before,
    latest_of_earlier_runs,
    oldest,
    oldest_of_others,
)

APPLICATION_ID: Final = 0x56694F42  # "ViOB", at byte 68 of the file
_ALWAYS_CHECKED_BYTES: Final = 16 * 1024 * 1024
_ADOPTED_AT_ONCE: Final = 5000
_LANES: Final = ", ".join(str(int(lane)) for lane in Lane)  # named, for the sake of the index
_DELETE_EMPTY_RUNS: Final = (
    f"DELETE FROM run WHERE NOT EXISTS (SELECT 1 FROM entry WHERE lane IN ({_LANES}) AND run = run.id)"  # noqa: S608  ours
)
_ADD_TALLY: Final = "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET total = total + excluded.total"
_ADD_ENTRY: Final = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_KEEP_BOOT: Final = "INSERT OR REPLACE INTO boot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ONE_MORE: Final = ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ROWS_A_STATEMENT: Final = 64
_ADOPT_ENTRY: Final = _ADD_ENTRY.replace("INSERT", "INSERT OR IGNORE")
# A guard never goes back, whatever is carried over from where.
_ADD_REPLAY: Final = (
    "INSERT INTO replay VALUES (?, ?, ?) ON CONFLICT (device) DO UPDATE SET highest = excluded.highest,"
    " bitmap = excluded.bitmap WHERE excluded.highest >= highest"
)
# Read now: an outbox in memory is needed most when nothing can be read any more.
_SCHEMA: Final = [
    script.read_text()
    for script in sorted(resources.files("gateway.outbox").joinpath("schema").iterdir(), key=lambda item: item.name)
]

Tallies = Mapping[tuple[str, str], int]
"""Counts by (place, reason)."""
ReplayStates = Mapping[str, tuple[int, int]]
"""Device to its guard: (highest counter, bitmap of the window)."""


class Store:
    """One open outbox file (or memory, for a path of None). Every method may raise sqlite3.Error.

    runs: every epoch that has entries, and the one begun. held: what waits in each lane.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None, runs: dict[int, Run]) -> None:
        self.path = path
        self.runs = runs
        self.run = Run(0, b"", "")
        self.held: dict[Lane, Held] = {}
        self._db = connection

    @classmethod
    def open(cls, path: Path | None) -> Store:
        """Open or make the file. Raises DamagedError, or sqlite3.Error or OSError when the disk is at fault."""
        fresh = path is None or not path.exists()
        if path is not None:
            check_before_sqlite_does(path, fresh)
        db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=2.0)
        db.text_factory = lambda raw: raw.decode(errors="replace")  # a rotten name must not stop a whole answer
        try:
            if not fresh:
                _check(db, path)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA wal_autocheckpoint=256")
            db.execute("PRAGMA cache_size=-2048")
            _migrate(db)
            db.execute("UPDATE closing SET clean = 0")
            runs = {row[0]: Run(*row) for row in db.execute("SELECT id, epoch, boot FROM run")}
            store = cls(db, path, runs)
            store._count()
        except sqlite3.Error as error:
            db.close()
            if is_damage(error) or (not fresh and _is_misshapen(error)):
                raise DamagedError(str(error)) from error
            if fresh and path is not None:
                remove_with_company(path)  # half made: nothing was in it
            raise
        except DamagedError:
            db.close()
            raise
        return store

    def begin(self, boot: str) -> None:
        """Begin an epoch: later than all that were adopted, so that the oldest stays the oldest."""
        epoch = secrets.token_bytes(EPOCH_BYTES)
        with self._transaction() as db:
            # A run with nothing left to send is history.
            db.execute(_DELETE_EMPTY_RUNS)
            number = db.execute(
                "INSERT INTO run (epoch, boot, opened_ms) VALUES (?, ?, ?)", (epoch, boot, time.time_ns() // 1_000_000)
            ).lastrowid
        self.run = Run(int(number or 0), epoch, boot)
        self.runs[self.run.id] = self.run

    def close(self, *, clean: bool) -> None:
        """Close the file; a clean close spares the next opening a full check."""
        try:
            if clean:
                self._db.execute("UPDATE closing SET clean = 1")
        finally:
            self._db.close()

    @property
    def held_bytes(self) -> int:
        """What is stored, as reckoned."""
        return sum(held.bytes for held in self.held.values())

    def write(self, rows: Sequence[Row], replay: ReplayStates, tallies: Tallies, boots: Sequence[Boot] = ()) -> None:
        """All of it in one transaction, on disk when this returns; nothing of it when it raises."""
        with self._transaction() as db:
            for some, statement in _many_a_statement(rows):
                db.execute(statement, some)
            _add_state(db, replay, tallies)
            db.executemany(_KEEP_BOOT, map(boot_row, boots))
        for lane, count in Counter(row.lane for row in rows).items():
            size = sum(len(row.body) for row in rows if row.lane == lane)
            self._holds(lane, count, size + ENTRY_OVERHEAD_BYTES * count)

    def first(self, lane: Lane, after: Place, limit: int, *, until: Place = END, skip: Skip = NOTHING) -> list[Row]:
        """The oldest entries of a lane after a place, up to another, all of one run, no more than fit into one message;
        without those of skip."""
        return oldest(self._db, lane, after, until, limit, skip)

    def first_of_others(
        self, lane: Lane, after: Place, limit: int, *, than: Sequence[str], until: Place, skip: Skip
    ) -> tuple[list[Row], Place]:
        """As `first`, without the entries of some sensors; and how far it has looked: not always to the end."""
        return oldest_of_others(self._db, lane, after, until, limit, skip, than)

    def last_before(self, lane: Lane, after: Place, *, wall_ms: int, boot_ms: int) -> Place | None:
        """Where the last entry after a place is that was received before a time, in this boot's or in Unix time."""
        this_boot = min(run.id for run in self.runs.values() if run.boot == self.run.boot)
        return last_before(self._db, lane, after, wall_ms=wall_ms, boot_ms=boot_ms, this_boot=this_boot)

    def latest_from_before(self, lane: Lane, limit: int) -> list[Row]:
        """The last entries of a lane from before the run begun, oldest first."""
        return latest_of_earlier_runs(self._db, lane, self.run.id, limit)

    def these(self, lane: Lane, run: int, ranges: RangeSet) -> list[Row]:
        """Those of some entries of a lane and run that are still there, ascending."""
        made: list[Row] = []
        for first, last in ranges:
            made += map(
                Row._make,
                self._db.execute(
                    f"{SELECT_ENTRIES} WHERE lane = ? AND run = ? AND sequence BETWEEN ? AND ? ORDER BY sequence",
                    (lane, run, first, last),
                ),
            )
        return made

    def freeze(self, rows: Iterable[Row]) -> None:
        """Store the time of rows whose time_ms is set; on disk when this returns."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE entry SET time_ms = ?, quality = ?, uncertainty_ms = ?, boot_ms = NULL, wall_ms = NULL, crc = ?"
                " WHERE lane = ? AND run = ? AND sequence = ?",
                [(r.time_ms, r.quality, r.uncertainty_ms, r.crc, r.lane, r.run, r.sequence) for r in rows],
            )

    def delete(self, run: int, ranges: RangeSet, tally: tuple[str, str]) -> int:
        """Forget entries of a run in every lane; how many. The number adds to a tally. On disk with the next commit at
        the latest: entries that a power cut brings back are sent again, and headquarters knows them."""
        gone: list[tuple[Lane, int, int]] = []
        self._db.execute("PRAGMA synchronous=NORMAL")
        try:
            with self._transaction() as db:
                for first, last in ranges:
                    for lane in [lane for lane, held in self.held.items() if held.entries]:
                        where = "FROM entry WHERE lane = ? AND run = ? AND sequence BETWEEN ? AND ?"
                        key = (lane, run, first, last)
                        count, size = db.execute(f"SELECT count(*), total(length(body)) {where}", key).fetchone()
                        if count:
                            db.execute(f"DELETE {where}", key)
                            gone.append((lane, count, int(size) + ENTRY_OVERHEAD_BYTES * count))
                deleted = sum(count for _, count, _ in gone)
                if deleted:
                    db.execute(_ADD_TALLY, (*tally, deleted))
        finally:
            self._db.execute("PRAGMA synchronous=FULL")
        for lane, count, size in gone:
            self._holds(lane, -count, -size)
        return deleted

    def discard(self, rows: Sequence[Row], tally: tuple[str, str]) -> None:
        """Delete rows as they were read, sound or not. Raises DamagedError when one cannot be found again."""
        with self._transaction() as db:
            cursor = db.executemany(
                "DELETE FROM entry WHERE lane = ? AND run = ? AND sequence = ?",
                [(row.lane, row.run, row.sequence) for row in rows],
            )
            if cursor.rowcount != len(rows):
                raise DamagedError("an entry is not where the file says it is")
            db.execute(_ADD_TALLY, (*tally, len(rows)))
        self._count()

    def evict(self, needs: Mapping[Lane, int]) -> dict[Lane, int]:
        """Delete the oldest of the lowest lanes; how many of each, tallied. needs: how many bytes must be free, in all
        lanes from the lowest up to this one, before the next more urgent lane is spared."""
        evicted: dict[Lane, int] = {}
        sizes: dict[Lane, int] = {}
        doomed: list[tuple[int, int, int]] = []
        freed = 0
        for lane in reversed(Lane):
            rows = self._db.execute(
                "SELECT run, sequence, length(body) FROM entry WHERE lane = ? ORDER BY run, sequence", (lane,)
            )
            while freed < needs.get(lane, 0) and (row := rows.fetchone()) is not None:
                run, sequence, length = row
                doomed.append((lane, run, sequence))
                size = length + ENTRY_OVERHEAD_BYTES
                freed += size
                sizes[lane] = sizes.get(lane, 0) + size
                evicted[lane] = evicted.get(lane, 0) + 1
            rows.close()
        if doomed:
            with self._transaction() as db:
                db.executemany("DELETE FROM entry WHERE lane = ? AND run = ? AND sequence = ?", doomed)
                _add_state(db, {}, {("outbox", f"evicted_{lane.slug}"): count for lane, count in evicted.items()})
        for lane, count in evicted.items():
            self._holds(lane, -count, -sizes[lane])
        return evicted

    def checkpoint(self) -> None:
        """Move what the log holds to its place in the file, as far as there is room, so that the log begins again."""
        self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    def free_bytes(self) -> int:
        """Room inside the file, in pages that deletions left."""
        pages = self._db.execute("PRAGMA freelist_count").fetchone()[0]
        return int(pages) * int(self._db.execute("PRAGMA page_size").fetchone()[0])

    def tallies(self) -> dict[tuple[str, str], int]:
        """Every counter by (place, name)."""
        return {(place, name): total for place, name, total in self._db.execute("SELECT * FROM tally")}

    def replay(self) -> dict[str, tuple[int, int]]:
        """Each device's replay guard: (highest counter, bitmap of the window)."""
        rows = self._db.execute("SELECT device, highest, bitmap FROM replay")
        return {device: (highest, int.from_bytes(bitmap, "big")) for device, highest, bitmap in rows}

    def boots(self) -> list[Boot]:
        """The boots of the machine that are kept, oldest first; without those whose bytes have rotted."""
        rows = self._db.execute("SELECT * FROM boot ORDER BY number")
        return [boot for boot in map(boot_of, rows) if boot is not None]

    def keep_boots(self, boots: Iterable[Boot]) -> None:
        """Keep these boots and no others."""
        with self._transaction() as db:
            db.execute("DELETE FROM boot")
            db.executemany(_KEEP_BOOT, map(boot_row, boots))

    def adopt(self, rows: Iterable[Row], runs: Mapping[int, Run], replay: ReplayStates, tallies: Tallies) -> int:
        """Take sound entries of another outbox under their own epochs; how many. What is here already stays as it is,
        so that an adoption that broke off may be repeated; the tallies come last and add up only once."""
        new_id: dict[int, int] = {}
        known = {run.epoch: run.id for run in self.runs.values()}
        with self._transaction() as db:
            for run in sorted(runs.values()):
                if run.epoch not in known:
                    add = "INSERT INTO run (epoch, boot, opened_ms) VALUES (?, ?, 0)"
                    known[run.epoch] = int(db.execute(add, run[1:]).lastrowid or 0)
                new_id[run.id] = known[run.epoch]
            _add_state(db, replay, {})
        self.runs |= {new_id[run.id]: run._replace(id=new_id[run.id]) for run in runs.values()}
        wanted = (sealed(row._replace(run=new_id[row.run])) for row in rows if row.run in new_id)
        adopted = 0
        try:
            while chunk := list(islice(wanted, _ADOPTED_AT_ONCE)):
                with self._transaction() as db:
                    adopted += db.executemany(_ADOPT_ENTRY, chunk).rowcount
            with self._transaction() as db:
                _add_state(db, {}, tallies)
        finally:
            self._count()
        return adopted

    def first_page(self) -> bytes:
        """The page that says where all else is, as it would be on disk."""
        size = self._db.execute("PRAGMA page_size").fetchone()[0]
        return bytes(memoryview(self._db.serialize())[:size])

    def every_row(self) -> Iterator[Row]:
        """All entries, lane by lane, oldest first."""
        return map(Row._make, self._db.execute(f"{SELECT_ENTRIES} ORDER BY lane, run, sequence"))

    def _count(self) -> None:
        """Raises DamagedError when the lanes do not follow each other, each once: a search would end at the stranger
        and hide all that lies behind it, and what is yet to come (PRAGMA quick_check does not look at that)."""
        rows = self._db.execute("SELECT lane, count(*), total(length(body)) FROM entry GROUP BY lane").fetchall()
        lanes = [lane for lane, _, _ in rows]
        if any(a >= b for a, b in pairwise(lanes)) or not set(lanes) <= {int(lane) for lane in Lane}:
            raise DamagedError("an entry is in a lane where it cannot be")
        self.held = {Lane(lane): Held(count, int(size) + ENTRY_OVERHEAD_BYTES * count) for lane, count, size in rows}

    def _holds(self, lane: int, entries: int, size: int) -> None:
        held = self.held.get(Lane(lane), Held())
        self.held[Lane(lane)] = Held(held.entries + entries, held.bytes + size)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except (sqlite3.Error, DamagedError):
            if self._db.in_transaction:
                with suppress(sqlite3.Error):  # the first error is the one that counts
                    self._db.execute("ROLLBACK")
            raise


def _many_a_statement(rows: Sequence[Row]) -> Iterator[tuple[list[object], str]]:
    """The values of some rows, and the statement that inserts so many. sqlite3 lets go of the interpreter at every
    statement: row by row, an insert waits each time for whichever source is decoding."""
    for at in range(0, len(rows), _ROWS_A_STATEMENT):
        some = rows[at : at + _ROWS_A_STATEMENT]
        yield list(chain.from_iterable(some)), _ADD_ENTRY + _ONE_MORE * (len(some) - 1)


def _add_state(db: sqlite3.Connection, replay: ReplayStates, tallies: Tallies) -> None:
    db.executemany(
        _ADD_REPLAY, [(device, highest, bitmap.to_bytes(8, "big")) for device, (highest, bitmap) in replay.items()]
    )
    db.executemany(_ADD_TALLY, [(place, name, count) for (place, name), count in tallies.items()])


def _check(db: sqlite3.Connection, path: Path | None) -> None:
    """Raises DamagedError when an existing file is not a sound outbox. A large one that was closed well is believed:
    damage in it shows when it is read, and is dealt with then."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0 and _is_one_page(db):
        return  # the making of it broke off
    if application != APPLICATION_ID:
        raise DamagedError(f"not an outbox (application id {application:#x})")
    closing = db.execute("SELECT clean FROM closing").fetchone()
    if closing is None:
        raise DamagedError("the closing mark is missing")
    if not closing[0] or path is None or path.stat().st_size <= _ALWAYS_CHECKED_BYTES:
        result = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if result != "ok":
            raise DamagedError(str(result).splitlines()[-1])


def _is_one_page(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA page_count").fetchone()[0] == 1)


def _is_misshapen(error: sqlite3.Error) -> bool:
    """An existing file without our tables, or with rows that break its own rules, is damage too."""
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    return code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}


def _migrate(db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_SCHEMA):
        raise DamagedError(f"written by a later version of Vigía (schema {version}, this knows {len(_SCHEMA)})")
    for number, script in enumerate(_SCHEMA, start=1):
        if number > version:
            db.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {number}; COMMIT;"
            )
    if version < len(_SCHEMA):
        # Out of the log at once: a file that lost its log then still says what it is.
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
