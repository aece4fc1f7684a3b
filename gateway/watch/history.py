"""What the post heard, kept some days for the rules to begin from after a restart and to be tried on: a file beside the
outbox. It is an aid: whatever the disk does, the post goes on, and says what it does without.

Facts wait in memory for the next commit, so that whoever adds them never waits for the disk. Safe to call from several
threads; other processes may read the file meanwhile.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from gateway.clock.steady import SteadyPoint
from gateway.outbox.disk_errors import is_busy, is_damage, is_no_room
from gateway.outbox.outbox import Standing
from gateway.rules.facts import Change, Fact
from gateway.watch.heard import Heard, HeardLog
from gateway.watch.history_file import Bytes, HistoryError, HistoryFile, read_facts, row_of

T = TypeVar("T")
log = logging.getLogger(__name__)

_DAY_MS: Final = 86_400_000
_MAX_WAITING: Final = 20_000
"""Facts kept in memory while the disk takes none."""
_RETRY_S: Final = 30.0


class _Batch(NamedTuple):
    facts: list[Bytes]
    changes: dict[int, Change]
    point: SteadyPoint | None
    heard: Heard | None


_NOTHING: Final = _Batch([], {}, None, None)


class History:
    """See the module. days, max_bytes: bounds of what is kept. count: told of discards: place, reason, how many."""

    def __init__(
        self, path: Path, *, days: float, max_bytes: int, count: Callable[[Mapping[tuple[str, str], int]], None]
    ) -> None:
        self._path = path
        self._keep_ms = round(days * _DAY_MS)
        self._max_bytes = max_bytes
        self._count = count
        self._lock = threading.Lock()  # guards the file; taken before _memory
        self._memory = threading.Lock()  # guards what waits
        self._file: HistoryFile | None = None
        self._retry_at = 0.0
        self._waiting: list[Bytes] = []
        self._changes: dict[int, Change] = {}
        self._point: SteadyPoint | None = None
        self._heard = HeardLog()
        self._is_heard_news = False
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """ "" or words for a person."""
        return self._trouble

    @property
    def waiting(self) -> int:
        """How many facts wait for the next commit."""
        return len(self._waiting)

    def open(self) -> None:
        """Open or make the file; a damaged one is set aside. Never raises for the disk."""
        with self._lock:
            self._open()

    def close(self) -> None:
        """Commit what waits and close."""
        self.commit(sync=True)
        with self._lock:
            self._shut()

    @property
    def heard_count(self) -> int:
        """How many facts were added that are asked for."""
        return self._heard.count

    def add(self, fact: Fact, *, is_asked_for: bool = False) -> None:
        """Keep a fact from the next commit on. Its steady_ms must not be below that of the one before. is_asked_for:
        the outbox has it, and the next start asks whether it was heard."""
        row = row_of(fact)
        with self._memory:
            self._waiting.append(row)
            if is_asked_for:
                self._heard.add(fact.reading)
                self._is_heard_news = True

    def settle(self, standing: Standing, count: int) -> None:
        """Keep, from the next commit on, that all up to this place in the outbox was heard; it holds the first so many
        of the facts that are asked for."""
        with self._memory:
            self._heard.settle(standing, count)
            self._is_heard_news = True

    def change(self, change: Change) -> None:
        """Keep an incident as it stands now, from the next commit on."""
        with self._memory:
            self._changes[change.incident.number] = change

    def stand(self, point: SteadyPoint) -> None:
        """Keep where the steady time stands, from the next commit on."""
        with self._memory:
            self._point = point

    def commit(self, *, sync: bool) -> None:
        """Write what waits. sync: on the disk for certain when this returns (unless `trouble` says why not)."""
        with self._lock:
            with self._memory:
                heard = self._heard.heard if self._is_heard_news else None
                batch = _Batch(self._waiting, self._changes, self._point, heard)
                self._waiting, self._changes, self._point, self._is_heard_news = [], {}, None, False
            if not any(batch):
                return
            if self._file is None and time.monotonic() >= self._retry_at:
                self._open()
            left = batch if self._file is None else self._write(batch, sync=sync)
            if any(left):
                self._put_back(left)
            elif self._trouble:
                log.info("the history %s is written again", self._path)
                self._trouble = ""

    def facts(self, *, since_steady_ms: int | None = None, since_wall_ms: int | None = None) -> Iterator[Fact]:
        """What is on disk, oldest first; ends early, with the trouble said, where the file cannot be read."""
        try:
            yield from read_facts(self._path, since_steady_ms=since_steady_ms, since_wall_ms=since_wall_ms)
        except sqlite3.Error as error:
            self._say(f"the history {self._path} cannot be read ({error})")

    def steady_point(self) -> SteadyPoint | None:
        """Where the steady time stood at the last commit; None when nobody knows."""
        return self._ask(HistoryFile.steady_point, None)

    def heard(self) -> Heard | None:
        """What was heard of the outbox by the last commit; None when nobody knows."""
        return self._ask(HistoryFile.heard, None)

    def incidents(self) -> list[Change]:
        """The incidents kept, each with its last step, ascending by number."""
        return self._ask(HistoryFile.incidents, [])

    def _ask(self, question: Callable[[HistoryFile], T], unknown: T) -> T:
        with self._lock:
            if self._file is None:
                return unknown
            try:
                return question(self._file)
            except (sqlite3.Error, HistoryError) as error:
                self._begin_anew(error)
                return unknown

    # with the lock held

    def _open(self) -> None:
        self._retry_at = time.monotonic() + _RETRY_S
        try:
            self._file = HistoryFile(self._path)
        except HistoryError as error:
            self._begin_anew(error)
        except sqlite3.Error as error:
            if is_damage(error) or (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF == sqlite3.SQLITE_ERROR:
                self._begin_anew(error)
            else:
                self._say(f"the history {self._path} cannot be opened ({error}): rules forget at a restart")
        except OSError as error:
            self._say(f"the history {self._path} cannot be opened ({error.strerror}): rules forget at a restart")

    def _shut(self) -> None:
        if self._file is not None:
            with suppress(sqlite3.Error):  # what was committed is committed
                self._file.close()
            self._file = None

    def _write(self, batch: _Batch, *, sync: bool) -> _Batch:
        """What could not be written."""
        assert self._file is not None
        for attempt in range(2):
            try:
                self._file.write(batch.facts, batch.changes.values(), batch.point, batch.heard, sync=sync)
                before_ms = batch.facts[-1][0] - self._keep_ms if batch.facts else 0
                if gone := self._file.evict(before_ms, self._max_bytes):
                    self._count({("history", "facts_evicted"): gone})
            except sqlite3.Error as error:
                if is_no_room(error) and attempt == 0 and self._halve():
                    continue
                if is_damage(error):
                    self._begin_anew(error)
                    if self._file is not None and attempt == 0:
                        continue
                elif is_no_room(error) and self._write_little(batch):
                    batch = _NOTHING._replace(facts=batch.facts)
                elif not is_busy(error):
                    self._shut()
                    self._retry_at = time.monotonic() + _RETRY_S
                self._say(f"the history {self._path} cannot be written ({error}): rules may forget at a restart")
                return batch
            return _NOTHING
        return batch

    def _write_little(self, batch: _Batch) -> bool:
        """There is no room for facts: keep at least what was told to people, so that nobody is told again."""
        assert self._file is not None
        try:
            self._file.write_little(batch.changes.values(), batch.point, batch.heard)
        except sqlite3.Error as error:
            log.debug("the history takes nothing at all: %s", error)
            return False
        return True

    def _halve(self) -> bool:
        """The disk is full: let the older half go, so that what is new fits into its pages."""
        assert self._file is not None
        try:
            gone = self._file.evict(0, self._file.used_bytes() // 2)
        except sqlite3.Error:
            return False
        if gone:
            self._count({("history", "facts_evicted"): gone})
        return gone > 0

    def _begin_anew(self, error: Exception) -> None:
        """Set the file aside and begin another."""
        self._shut()
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns() // 1_000_000}")
        try:
            for suffix in ("", "-wal", "-shm"):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.replace(aside.with_name(aside.name + suffix))
            for older in sorted(self._path.parent.glob(f"{self._path.name}.damaged-*"))[:-3]:
                older.unlink(missing_ok=True)  # one with its company is enough to look at
            log.warning(
                "the history %s cannot be used (%s): set aside as %s, begun anew", self._path, error, aside.name
            )
            self._count({("history", "history_set_aside"): 1})
            self._file = HistoryFile(self._path)
            self._is_heard_news = True
        except (OSError, sqlite3.Error, HistoryError) as again:
            self._say(f"the history {self._path} cannot be begun anew ({again}): rules forget at a restart")

    def _put_back(self, batch: _Batch) -> None:
        with self._memory:
            self._waiting = batch.facts + self._waiting
            self._changes = batch.changes | self._changes
            self._point = self._point or batch.point
            self._is_heard_news = self._is_heard_news or batch.heard is not None
            over = len(self._waiting) - _MAX_WAITING
            if over > 0:
                del self._waiting[:over]
        if over > 0:
            self._count({("history", "facts_not_kept"): over})

    def _say(self, words: str) -> None:
        if words != self._trouble:
            log.warning("%s", words)
        self._trouble = words
