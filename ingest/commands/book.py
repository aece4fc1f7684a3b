"""The book of commands: which were given to which post, how often they were sent, and what became of them.

Who gives a command signs it and writes it in; ingest sends what is in the book and needs no key for that, so that
whoever takes over ingest still cannot order a post about.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from gateway.contract.commands import Command, Outcome
from ingest.errors import IngestError

APPLICATION_ID: Final = 0x5669436D  # "ViCm"
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE command (
    id          TEXT PRIMARY KEY,
    station     TEXT    NOT NULL,
    words       TEXT    NOT NULL,
    series      TEXT    NOT NULL,
    message     BLOB    NOT NULL,
    issued_ms   INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    sends       INTEGER NOT NULL DEFAULT 0,
    sent_ms     INTEGER,
    outcome     TEXT,
    note        TEXT,
    answered_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX command_open ON command (station, issued_ms) WHERE outcome IS NULL;
"""
_COLUMNS: Final = (
    "id, station, words, series, message, issued_ms, expires_ms, sends, sent_ms, outcome, note, answered_ms"
)
MOST_LISTED: Final = 1000


class BookError(IngestError):
    """The book cannot be used; the message says why and what to do."""


class Given(msgspec.Struct, frozen=True):
    """One command in the book. words: what it orders, for people. series: commands of one series go one after the
    other, each when the one before is answered; "" for none. message: signed, as it is sent. sends, sent_ms: how
    often, and when last (Unix time). outcome: a `gateway.contract.commands.Outcome`, None while there is no answer.
    note: the post's words. answered_ms: when the answer came."""

    id: str
    station: str
    words: str
    series: str
    message: bytes
    issued_ms: int
    expires_ms: int
    sends: int
    sent_ms: int | None
    outcome: str | None
    note: str | None
    answered_ms: int | None

    def state(self, now_ms: int) -> str:
        """queued, sent, expired, or the outcome."""
        if self.outcome:
            return self.outcome
        if now_ms > self.expires_ms:
            return "expired"
        return "sent" if self.sends else "queued"


class CommandBook:
    """path: the file. Several processes may use it at once; in each, one thread a book."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open, made if it is not there. Raises BookError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30.0)
            db.execute("PRAGMA journal_mode=WAL").fetchall()
            db.execute("PRAGMA synchronous=FULL")
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                pragmas = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {_VERSION};"
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {pragmas} COMMIT;")
            told = db.execute("PRAGMA application_id").fetchone()[0], db.execute("PRAGMA user_version").fetchone()[0]
        except (sqlite3.Error, OSError) as error:
            raise BookError(f"the book of commands {self._path} cannot be used: {error}") from error
        if told != (APPLICATION_ID, _VERSION):
            db.close()
            raise BookError(f"{self._path} is not a book of commands that this version can read; give it another path")
        self._db = db

    def close(self) -> None:
        """Close."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def give(self, command: Command, message: bytes, words: str, *, series: str = "") -> None:
        """Write a command in, to be sent. Raises BookError, also for an id that is there."""
        row = (command.id, command.station, words, series, message, command.issued_ms, command.expires_ms)
        columns = "id, station, words, series, message, issued_ms, expires_ms"
        with self._asked() as db:
            db.execute(f"INSERT INTO command ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608  # our own words

    def open_commands(self, now_ms: int) -> list[Given]:
        """Those without an answer that have not expired, oldest first of each station."""
        where = "outcome IS NULL AND expires_ms >= ? ORDER BY station, issued_ms LIMIT ?"
        return self._listed(where, (now_ms, MOST_LISTED))

    def listed(self, station: str | None = None) -> list[Given]:
        """The last ones, newest first."""
        if station is None:
            return self._listed("1 ORDER BY issued_ms DESC LIMIT ?", (MOST_LISTED,))
        return self._listed("station = ? ORDER BY issued_ms DESC LIMIT ?", (station, MOST_LISTED))

    def sent(self, command_id: str, now_ms: int) -> None:
        """It was sent once more."""
        with self._asked() as db:
            db.execute("UPDATE command SET sends = sends + 1, sent_ms = ? WHERE id = ?", (now_ms, command_id))

    def answered(self, station: str, command_id: str, outcome: str, note: str, now_ms: int) -> bool:
        """A post's word on a command of its own; False for one that is not in the book as given to that post. The first
        last word stays, whatever comes after it."""
        with self._asked() as db:
            done = db.execute(
                "UPDATE command SET outcome = ?, note = ?, answered_ms = ?"
                " WHERE id = ? AND station = ? AND (outcome IS NULL OR outcome = ?)",
                (outcome, note, now_ms, command_id, station, Outcome.ON_TRIAL.value),
            ).rowcount
            if done:
                return True
            known = db.execute("SELECT 1 FROM command WHERE id = ? AND station = ?", (command_id, station)).fetchone()
            return known is not None

    def _listed(self, where: str, values: tuple[object, ...]) -> list[Given]:
        with self._asked() as db:
            return [Given(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM command WHERE {where}", values)]  # noqa: S608  # our own words

    @contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise BookError("the book of commands is not open")
        try:
            yield self._db
        except sqlite3.Error as error:
            raise BookError(f"the book of commands {self._path}: {error}") from error
