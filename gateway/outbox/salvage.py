"""What becomes of a damaged outbox file: it is set aside, never altered, and what can still be read is carried over."""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gateway.contract.ranges import MAX_SEQUENCE
from gateway.contract.topics import Lane
from gateway.outbox.store import APPLICATION_ID, SELECT_ENTRIES, Row, Run, Store, company, is_sound, remove_with_company

log = logging.getLogger(__name__)

_SET_ASIDE_KEPT: Final = 3
_FIRST_SKIP: Final = 8


def set_aside(path: Path) -> Path:
    """Rename a damaged file (or a directory in its place) and what belongs to it; the last three such are kept.
    Returns the new path. Raises OSError when the directory cannot be written."""
    number_of = re.compile(re.escape(path.name) + r"\.damaged-(\d{4,})").fullmatch
    # Numbered, not dated: at a boot without a clock the newest would look the oldest.
    numbers = sorted({int(m[1]) for part in path.parent.iterdir() if (m := number_of(part.name.split("-wal")[0]))})
    aside = path.with_name(f"{path.name}.damaged-{numbers[-1] + 1 if numbers else 1:04d}")
    for part, kept in zip(company(path), company(aside), strict=True):
        if part.exists():
            part.rename(kept)
    for number in numbers[: 1 - _SET_ASIDE_KEPT]:
        remove_with_company(path.with_name(f"{path.name}.damaged-{number:04d}"))
    return aside


class Wreck:
    """A damaged file, open for reading. Nothing in it raises for its content, nothing in it is written."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.runs: dict[int, Run] = {}
        self.replay: dict[str, tuple[int, int]] = {}
        self.tallies: dict[tuple[str, str], int] = {}
        for number, epoch, boot in self._readable("SELECT id, epoch, boot FROM run"):
            if isinstance(number, int) and isinstance(epoch, bytes) and len(epoch) == 8 and isinstance(boot, str):
                self.runs[number] = Run(number, epoch, boot)
        for device, highest, bitmap in self._readable("SELECT device, highest, bitmap FROM replay"):
            if isinstance(device, str) and isinstance(highest, int) and isinstance(bitmap, bytes):
                self.replay[device] = (highest, int.from_bytes(bitmap[:8], "big"))
        for place, name, total in self._readable("SELECT place, name, total FROM tally"):
            if isinstance(place, str) and isinstance(name, str) and isinstance(total, int):
                self.tallies[(place, name)] = total

    def rows(self) -> Iterator[Row]:
        """Every sound entry that can be reached, most urgent lanes first."""
        for lane in Lane:
            for run in sorted(self.runs):
                yield from (row for row in self._of(lane, run) if is_sound(row))

    def _of(self, lane: Lane, run: int) -> Iterator[Row]:
        """A lane of a run: up to a damaged page, then from behind it on, then backwards to it."""
        after = 0
        while True:
            beyond = 0
            for row in self._between(lane, run, after, MAX_SEQUENCE):
                if row is None:
                    beyond = self._beyond(lane, run, after)
                    break
                after = row.sequence
                yield row
            if not beyond:
                return
            for row in self._between(lane, run, after, beyond - 1, down=True):
                if row is None:
                    break
                yield row
            if beyond >= MAX_SEQUENCE:
                return
            after = beyond - 1

    def _beyond(self, lane: Lane, run: int, after: int) -> int:
        """A sequence number behind the damage that follows `after`, from which on there is nothing or something."""
        skip = _FIRST_SKIP
        while after + skip < MAX_SEQUENCE:
            first = next(self._between(lane, run, after + skip - 1, MAX_SEQUENCE), _NOTHING)
            if first is not None:
                return after + skip
            skip *= 2
        return MAX_SEQUENCE

    def _between(self, lane: Lane, run: int, after: int, last: int, *, down: bool = False) -> Iterator[Row | None]:
        """Entries of a span, in order; None and the end where the file cannot be read further."""
        statement = (
            f"{SELECT_ENTRIES} WHERE lane = ? AND run = ? AND sequence > ? AND sequence <= ?"
            f" ORDER BY sequence {'DESC' if down else ''}"
        )
        try:
            for raw in self._db.execute(statement, (lane, run, after, last)):
                row = Row._make(raw)
                if not isinstance(row.sequence, int) or not after < row.sequence <= last:
                    yield None  # a page that is not where it belongs
                    return
                yield row
        except sqlite3.Error as error:
            log.debug("salvage: %s in lane %s of run %d", error, lane.slug, run)
            yield None

    def _readable(self, statement: str) -> Iterator[tuple[object, ...]]:
        try:
            yield from self._db.execute(statement)
        except sqlite3.Error as error:
            log.debug("salvage: %s (%s)", error, statement)


_NOTHING: Final = Row(0, 0, 0, None, 0, 0, None, None, 0, b"")


@contextmanager
def open_wreck(path: Path) -> Iterator[Wreck]:
    """A damaged file for reading. When its first page, which says where all else is, is gone, a copy is read that has
    the first page of a new outbox: ours are alike. Raises OSError when there is no room for the copy."""
    copy = path.with_name(path.name + ".reading")
    db = _connect(path)
    try:
        wreck = Wreck(db)
        if not wreck.runs and _lend_first_page(path, copy):
            db.close()
            db = _connect(copy)
            wreck = Wreck(db)
        yield wreck
    finally:
        db.close()
        remove_with_company(copy)


def _connect(path: Path) -> sqlite3.Connection:
    if not path.is_file() or path.stat().st_size == 0:
        return _without_rows()  # SQLite would delete the log beside it
    try:
        db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
        db.execute("PRAGMA writable_schema=ON")  # read a file that is shorter than it says
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return _without_rows()
    return db


def _without_rows() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def _lend_first_page(path: Path, copy: Path) -> bool:
    if path.is_dir():
        return False
    head = b""
    if path.exists():
        with path.open("rb") as file:
            head = file.read(72)
    if head[:16] == b"SQLite format 3\0" and head[68:] != APPLICATION_ID.to_bytes(4, "big"):
        return False  # sound, and someone else's
    store = Store.open(None)
    first = bytearray(store.first_page())
    store.close(clean=False)
    pages = max(1, path.stat().st_size // len(first)) if path.exists() else 1
    first[18:20] = b"\x02\x02"  # with a write-ahead log
    first[28:32] = pages.to_bytes(4, "big")
    first[92:96] = first[24:28]  # the page count is valid for this change counter
    for part, copied in zip(company(path)[:2], company(copy)[:2], strict=True):
        if part.exists():
            shutil.copyfile(part, copied)
    copy.touch()
    with copy.open("r+b") as file:
        file.write(first)
    return True
