"""The history's file, in SQLite. Raises sqlite3.Error and HistoryError; what to do about them is `History`'s."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from firmware_bridge.readings import Reading
from gateway.clock.moments import Moment
from gateway.clock.steady import SteadyPoint
from gateway.contract.batches import EPOCH_BYTES
from gateway.contract.entries import TimeQuality
from gateway.errors import GatewayError
from gateway.outbox.outbox import Standing
from gateway.rules.facts import Change, Fact, Incident, Step
from gateway.watch.heard import MARK_BYTES, Heard

APPLICATION_ID: Final = 0x76676873  # "vghs"
_SCHEMA: Final = tuple(file.read_text() for file in sorted(Path(__file__).with_name("schema").glob("*.sql")))
_EVICTED_AT_ONCE: Final = 2000
_KEPT_INCIDENTS: Final = 2000

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Reading).decode
_decode_incident: Final = msgspec.msgpack.Decoder(Incident).decode

Bytes = tuple[int, int, int, bytes]
"""A fact as a row: steady_ms, wall_ms, quality, the reading's bytes."""


class HistoryError(GatewayError):
    """The file is not a history, or of a later version of Vigía."""


def row_of(fact: Fact) -> Bytes:
    """The fact as it is stored."""
    return fact.steady_ms, fact.wall_ms, fact.quality, _encode(fact.reading)


