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


class LedgerError(GatewayError):
    """The ledger cannot be kept, so that nothing may be carried out."""


class Ledger:
    """See the module. For one thread. A file that cannot be read is set aside, and with it the memory of what was
    carried out: `forgot_at_ms` then says which commands cannot be told from new ones.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def open(self) -> list[str]:
        """Open; the ids of commands that ended in the middle. Raises LedgerError for a disk that takes nothing."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._opened()
            self._db.execute("PRAGMA synchronous=FULL")
            return [row[0] for row in self._db.execute("SELECT id FROM command WHERE answered = 0 ORDER BY begun_ms")]
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"commands cannot be kept in {self._path}: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        db = self._connected()
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
        return self._connected()

    def _connected(self) -> sqlite3.Connection:
        fresh = not self._path.exists()
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        if fresh:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            if aside_ms := self._aside_ms():
                db.execute("INSERT INTO command VALUES ('forgotten', ?, ?, 1)", (aside_ms, 2**62))
        return db

    def _aside_ms(self) -> int:
        """When a damaged ledger was last set aside; 0 for never."""
        found = self._path.parent.glob(self._path.name + ".damaged-*")
        return max((int(tail) for path in found if (tail := path.name.rpartition("-")[2]).isdigit()), default=0)

    def close(self) -> None:
        """Close."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def forgot_at_ms(self) -> int:
        """Commands given up to this Unix time may have been carried out and forgotten; 0 when none can."""
        with self._asked() as db:
            row = db.execute("SELECT begun_ms FROM command WHERE id = 'forgotten'").fetchone()
            return int(row[0]) if row else 0

    def knows(self, command_id: str) -> bool:
        """Whether it was begun before."""
        with self._asked() as db:
            return db.execute("SELECT 1 FROM command WHERE id = ?", (command_id,)).fetchone() is not None

    def begin(self, command_id: str, now_ms: int, expires_ms: int) -> None:
        """On disk when this returns. What has long expired is forgotten. Raises LedgerError, also when it is full."""
        with self._asked() as db:
            db.execute("DELETE FROM command WHERE answered = 1 AND expires_ms < ?", (now_ms - 86_400_000,))
            if db.execute("SELECT count(*) FROM command").fetchone()[0] >= MOST:
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
