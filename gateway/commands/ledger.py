"""Which commands were carried out: what makes each run at most once, over restarts and power cuts.

A command is written down as begun, on disk, before anything of it is done, and as answered after its answer is on disk
in the outbox. One that is found begun at the next start ended in the middle, and is not begun again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError

_SCHEMA: Final = """
CREATE TABLE command (
    id         TEXT PRIMARY KEY,
    begun_ms   INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    answered   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""
_VERSION: Final = 1
MOST: Final = 10_000
"""More are not remembered, and none is taken while as many are: each may be good for 90 days."""
KEPT: Final = 5_000
"""So many are remembered, expired or not: that a command has expired only the clock says, which may be set back."""
_FORGOTTEN: Final = "forgotten"
_NOBODY_KNOWS: Final = 2**62
"""When a ledger was lost while nobody vouched for the clock."""
_DAY_MS: Final = 86_400_000


class LedgerError(GatewayError):
    """The ledger cannot be kept, so that nothing may be carried out."""


class Ledger:
    """See the module. For one thread. A file that cannot be read is set aside, and with it the memory of what was
    carried out: `forgot_at_ms` then says which commands cannot be told from new ones. kept: see KEPT.
    """

    def __init__(self, path: Path, *, kept: int = KEPT) -> None:
        self._path = path
        self._most_kept = kept
        self._db: sqlite3.Connection | None = None

    def open(self, now_ms: int | None) -> list[str]:
        """Open; the ids of commands that ended in the middle. now_ms: Unix time, None while nobody vouches for it.
        Raises LedgerError for a disk that takes nothing."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._opened(now_ms)
            self._db.execute("PRAGMA synchronous=FULL")
            return [row[0] for row in self._db.execute("SELECT id FROM command WHERE answered = 0 ORDER BY begun_ms")]
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"commands cannot be kept in {self._path}: {error}") from error

    def _opened(self, now_ms: int | None) -> sqlite3.Connection:
        db = self._connected(now_ms)
        try:
            if _is_sound(db):
                return db
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the disk, not the file
                db.close()
                raise
        db.close()
        self._path.replace(self._path.with_name(f"{self._path.name}.damaged-{time.time_ns() // 1_000_000}"))
        with suppress(OSError):
            self._path.with_name(self._path.name + "-journal").unlink()
        return self._connected(now_ms)

    def _connected(self, now_ms: int | None) -> sqlite3.Connection:
        fresh = not self._path.exists()
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        if fresh:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            if any(self._path.parent.glob(self._path.name + ".damaged-*")):
                _remember_forgotten(db, _NOBODY_KNOWS if now_ms is None else now_ms)
        return db

    def close(self) -> None:
        """Close."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def forgot_at_ms(self, now_ms: int | None) -> int:
        """Commands given up to this Unix time may have been carried out and forgotten; 0 when none can. now_ms: as in
        `open`. Where nobody knew the time when they were forgotten, it is now at the latest."""
        with self._asked() as db:
            row = db.execute("SELECT begun_ms FROM command WHERE id = ?", (_FORGOTTEN,)).fetchone()
            if row is not None and row[0] == _NOBODY_KNOWS and now_ms is not None:
                db.execute("UPDATE command SET begun_ms = ? WHERE id = ?", (now_ms, _FORGOTTEN))
                return now_ms
            return int(row[0]) if row else 0

    def knows(self, command_id: str) -> bool:
        """Whether it was begun before."""
        with self._asked() as db:
            return db.execute("SELECT 1 FROM command WHERE id = ?", (command_id,)).fetchone() is not None

    def begin(self, command_id: str, now_ms: int, issued_ms: int, expires_ms: int) -> None:
        """On disk when this returns. Of very many, those go that had long expired when headquarters gave this one,
        whatever the clock of the post says. Raises LedgerError, also when it is full."""
        with self._asked() as db:
            count = db.execute("SELECT count(*) FROM command").fetchone()[0]
            if count >= self._most_kept:
                count -= _forget(db, issued_ms - _DAY_MS)
            if count >= MOST:
                raise LedgerError(f"{MOST} commands are remembered; more are taken when the oldest have expired")
            db.execute("INSERT INTO command VALUES (?, ?, ?, 0)", (command_id, now_ms, expires_ms))

    def answered(self, command_id: str) -> None:
        """Its last word is in the outbox, on disk."""
        with self._asked() as db:
            db.execute("UPDATE command SET answered = 1 WHERE id = ?", (command_id,))

    @contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise LedgerError("the ledger of commands is not open")
        try:
            with closing(self._db.cursor()):
                yield self._db
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path}: {error}") from error


def _is_sound(db: sqlite3.Connection) -> bool:
    """Whether it is a ledger that this version can read. Raises sqlite3.DatabaseError for what is no database."""
    known = db.execute("PRAGMA user_version").fetchone()[0] == _VERSION
    return bool(known and db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def _forget(db: sqlite3.Connection, before_ms: int) -> int:
    """Forget commands that had expired by then, and remember that there were some. How many."""
    old = "FROM command WHERE answered = 1 AND id <> ? AND expires_ms < ?"
    latest_ms = db.execute(f"SELECT max(expires_ms) {old}", (_FORGOTTEN, before_ms)).fetchone()[0]
    if latest_ms is None:
        return 0
    db.execute("BEGIN")
    try:
        _remember_forgotten(db, latest_ms)
        gone = db.execute(f"DELETE {old}", (_FORGOTTEN, before_ms)).rowcount
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return gone


def _remember_forgotten(db: sqlite3.Connection, until_ms: int) -> None:
    db.execute(
        "INSERT INTO command VALUES (?, ?, ?, 1)"
        " ON CONFLICT (id) DO UPDATE SET begun_ms = max(begun_ms, excluded.begun_ms)",
        (_FORGOTTEN, until_ms, _NOBODY_KNOWS),
    )
