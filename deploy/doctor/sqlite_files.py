"""Looking into SQLite files that another process writes, without a trace: the one place of deploy/doctor that knows
sqlite3."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

T = TypeVar("T")
_STEPS: Final = 20_000  # of SQLite's machine, between two looks at the clock

Rows = Callable[[str], list[tuple[Any, ...]]]
"""Asks a statement; gives up (raises TooSlowError) when the time is up."""


class DamagedError(Exception):
    """The file is not what it should be; SQLite's words."""


class TooSlowError(Exception):
    """The answer did not come in time."""


def ask(path: Path, application_id: int, question: Callable[[Rows], T], *, within_s: float) -> T:
    """What a question about an existing file gives. Raises DamagedError, TooSlowError, OSError (may not be read).

    The file of a process that runs is read beside its log; that of one that has stopped without touching anything,
    since root would leave files that the service may not write.
    """
    with path.open("rb"):
        pass  # PermissionError says more than SQLite's "unable to open"
    deadline = time.monotonic() + within_s
    mode = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=within_s)) as db:
            db.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)

            def rows(statement: str) -> list[tuple[Any, ...]]:
                return db.execute(statement).fetchall()

            found = rows("PRAGMA application_id")[0][0]
            if found != application_id:
                raise DamagedError(f"application id {found:#x}")
            return question(rows)
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
        if code in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY):
            raise TooSlowError from error
        raise DamagedError(str(error)) from error


def is_sound(path: Path, application_id: int, *, within_s: float) -> str:
    """ "" for a sound file, else what is wrong with it. Raises TooSlowError and OSError."""
    try:
        verdict = str(ask(path, application_id, lambda rows: rows("PRAGMA quick_check(1)")[0][0], within_s=within_s))
    except DamagedError as damage:
        return str(damage)
    return "" if verdict == "ok" else verdict.splitlines()[0]
