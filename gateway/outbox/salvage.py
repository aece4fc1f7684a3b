"""What becomes of a damaged outbox file: it is set aside, never altered, and what can still be read is carried over."""

from __future__ import annotations

import logging
import mmap
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gateway.clock.boots import Boot
from gateway.contract.ranges import MAX_SEQUENCE
from gateway.contract.topics import Lane
from gateway.outbox.company import company, remove_with_company
from gateway.outbox.loose_pages import pages_of_file, pages_of_log, rows_of_page
from gateway.outbox.rows import Row, Run, boot_of, is_sound
from gateway.outbox.store import APPLICATION_ID, Store
from gateway.outbox.stretches import SELECT_ENTRIES

log = logging.getLogger(__name__)

_SET_ASIDE_KEPT: Final = 3
_PAGE_BYTES: Final = 4096  # what SQLite has made files with since 2016


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
    """A damaged file, open for reading. Nothing in it raises for its content, nothing in it is written.

    pages: of the file and its log, one by one, as often as asked.
    """

    def __init__(self, db: sqlite3.Connection, pages: Callable[[], Iterator[bytes]]) -> None:
        self._db = db
        self._pages = pages
        self.runs: dict[int, Run] = {}
        self.replay: dict[str, tuple[int, int]] = {}
        self.tallies: dict[tuple[str, str], int] = {}
        boots = map(boot_of, self._readable("SELECT * FROM boot ORDER BY number"))
        self.boots: list[Boot] = [boot for boot in boots if boot is not None]
        # The table, and the index that holds the same: a torn page in one of them must not cost every entry.
        for source in ("run NOT INDEXED", "run INDEXED BY run_again"):
            for number, epoch, boot in self._readable(f"SELECT id, epoch, boot FROM {source} WHERE epoch >= x''"):  # noqa: S608  ours
                if isinstance(number, int) and isinstance(epoch, bytes) and len(epoch) == 8 and isinstance(boot, str):
                    self.runs.setdefault(number, Run(number, epoch, boot))
        for device, highest, bitmap in self._readable("SELECT device, highest, bitmap FROM replay"):
            if isinstance(device, str) and isinstance(highest, int) and isinstance(bitmap, bytes):
                self.replay[device] = (highest, int.from_bytes(bitmap[:8], "big"))
        for place, name, total in self._readable("SELECT place, name, total FROM tally"):
            if isinstance(place, str) and isinstance(name, str) and isinstance(total, int):
                self.tallies[(place, name)] = total

    def rows(self) -> Iterator[Row]:
        """Every sound entry that can be found, most urgent lanes first; some may come twice, the right one first."""
        broken: dict[tuple[int, int], int] = {}
        for lane in Lane:
            for run in sorted(self.runs):
                after = 0
                for row in self._of(lane, run):
                    if row is None:
                        broken[lane, run] = after
                        break
                    after = row.sequence
                    if is_sound(row):
                        yield row
        if not broken:
            return
        # What no page leads to any more. A freed page may hold an entry as it was before its time was frozen: last.
        for frozen in (True, False):
            for page in self._pages():
                for row in rows_of_page(page):
                    if (row.time_ms is not None) is frozen and is_sound(row):
                        yield from (row,) if row.sequence > broken.get((row.lane, row.run), MAX_SEQUENCE) else ()

    def _of(self, lane: Lane, run: int) -> Iterator[Row | None]:
        """A lane of a run in order; None and the end where the file cannot be read further."""
        after = 0
        try:
            where = f"{SELECT_ENTRIES} WHERE lane = ? AND run = ? ORDER BY sequence"
            for raw in self._db.execute(where, (lane, run)):
                row = Row._make(raw)
                if not isinstance(row.sequence, int) or row.sequence <= after:
                    yield None  # a page that is not where it belongs
                    return
                after = row.sequence
                yield row
        except sqlite3.Error as error:
            log.debug("salvage: %s in lane %s of run %d", error, lane.slug, run)
            yield None

    def _readable(self, statement: str) -> Iterator[tuple[object, ...]]:
        try:
            yield from self._db.execute(statement)
        except sqlite3.Error as error:
            log.debug("salvage: %s (%s)", error, statement)


@contextmanager
def open_wreck(path: Path) -> Iterator[Wreck]:
    """A damaged file for reading. When its first page, which says where all else is, is gone, a copy is read that has
    the first page of a new outbox: ours are alike. Raises OSError when there is no room for the copy."""
    copy = path.with_name(path.name + ".reading")
    db = _connect(path)
    pages = partial(_pages_of, path)
    try:
        wreck = Wreck(db, pages)
        if not wreck.runs and _lend_first_page(path, copy):
            db.close()
            db = _connect(copy)
            wreck = Wreck(db, pages)
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


def _pages_of(path: Path) -> Iterator[bytes]:
    main, journal = company(path)[:2]
    for part, pages in ((journal, pages_of_log), (main, pages_of_file)):
        if part.is_file() and part.stat().st_size:
            # Mapped, not read: it may be larger than the memory.
            with part.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                yield from pages(mapped, _PAGE_BYTES)


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
