"""A SQLite file and what belongs to it: its log, the log's index, a journal of old."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gateway.outbox.disk_errors import DamagedError


def check_before_sqlite_does(path: Path, fresh: bool) -> None:
    """Raises DamagedError for what SQLite would delete (the log of a file that is empty or gone) or not open."""
    if path.is_dir():
        raise DamagedError("a directory stands in its place")
    log = path.with_name(path.name + "-wal")
    if (fresh or path.stat().st_size == 0) and log.exists() and log.stat().st_size > 0:
        raise DamagedError("it is empty or gone, and its log is not")


def company(path: Path) -> list[Path]:
    """A SQLite file and what belongs to it."""
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


def remove_with_company(path: Path) -> None:
    """Delete a SQLite file and what belongs to it, as far as it is there and can be."""
    for part in company(path):
        with suppress(OSError):
            part.unlink()
