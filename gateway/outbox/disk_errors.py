"""What SQLite's errors mean for an outbox: damage, no room, or someone else at the file."""

from __future__ import annotations

import sqlite3
from typing import Final

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# A full disk is SQLITE_FULL; a quota or a size limit, and a log that cannot grow, are told as these.
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_FSYNC})


class DamagedError(Exception):
    """The file is not, or no longer, a sound outbox."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is broken (and not that the disk is full or away)."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in _DAMAGE


def is_no_room(error: sqlite3.Error) -> bool:
    """Whether the disk, a quota or a limit has no room for what was to be written."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF == sqlite3.SQLITE_FULL or code in _NO_ROOM


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process (a backup, a curious person) holds the file."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