class HistoryFile:
    """One open file. Every write is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise HistoryError("a directory stands in its place")
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            self._db.execute("PRAGMA journal_mode = WAL").fetchall()
            self._db.execute("PRAGMA journal_size_limit = 4194304").fetchall()
            self._db.execute("PRAGMA cache_size = -256")  # KiB: it is appended to, and read by other connections
            _migrate(self._db)
            self._page_bytes = int(self._db.execute("PRAGMA page_size").fetchone()[0])
        except (sqlite3.Error, HistoryError):
            self._db.close()
            raise

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def write(
        self,
        facts: Sequence[Bytes],
        changes: Iterable[Change],
        point: SteadyPoint | None,
        heard: Heard | None = None,
        *,
        sync: bool,
    ) -> None:
        """Add facts, incidents as they stand now, where the steady time stands and what was heard of the outbox. sync:
        on the disk for certain when this returns."""
        self._put(facts, changes, point, heard, sync=sync)

    def write_little(self, changes: Iterable[Change], point: SteadyPoint | None, heard: Heard | None) -> None:
        """As `write`, without facts: these few rows mostly find room where facts do not."""
        self._put((), changes, point, heard, sync=True)

    def _put(
        self,
        facts: Sequence[Bytes],
        changes: Iterable[Change],
        point: SteadyPoint | None,
        heard: Heard | None,
        *,
        sync: bool,
    ) -> None:
        self._db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT INTO fact (steady_ms, wall_ms, quality, body) VALUES (?, ?, ?, ?)", facts)
            self._db.executemany(
                "INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?)",
                [(c.incident.number, c.incident.last_steady_ms, int(c.step), _encode(c.incident)) for c in changes],
            )
            if point is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO steady VALUES (1, ?, ?, ?, ?, ?, ?)",
                    (point.steady_ms, point.boot, *map(int, point.moment)),
                )
            if heard is not None:
                epochs, sequence = heard.standing
                self._db.execute(
                    "INSERT OR REPLACE INTO heard VALUES (1, ?, ?, ?)",
                    (b"".join(epochs), sequence, b"".join(heard.beyond)),
                )
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def used_bytes(self) -> int:
        """Of the file, without its free pages."""
        pages = (
            self._db.execute("PRAGMA page_count").fetchone()[0]
            - self._db.execute("PRAGMA freelist_count").fetchone()[0]
        )
        return int(pages) * self._page_bytes

    def evict(self, before_steady_ms: int, max_bytes: int) -> int:
        """Let go of facts from before that steady time, and of the oldest until no more than max_bytes are used; how
        many of the latter."""
        if (first := _first_since(self._db, before_steady_ms)) is not None:
            self._db.execute("DELETE FROM fact WHERE id < ?", (first,))
        self._db.execute(
            "DELETE FROM incident WHERE number <= (SELECT max(number) FROM incident) - ?", (_KEPT_INCIDENTS,)
        )
        evicted = 0
        while self.used_bytes() > max_bytes:
            gone = self._db.execute(
                "DELETE FROM fact WHERE id IN (SELECT id FROM fact ORDER BY id LIMIT ?)", (_EVICTED_AT_ONCE,)
            ).rowcount
            if not gone:
                break
            evicted += gone
        return evicted

    def steady_point(self) -> SteadyPoint | None:
        """Where the steady time stood, not before any fact; None in a file without any."""
        row = self._db.execute(
            "SELECT steady_ms, boot, boot_ms, wall_ms, quality, uncertainty_ms FROM steady"
        ).fetchone()
        if row is None:
            return None
        steady_ms, boot, boot_ms, wall_ms, quality, uncertainty_ms = row
        try:
            return SteadyPoint(steady_ms, boot, Moment(boot_ms, wall_ms, TimeQuality(quality), uncertainty_ms))
        except ValueError as error:
            raise HistoryError(f"the steady time cannot be read: {error}") from error

    def heard(self) -> Heard | None:
        """What was heard of the outbox; None in a file that does not say, as one of an earlier version of Vigía."""
        row = self._db.execute("SELECT epochs, sequence, beyond FROM heard").fetchone()
        if row is None:
            return None
        epochs, sequence, beyond = row
        return Heard(Standing(_pieces(epochs, EPOCH_BYTES), sequence), _pieces(beyond, MARK_BYTES))

    def incidents(self) -> list[Change]:
        """Those kept, each with its last step, ascending. Raises HistoryError for one that cannot be read."""
        rows = self._db.execute("SELECT step, body FROM incident ORDER BY number").fetchall()
        try:
            return [Change(Step(step), _decode_incident(body)) for step, body in rows]
        except (msgspec.DecodeError, ValueError) as error:
            raise HistoryError(f"an incident cannot be read: {error}") from error


def read_facts(path: Path, *, since_steady_ms: int | None = None, since_wall_ms: int | None = None) -> Iterator[Fact]:
    """The facts of a history, oldest first, of one moment, while a gateway may be writing it. A fact that cannot be
    read is left out. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        first = 0
        if since_steady_ms is not None:
            found = _first_since(db, since_steady_ms)
            if found is None:
                return
            first = found
        for steady_ms, wall_ms, quality, body in db.execute(
            "SELECT steady_ms, wall_ms, quality, body FROM fact WHERE id >= ? AND wall_ms >= ? ORDER BY id",
            (first, since_wall_ms if since_wall_ms is not None else -(2**63)),
        ):
            try:
                yield Fact(steady_ms, wall_ms, quality, _decode(body))
            except msgspec.DecodeError:
                continue


def _pieces(whole: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(whole[at : at + size] for at in range(0, len(whole), size))


def _first_since(db: sqlite3.Connection, steady_ms: int) -> int | None:
    """The id of the first fact at or after that time, by halves, since both ascend; None when there is none."""
    low, high = db.execute("SELECT min(id), max(id) FROM fact").fetchone()
    if low is None:
        return None
    found = None
    while low <= high:
        middle = (low + high) // 2
        row = db.execute("SELECT id, steady_ms FROM fact WHERE id >= ? ORDER BY id LIMIT 1", (middle,)).fetchone()
        if row is None or row[1] >= steady_ms:
            found, high = row[0] if row is not None else found, middle - 1
        else:
            low = row[0] + 1
    return found


def _migrate(db: sqlite3.Connection) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application not in (0, APPLICATION_ID) or (
        application == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    ):
        raise HistoryError(f"it is not a history (application id {application:#x})")
    if version > len(_SCHEMA):
        raise HistoryError(f"written by a later version of Vigía (schema {version}, this knows {len(_SCHEMA)})")
    for number, script in enumerate(_SCHEMA, start=1):
        if number > version:
            db.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {number}; COMMIT;"
            )
