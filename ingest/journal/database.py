"""The journal's SQLite file: opening, locking, migrating. The only place where ingest names sqlite3.connect."""

from __future__ import annotations

import fcntl
import os
import sqlite3
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
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let it go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def connect(path: Path, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
    """A connection to the journal, made or migrated as needed. FULL: on disk at every commit. NORMAL: a power cut may
    undo the last commits, never the order. Raises JournalError."""
    fresh = not path.exists()
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60.0)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(f"PRAGMA synchronous={synchronous}")
        application = db.execute("PRAGMA application_id").fetchone()[0]
        if not fresh and application not in (APPLICATION_ID, 0):
            raise JournalError(f"{path} is a SQLite file of something else (application id {application:#x})")
        _migrate(db, path)
    except sqlite3.DatabaseError as error:
        raise JournalError(
            f"the journal {path} cannot be used: {error}. If the disk is sound, move the file and its -wal and -shm"
            " aside, keep them, and start again: posts send again whatever has no receipt"
        ) from error
    return db


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
