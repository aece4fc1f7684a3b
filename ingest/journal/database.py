"""The journal's SQLite file: opening, locking, migrating. The only place where ingest names sqlite3.connect."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO, Final, Literal

from ingest.errors import IngestError

APPLICATION_ID: Final = 0x56694A6F  # "ViJo"


class JournalError(IngestError):
    """The journal file cannot be used: fatal, a person must look; the message says what to do."""


class JournalLock:
    """Held while a process uses a journal: two at one would each believe they are alone."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take it. Raises JournalError when another process has it or the directory cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+")
        except OSError as error:
            raise JournalError(
                f"the directory of the journal, {self._path.parent}, cannot be written: {error}"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise JournalError(
                f"another ingest process uses the journal beside {self._path}; give each its own [journal] path"
            ) from None
        self._file = file

    def release(self) -> None:
        """Let it go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def connect(path: Path, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
    """A connection to the journal, made or migrated as needed. FULL: on disk at every commit. NORMAL: a power cut may
    undo the last commits, never the order. Raises JournalError."""
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60.0)
    except sqlite3.OperationalError as error:
        raise JournalError(f"the journal {path} cannot be opened: {error}") from error
    try:
        _must_be_ours(db, path)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(f"PRAGMA synchronous={synchronous}")
        _migrate(db, path)
    except sqlite3.OperationalError as error:  # the disk is full or may not be written; the file is not at fault
        db.close()
        raise JournalError(f"the journal {path} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        db.close()
        raise JournalError(
            f"the journal {path} cannot be used: {error}. If the disk is sound, move the file and its -wal and -shm"
            " aside, keep them, and start again: posts send again whatever has no receipt"
        ) from error
    except JournalError:
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing. Raises sqlite3.Error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:  # it did not come to the end, and no full disk has taken it back already
            db.execute("ROLLBACK")


def _must_be_ours(db: sqlite3.Connection, path: Path) -> None:
    """Before anything is changed in it. A journal that was being made when the power went is an empty file."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application == APPLICATION_ID:
        return
    if application or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise JournalError(
            f"{path} is a SQLite file of something else (application id {application:#x}); give the journal a path of"
            " its own"
        )


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    folder = resources.files("ingest.journal").joinpath("schema")
    scripts = sorted(script.name for script in folder.iterdir())
    if version > len(scripts):
        raise JournalError(f"{path} was written by a later version of Vigía (schema {version}); upgrade this one")
    for number, name in enumerate(scripts, start=1):
        if number > version:
            script = folder.joinpath(name).read_text()
            db.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {number}; COMMIT;"
            )
