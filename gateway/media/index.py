"""What is remembered of each kept file over restarts: its label, what headquarters said of it, who wants it.

One SQLite file in WAL mode, synchronous NORMAL: a power cut may undo the last changes, which costs a question to
headquarters and no picture. All of it can be made anew from the files' cards and headquarters' answers, so a damaged
index is moved aside and begun again. The one module of this package that knows sqlite3.
"""

from __future__ import annotations

import logging
import sqlite3
from enum import IntEnum
from pathlib import Path
from typing import Final

import msgspec

from gateway.clock.moments import FrozenTime
from gateway.contract.entries import TimeQuality

log = logging.getLogger(__name__)

APPLICATION_ID: Final = 0x56694D45  # "ViME"
_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE file (
    sha256         TEXT    PRIMARY KEY,
    label          TEXT    NOT NULL,
    state          INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    wish           INTEGER NOT NULL,
    time_ms        INTEGER,
    quality        INTEGER,
    uncertainty_ms INTEGER
) WITHOUT ROWID
"""


class FileState(IntEnum):
    """What headquarters knows of a file; the value is stored."""

    KEPT = 0  # nothing, as far as we know
    ANNOUNCED = 1
    DELIVERED = 2  # it has all of it, verified
    REFUSED = 3  # it does not take it


class Note(msgspec.Struct):
    """What is remembered of one file. reason: why it is refused. wish: 0, or its place among what people asked for.
    time: the time that it was announced with, for ever."""

    label: str
    state: FileState = FileState.KEPT
    reason: str = ""
    wish: int = 0
    time: FrozenTime | None = None


class MediaIndex:
    """Notes by sha256. For one thread at a time. No I/O before `open`. Trouble with the disk is said once, and costs no
    more than questions after the next start: no method raises."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._is_told = False

    def open(self) -> dict[str, Note]:
        """Make or open the file; all notes."""
        try:
            return self._load()
        except sqlite3.DatabaseError as error:
            self.close()
            if isinstance(error, sqlite3.OperationalError):
                self._say(error)
                return {}
            log.warning("%s is damaged (%s): it is set aside and made again from the files", self._path, error)
        for part in (self._path, *(self._path.with_name(self._path.name + end) for end in ("-wal", "-shm"))):
            if part.exists():
                part.replace(part.with_name(part.name.replace(".db", ".damaged.db")))
        try:
            return self._load()
        except sqlite3.Error as error:
            self.close()
            self._say(error)
            return {}

    @property
    def is_open(self) -> bool:
        """Whether notes go to disk."""
        return self._db is not None

    def save(self, sha256: str, note: Note) -> None:
        """Keep a note, in place of an earlier one."""
        time = note.time or (None, None, None)
        self._run(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (sha256, note.label, int(note.state), note.reason, note.wish, *time),
        )

    def forget(self, sha256: str) -> None:
        """The file is gone."""
        self._run("DELETE FROM file WHERE sha256 = ?", (sha256,))

    def close(self) -> None:
        """Close."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _load(self) -> dict[str, Note]:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=2.0)
        self._db = db
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA wal_autocheckpoint=256")
        db.execute("PRAGMA cache_size=-256")
        if version == 0 and application in (0, APPLICATION_ID):
            db.executescript(
                f"BEGIN; {_SCHEMA}; PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={_SCHEMA_VERSION};"
                " COMMIT"
            )
        elif version != _SCHEMA_VERSION or application != APPLICATION_ID:
            raise sqlite3.DatabaseError(f"application {application:#x}, schema {version}: not ours")
        try:
            return {row[0]: _note(*row[1:]) for row in db.execute("SELECT * FROM file")}
        except ValueError as error:
            raise sqlite3.DatabaseError(str(error)) from error

    def _run(self, statement: str, values: tuple[object, ...]) -> None:
        if self._db is None:
            return
        try:
            self._db.execute(statement, values)
        except sqlite3.Error as error:
            self._say(error)

    def _say(self, error: sqlite3.Error) -> None:
        say = log.debug if self._is_told else log.warning
        say("%s takes no notes (%s): after a restart, headquarters is asked what it has", self._path, error)
        self._is_told = True


def _note(
    label: str,
    state: int,
    reason: str,
    wish: int,
    time_ms: int | None,
    quality: int | None,
    uncertainty_ms: int | None,
) -> Note:
    time = None
    if time_ms is not None and quality is not None:
        time = FrozenTime(time_ms, TimeQuality(quality), uncertainty_ms or 0)
    return Note(label, FileState(state), reason, wish, time)
