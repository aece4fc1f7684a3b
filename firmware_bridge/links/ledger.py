"""Which files have been taken in, for ever. The one module of this package that imports sqlite3.

A file is entered under a number, on disk, before its detection is handed over; the number goes with the detection into
the outbox, in one transaction (as `Delivery.replay`). When the ledger is opened, the outbox tells the highest number
that it has: what was entered after that is struck out and taken in again. See decisions/0003.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

log = logging.getLogger(__name__)

GRACE_S: Final = 3600.0
"""An outbox that has run this long since has long committed."""

_DIGEST_BYTES: Final = 16  # of the hash: two of 2**32 files agree with a chance of 2**-65
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS content (digest BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
    name BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL,
    number INTEGER NOT NULL, taken INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS content_number ON content (number);
CREATE INDEX IF NOT EXISTS file_number ON file (number);
CREATE TABLE IF NOT EXISTS settled (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL);
PRAGMA user_version = 1;
"""


class LedgerError(Exception):
    """The ledger cannot be used now: the words say why."""


class Line(NamedTuple):
    """One file to be entered. digest: its SHA-256, None for one that was not read. taken: a detection has it."""

    name: bytes
    size_bytes: int
    modified_ns: int
    changed_ns: int
    digest: bytes | None
    taken: bool


def replay_key(source: str) -> str:
    """The name under which the outbox keeps a source's number: 16 hex digits, longer than any device's."""
    return sha256(b"files " + source.encode()).hexdigest()[:16]


class Ledger:
    """One source's. mark: the highest number that the outbox has."""

    def __init__(self, path: Path, mark: int) -> None:
        self._path = path
        self._mark = mark
        self._db: sqlite3.Connection | None = None
        self._last = mark
        self._unsettled: list[tuple[float, int]] = []

    def open(self, clock_s: float) -> None:
        """Open or make it; a damaged one is set aside. Raises LedgerError."""
        if self._db is not None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._db = self._opened()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
                self._path.replace(aside)
                log.warning(
                    "%s was damaged (%s) and is set aside as %s: files that are still where they were will be taken in"
                    " once more",
                    self._path,
                    error,
                    aside.name,
                )
                self._db = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(
                f"{self._path} cannot be used ({error}); give the gateway the right to write it"
            ) from error
        self._unsettled = [(clock_s, self._mark)]

    def close(self) -> None:
        """Close it. Harmless when it is not open."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def has_file(self, name: bytes, size_bytes: int, modified_ns: int, changed_ns: int) -> bool | None:
        """Whether this very file was entered: None when not, else whether a detection has it."""
        row = self._ask(
            "SELECT taken FROM file WHERE name = ? AND size = ? AND modified = ? AND changed = ?",
            (name, size_bytes, modified_ns, changed_ns),
        )
        return None if row is None else bool(row[0])

    def has_content(self, digest: bytes) -> bool:
        """Whether a file of this SHA-256 was entered, whatever its name."""
        return self._ask("SELECT 1 FROM content WHERE digest = ?", (digest[:_DIGEST_BYTES],)) is not None

    def enter(self, lines: Iterable[Line], clock_s: float) -> int:
        """Enter files under the next number, on disk when this returns: the number. Raises LedgerError."""
        number = self._last + 1
        db = self._open_db()
        try:
            with db:
                for line in lines:
                    db.execute(
                        "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?)",
                        (line.name, line.size_bytes, line.modified_ns, line.changed_ns, number, line.taken),
                    )
                    if line.digest is not None:
                        db.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", (line.digest[:_DIGEST_BYTES], number))
                ripe = [old for at, old in self._unsettled if clock_s - at >= GRACE_S]
                if ripe:
                    db.execute("INSERT OR REPLACE INTO settled VALUES (1, ?)", (max(ripe),))
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path} cannot be written ({error}); free some space") from error
        self._last = number
        self._unsettled = [(at, old) for at, old in self._unsettled if clock_s - at < GRACE_S]
        self._unsettled.append((clock_s, number))
        if len(self._unsettled) > 1000:  # the younger of two neighbours vouches for both
            self._unsettled = self._unsettled[:1] + self._unsettled[2::2]
        return number

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=2.0)
        try:
            db.executescript(_SCHEMA)
            db.execute("PRAGMA synchronous = FULL")
            settled = db.execute("SELECT number FROM settled").fetchone()
            known = max(self._mark, settled[0] if settled else 0)
            with db:
                struck = db.execute("DELETE FROM file WHERE number > ?", (known,)).rowcount
                db.execute("DELETE FROM content WHERE number > ?", (known,))
        except sqlite3.Error:
            db.close()
            raise
        self._last = known
        if struck:
            log.info(
                "%s: %d files were not yet safe when the gateway stopped and are taken in again", self._path, struck
            )
        return db

    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise LedgerError(f"{self._path} is not open")
        return self._db

    def _ask(self, question: str, values: tuple[object, ...]) -> tuple[int, ...] | None:
        try:
            row: tuple[int, ...] | None = self._open_db().execute(question, values).fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path} cannot be read ({error})") from error
        return row
