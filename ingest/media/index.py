"""The index of the posts' pictures: a SQLite file, on disk at every commit. The one module of this package that knows
sqlite3. Every method may be called from any thread."""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import ContractError
from ingest.errors import RetryLater
from ingest.journal.database import transaction
from ingest.media.rows import FileRow, FileState

APPLICATION_ID: Final = 0x56694D48  # "ViMH"
_FORGOTTEN_AT_ONCE: Final = 100
_COLUMNS: Final = ", ".join(FileRow.__struct_fields__)
_SELECT: Final = f"SELECT {_COLUMNS} FROM file"  # noqa: S608  our own names
_SET: Final = ", ".join(f"{name} = ?" for name in FileRow.__struct_fields__[1:])
_UPDATE: Final = f"UPDATE file SET {_SET} WHERE id = ?"  # noqa: S608  our own names
_INSERT: Final = (
    f"INSERT INTO file ({', '.join(FileRow.__struct_fields__[1:])})"  # noqa: S608  our own names
    f" VALUES ({', '.join('?' * (len(FileRow.__struct_fields__) - 1))})"
)

_COUNT_ANNOUNCED: Final = "SELECT count(*) FROM file WHERE station = ? AND state IN (0, 4)"
_OLDEST_ANNOUNCED: Final = "SELECT id FROM file WHERE station = ? AND state IN (0, 4) ORDER BY id LIMIT ?"


class MediaIndexError(RetryLater):
    """The index cannot be used; the message says why and what to do."""


class Usage(NamedTuple):
    """Files of one post that have come in part: how many, and the room that they take when they are whole."""

    files: int
    bytes: int


class Filter(NamedTuple):
    """What of the files is wanted; None for any. start_ms, stop_ms: from, and before."""

    station: str | None = None
    sensor: str | None = None
    label: str | None = None
    state: FileState | None = None
    start_ms: int | None = None
    stop_ms: int | None = None


