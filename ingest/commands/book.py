"""The book of commands: which were given to which post, how often they were sent, and what became of them.

Who gives a command signs it and writes it in; ingest sends what is in the book and needs no key for that, so that
whoever takes over ingest still cannot order a post about.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
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
_HEARING: Final = """
CREATE TABLE IF NOT EXISTS hearing (
    station  TEXT PRIMARY KEY,
    listens  INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    heard_ms INTEGER,
    next_ms  INTEGER
) WITHOUT ROWID;
"""
"""Beside the version: a book of before gets it when it is opened, and who knows nothing of it reads on."""
_COLUMNS: Final = (
    "id, station, words, series, message, issued_ms, expires_ms, sends, sent_ms, outcome, note, answered_ms"
)
MOST_LISTED: Final = 1000
WITHDRAWN: Final = "withdrawn"
SUPERSEDED: Final = "superseded"
"""Headquarters' own words in the place of an outcome: it is not sent any more. A post's answer comes before them."""
_BODY_AT: Final = 65
"""Where the body of a signed message begins (`gateway.contract.commands`)."""
_decode: Final = msgspec.json.Decoder(Command).decode


class BookError(IngestError):
    """The book cannot be used; the message says why and what to do."""


class Given(msgspec.Struct, frozen=True):
    """One command in the book. words: what it orders, for people. series: commands of one series go one after the
    other, each when the one before is answered; "" for none. message: signed, as it is sent. sends, sent_ms: how
    often, and when last (Unix time). outcome: a `gateway.contract.commands.Outcome`, WITHDRAWN or SUPERSEDED, None
    while there is no answer. note: the post's words, or the id of what superseded it. answered_ms: when that was
    said."""

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

    def command(self) -> Command | None:
        """What the message says, its signature not looked at: only to tell of it. None for what cannot be read."""
        try:
            return _decode(self.message[_BODY_AT:])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


class Hearing(msgspec.Struct, frozen=True):
    """Whether a post is there to hear orders, as ingest last saw it. reason: why it closed its link itself, "" when it
    did not (`gateway.contract.states`). heard_ms: when it was last heard, to the minute; next_ms: when it means to open
    its link again. Unix time, None for what is not known."""

    station: str
    listens: bool
    reason: str = ""
    heard_ms: int | None = None
    next_ms: int | None = None


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
        try:
            db.execute(_HEARING)
        except sqlite3.Error as error:
            db.close()
            raise BookError(f"the book of commands {self._path} cannot be used: {error}") from error
        self._db = db

    def close(self) -> None:
        """Close."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def give(
        self, command: Command, message: bytes, words: str, *, series: str = "", supersedes: Sequence[str] = ()
    ) -> None:
        """Write a command in, to be sent. supersedes: ids of others that are not sent any more, if they have no answer
        yet. Raises BookError, also for an id that is there; then nothing has changed."""
        row = (command.id, command.station, words, series, message, command.issued_ms, command.expires_ms)
        columns = "id, station, words, series, message, issued_ms, expires_ms"
        with self._changing() as db:
            db.execute(f"INSERT INTO command ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608  # our own words
            db.executemany(
                "UPDATE command SET outcome = ?, note = ?, answered_ms = ? WHERE id = ? AND outcome IS NULL",
                [(SUPERSEDED, command.id, command.issued_ms, older) for older in supersedes],
            )

    def withdraw(self, command_id: str, now_ms: int) -> list[Given]:
        """Send it no more, and what has no answer of its series: each part waits for the one before. Those withdrawn,
        as they were sent until now; none when it is not there, has an answer or has expired."""
        where = (
            "outcome IS NULL AND expires_ms >= ? AND (id = ? OR (series != '' AND (station, series) IN"
            " (SELECT station, series FROM command WHERE id = ? AND outcome IS NULL))) ORDER BY issued_ms"
        )
        with self._changing() as db:
            found = self._listed(where, (now_ms, command_id, command_id))
            db.executemany(
                "UPDATE command SET outcome = ?, answered_ms = ? WHERE id = ?",
                [(WITHDRAWN, now_ms, one.id) for one in found],
            )
        return found

    def open_commands(self, now_ms: int) -> list[Given]:
        """Those without an answer that have not expired, oldest first of each station."""
        where = "outcome IS NULL AND expires_ms >= ? ORDER BY station, issued_ms LIMIT ?"
        return self._listed(where, (now_ms, MOST_LISTED))

    def listed(self, station: str | None = None) -> list[Given]:
        """The last ones, newest first."""
        if station is None:
            return self._listed("1 ORDER BY issued_ms DESC LIMIT ?", (MOST_LISTED,))
        return self._listed("station = ? ORDER BY issued_ms DESC LIMIT ?", (station, MOST_LISTED))

    def given(self, command_id: str) -> Given | None:
        """The one of this id."""
        return next(iter(self._listed("id = ?", (command_id,))), None)

    def stations(self) -> list[str]:
        """The posts that were given any."""
        with self._asked() as db:
            return [row[0] for row in db.execute("SELECT DISTINCT station FROM command ORDER BY station")]

    def send(self, command_id: str, now_ms: int, say: Callable[[], bool]) -> bool:
        """Say it and note that it was sent once more, unless it was answered or withdrawn meanwhile. False when it
        could not be said. Who withdraws it waits for the end of this: what they are told of its sends is true."""
        with self._changing() as db:
            statement = "UPDATE command SET sends = sends + 1, sent_ms = ? WHERE id = ? AND outcome IS NULL"
            if not db.execute(statement, (now_ms, command_id)).rowcount:
                return True
            if not say():
                db.execute("ROLLBACK")
                return False
            return True

    def hear(self, hearing: Hearing) -> None:
        """Note whether a post is there to hear."""
        row = (hearing.station, hearing.listens, hearing.reason, hearing.heard_ms, hearing.next_ms)
        with self._asked() as db:
            db.execute("INSERT OR REPLACE INTO hearing VALUES (?, ?, ?, ?, ?)", row)

    def hearings(self) -> dict[str, Hearing]:
        """By post, of those that were given any while ingest ran."""
        with self._asked() as db:
            rows = db.execute("SELECT station, listens, reason, heard_ms, next_ms FROM hearing").fetchall()
        return {row[0]: Hearing(row[0], bool(row[1]), *row[2:]) for row in rows}

    def answered(self, station: str, command_id: str, outcome: str, note: str, now_ms: int) -> bool:
        """A post's word on a command of its own; False for one that is not in the book as given to that post. The first
        last word stays, whatever comes after it; that it was withdrawn is none: it had reached the post before."""
        with self._asked() as db:
            done = db.execute(
                "UPDATE command SET outcome = ?, note = ?, answered_ms = ?"
                " WHERE id = ? AND station = ? AND (outcome IS NULL OR outcome IN (?, ?, ?))",
                (outcome, note, now_ms, command_id, station, Outcome.ON_TRIAL.value, WITHDRAWN, SUPERSEDED),
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

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, and nobody else writes meanwhile."""
        with self._asked() as db:
            db.execute("BEGIN IMMEDIATE")
            with db:  # COMMIT, or ROLLBACK when something is raised
                yield db