class MediaIndex:
    """Files by (station, sha256). No I/O before `open`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._held: IO[str] | None = None

    def open(self) -> None:
        """Take the directory for this process alone, make or open the file. Raises MediaIndexError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._held = self._path.with_name(self._path.name + ".lock").open("a+")
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise MediaIndexError(
                f"another ingest process takes pictures in {self._path.parent}; give each its own [media] path, and"
                " let one of them take pictures"
            ) from None
        except OSError as error:
            self.close()
            raise MediaIndexError(f"the directory {self._path.parent} cannot be used: {error.strerror}") from error
        try:
            self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30.0)
            self._begin(self._db)
        except sqlite3.Error as error:
            self.close()
            raise MediaIndexError(
                f"the index of pictures {self._path} cannot be used: {error}. If the disk is sound, move it and its"
                " -wal and -shm aside, keep them, and start again: the posts announce again what they keep"
            ) from error
        except MediaIndexError:
            self.close()
            raise

    def close(self) -> None:
        """Close, and let the directory go."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None
            if self._held is not None:
                self._held.close()
                self._held = None

    def get(self, station: str, sha256: str) -> FileRow | None:
        """One file. Raises MediaIndexError."""
        return next(iter(self._ask(f"{_SELECT} WHERE station = ? AND sha256 = ?", (station, sha256))), None)

    def save(self, rows: Sequence[FileRow], thumbnails: Mapping[tuple[str, str], bytes]) -> None:
        """New and changed rows, and thumbnails by (station, sha256), together; on disk when this returns. New rows have
        their id then. Raises MediaIndexError, with nothing saved."""
        new: list[tuple[FileRow, int]] = []
        with self._asked() as db, transaction(db):
            for row in rows:
                values = _values(row)
                number = row.id
                if number:
                    db.execute(_UPDATE, (*values, number))
                else:
                    number = int(db.execute(_INSERT, values).lastrowid or 0)
                    new.append((row, number))
                if (content := thumbnails.get((row.station, row.sha256))) is not None:
                    db.execute("INSERT OR REPLACE INTO thumbnail VALUES (?, ?)", (number, content))
        for row, number in new:
            row.id = number

    def usage(self, station: str) -> Usage:
        """What of a post has come in part."""
        with self._asked() as db:
            statement = "SELECT count(*), total(size_bytes) FROM file WHERE station = ? AND state IN (1, 2)"
            files, size = db.execute(statement, (station,)).fetchone()
        return Usage(int(files), int(size))

    def stalest(self, station: str, before_ms: int) -> FileRow | None:
        """The file of a post that has come in part and has waited longest for more, if longer than since then."""
        where = "WHERE station = ? AND state = 1 AND touched_ms < ? ORDER BY touched_ms LIMIT 1"
        return next(iter(self._ask(f"{_SELECT} {where}", (station, before_ms))), None)

    def forget_announced(self, station: str, most: int) -> int:
        """Forget the oldest of those that a post has only announced, or that are refused, beyond so many; how many."""
        with self._asked() as db:
            count = int(db.execute(_COUNT_ANNOUNCED, (station,)).fetchone()[0])
            if count <= most:
                return 0
            ids = db.execute(_OLDEST_ANNOUNCED, (station, min(count - most, _FORGOTTEN_AT_ONCE))).fetchall()
            with transaction(db):
                db.executemany("DELETE FROM thumbnail WHERE file_id = ?", ids)
                db.executemany("DELETE FROM file WHERE id = ?", ids)
            return len(ids)

    def whole(self, but: Collection[int] = ()) -> list[FileRow]:
        """Those that are to be verified and stored, oldest first, but for some ids."""
        where = "WHERE state = 2 AND id NOT IN (SELECT value FROM json_each(?))"
        return self._ask(f"{_SELECT} {where} ORDER BY id LIMIT 100", (json.dumps(list(but)),))

    def count_whole(self) -> int:
        """How many are to be verified and stored."""
        with self._asked() as db:
            return int(db.execute("SELECT count(*) FROM file WHERE state = 2").fetchone()[0])

    def parts(self) -> list[FileRow]:
        """Every file that has a part."""
        return self._ask(f"{_SELECT} WHERE state IN (1, 2)", ())

    def between(self, wanted: Filter, limit: int, after: tuple[int, int] | None = None) -> list[FileRow]:
        """Newest first, by (time, id), after a place."""
        conditions: list[str] = []
        values: list[object] = []
        for condition, value in (
            ("station = ?", wanted.station),
            ("sensor = ?", wanted.sensor),
            ("label = ?", wanted.label),
            ("state = ?", None if wanted.state is None else int(wanted.state)),
            ("time_ms >= ?", wanted.start_ms),
            ("time_ms < ?", wanted.stop_ms),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if after is not None:
            conditions.append("(time_ms, id) < (?, ?)")
            values += after
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        return self._ask(f"{_SELECT} {where}ORDER BY time_ms DESC, id DESC LIMIT ?", (*values, limit))

    def of_content(self, sha256: str) -> list[FileRow]:
        """Every post's file of one content, those that are stored first."""
        return self._ask(f"{_SELECT} WHERE sha256 = ? ORDER BY state != 3, id LIMIT 100", (sha256,))

    def thumbnail(self, sha256: str) -> bytes | None:
        """A thumbnail of a content."""
        statement = "SELECT content FROM thumbnail JOIN file ON file_id = id WHERE sha256 = ? ORDER BY id LIMIT 1"
        with self._asked() as db:
            row = db.execute(statement, (sha256,)).fetchone()
        return None if row is None else bytes(row[0])

    def _begin(self, db: sqlite3.Connection) -> None:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID and (
            application or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        ):
            raise MediaIndexError(f"{self._path} is a SQLite file of something else; give [media] a path of its own")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        scripts = sorted(resources.files("ingest.media").joinpath("schema").iterdir(), key=lambda item: item.name)
        if version > len(scripts):
            raise MediaIndexError(f"{self._path} was written by a later version of Vigía (schema {version}); upgrade")
        for number, script in enumerate(scripts, start=1):
            if number > version:
                db.executescript(
                    f"BEGIN IMMEDIATE; {script.read_text()}; PRAGMA application_id = {APPLICATION_ID};"
                    f" PRAGMA user_version = {number}; COMMIT;"
                )

    @contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._db is None:
                raise MediaIndexError("the index of pictures is not open")
            try:
                yield self._db
            except sqlite3.Error as error:
                raise MediaIndexError(f"the index of pictures {self._path}: {error}") from error

    def _ask(self, statement: str, values: Sequence[object]) -> list[FileRow]:
        with self._asked() as db:
            try:
                return [_row(row) for row in db.execute(statement, values)]
            except (ContractError, ValueError) as error:
                raise MediaIndexError(f"the index of pictures {self._path} has a spoilt row: {error}") from error


def _values(row: FileRow) -> tuple[object, ...]:
    columns = {name: getattr(row, name) for name in FileRow.__struct_fields__[1:]}
    columns["notes"] = json.dumps(row.notes, ensure_ascii=False)
    columns["state"] = int(row.state)
    columns["ranges"] = row.ranges.encode()
    return tuple(columns.values())


def _row(values: Sequence[Any]) -> FileRow:
    columns = dict(zip(FileRow.__struct_fields__, values, strict=True))
    columns["notes"] = json.loads(columns["notes"])
    columns["state"] = FileState(columns["state"])
    columns["ranges"] = RangeSet.decode(columns["ranges"])[0]
    return FileRow(**columns)
