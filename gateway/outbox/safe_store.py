"""A store that goes on: through a damaged file, a full disk, a card that is gone. One thread at a time.

Damage: the file is set aside, what can be read is carried over, a new file and epoch begin. A full disk: a reserve file
is let go, and from then on the oldest of the lowest lanes make room for what is at least as urgent. No usable disk at
all: memory serves, said loudly, and everything moves to the file when it can be used again.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from gateway.clock.boots import Boot
from gateway.contract.topics import Lane
from gateway.errors import OutboxError
from gateway.outbox.ballast import Ballast
from gateway.outbox.disk_errors import DamagedError, is_busy, is_damage, is_no_room
from gateway.outbox.lock import OutboxInUseError, OutboxLock
from gateway.outbox.rows import Held, Row, numbered
from gateway.outbox.salvage import open_wreck, set_aside
from gateway.outbox.store import ReplayStates, Store, Tallies

log = logging.getLogger(__name__)

T = TypeVar("T")
_RETRY_FILE_EVERY_S: Final = 5.0
_SLACK_BYTES: Final = 64 * 1024  # on a full disk: pages that a commit needs beside its entries
_ATTEMPTS: Final = 3


class SafeStore:
    """See the module. memory_bytes: bound of what is kept while there is no file. trouble: "" or words for a person."""

    def __init__(self, path: Path, max_bytes: int, memory_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._memory_bytes = memory_bytes
        self._bound = max_bytes
        self._ballast = Ballast(path.with_name(path.name + ".ballast"))
        self._lock = OutboxLock(path)
        self._open_store: Store | None = None
        self._to_salvage: tuple[Path, str] | None = None
        self._boot = ""
        self._next_sequence = 1
        self._retry_file_at = 0.0
        self._missed = False
        self.trouble = ""
        self.generation = 0

    @property
    def _store(self) -> Store:
        if self._open_store is None:
            raise OutboxError("the outbox is not open")
        return self._open_store

    @property
    def is_open(self) -> bool:
        """Whether it can be written and asked."""
        return self._open_store is not None

    @property
    def epoch(self) -> bytes:
        """The epoch that new entries get."""
        return self._store.run.epoch

    @property
    def epochs(self) -> tuple[bytes, ...]:
        """Of the entries that are kept, oldest first, the present one last."""
        return tuple(run.epoch for run in sorted(self._store.runs.values()))

    @property
    def last_sequence(self) -> int:
        """Of the last entry written in this epoch; 0 before the first."""
        return self._next_sequence - 1

    @property
    def held(self) -> Mapping[Lane, Held]:
        """What waits in each lane."""
        return self._store.held

    @property
    def bytes(self) -> int:
        """What is stored, as reckoned."""
        return self._store.held_bytes

    def open(self, boot: str) -> None:
        """Open the file, whatever its state, or memory. Raises OutboxInUseError when another gateway has it open;
        never for the disk."""
        self._boot = boot
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.take()
            try:
                self._use_file()
            except sqlite3.Error as error:
                if not (is_no_room(error) and self._ballast.drop()):
                    raise
                self._use_file()
        except (sqlite3.Error, OSError, DamagedError) as error:
            self._fall_back_to_memory(error)

    def close(self, *, clean: bool) -> None:
        """Close the file, if it is open; what is in memory only moves there if it can."""
        if self._open_store is None:
            return
        self._retry_file_at = 0.0
        self._leave_memory()
        if self._store.path is None and self.bytes:
            log.warning("%d entries were in memory only and are lost", sum(held.entries for held in self.held.values()))
        self._shut(clean=clean)
        self._lock.release()

    def write(self, rows: Sequence[Row], replay: ReplayStates, tallies: Tallies, boots: Sequence[Boot] = ()) -> bool:
        """Number the rows in this epoch and store all of it in one transaction; False when it cannot be, with the
        trouble said. What no longer fits within the bound goes: oldest of the lowest lanes first."""
        self._leave_memory()
        words = ""
        for attempt in range(_ATTEMPTS):
            try:
                self._store.write(numbered(rows, self._store.run.id, self._next_sequence), replay, tallies, boots)
            except sqlite3.Error as error:
                words = f"the outbox {self._path} cannot be written ({error}): new readings wait in memory"
                if is_damage(error):
                    self._recover(error)
                elif is_no_room(error) and attempt == 0:
                    self._find_room(error, rows)
                elif is_no_room(error) or is_busy(error) or not self._reopen(error):
                    break
            else:
                self._next_sequence += len(rows)
                self._after_good_write()
                return True
        self._say(words)
        return False

    def ask(self, what: str, question: Callable[[Store], T]) -> T | None:
        """The answer to a question, or None when the file did not give it; damage is dealt with, other trouble said."""
        for attempt in range(2):
            try:
                return question(self._store)
            except (sqlite3.Error, DamagedError) as error:
                if isinstance(error, DamagedError) or is_damage(error):
                    self._recover(error)
                    return None
                if is_no_room(error) and attempt == 0:
                    self._find_room(error, ())
                    continue
                self._say(f"the outbox {self._path} cannot {what} ({error})")
                self._missed = True
                if not is_no_room(error) and not is_busy(error):
                    self._reopen(error)
        return None

    # the file

    def _use_file(self) -> None:
        """Open the file, setting it aside first when it is damaged. Raises sqlite3.Error, OSError or DamagedError, and
        changes nothing then."""
        store = self._opened_file()
        try:
            store.begin(self._boot)
        except sqlite3.Error:
            store.close(clean=False)
            raise
        self._take_over(store)
        if not self._ballast.ensure():
            self._say(f"no room for the reserve beside {self._path}: the disk is nearly full. Free some space")

    def _opened_file(self) -> Store:
        try:
            store = Store.open(self._path)
        except DamagedError as damage:
            self._to_salvage = (set_aside(self._path), str(damage))
            store = Store.open(self._path)
        if self._to_salvage is not None:
            try:
                self._carry_over(store, *self._to_salvage)
            except (sqlite3.Error, OSError):
                store.close(clean=False)
                raise
            self._to_salvage = None
        return store

    def _carry_over(self, store: Store, aside: Path, why: str) -> None:
        rest = ""
        try:
            with open_wreck(aside) as wreck:
                tallies = {**wreck.tallies, ("outbox", "set_aside"): 1}
                try:
                    store.keep_boots(wreck.boots)
                    store.adopt(wreck.rows(), wreck.runs, wreck.replay, tallies)
                except sqlite3.Error as error:
                    if not is_no_room(error):
                        raise
                    rest = "; the disk has no room for the rest"
                else:
                    count = sum(held.entries for held in store.held.values())
                    store.write([], {}, {("outbox", "salvaged"): count})
        except OSError as error:
            rest = f"; there was no reading it ({error})"
        log.warning(
            "the outbox was damaged (%s) and is set aside as %s; %d entries could be carried over%s. Keep that file for"
            " whoever looks into it",
            why,
            aside,
            sum(held.entries for held in store.held.values()),
            rest,
        )

    def _take_over(self, store: Store) -> None:
        self._open_store = store
        self._next_sequence = 1
        self._bound = self._max_bytes if store.path is not None else min(self._max_bytes, self._memory_bytes)
        self.generation += 1
        self.trouble = ""

    def _shut(self, *, clean: bool) -> None:
        if self._open_store is not None:
            try:
                self._open_store.close(clean=clean)
            except sqlite3.Error as error:
                log.debug("the outbox did not close well: %s", error)
            self._open_store = None

    # trouble

    def _recover(self, error: Exception) -> None:
        """The open file is damaged: set it aside and go on with a new one."""
        if self._store.path is None:
            log.warning("the outbox in memory is damaged (%s) and begins anew", error)
            self._take_over(_memory(self._boot))
            return
        self._shut(clean=False)
        try:
            self._to_salvage = (set_aside(self._path), str(error))
            self._use_file()
        except (sqlite3.Error, OSError, DamagedError) as failure:
            self._fall_back_to_memory(failure)

    def _reopen(self, error: sqlite3.Error) -> bool:
        """The file cannot be used as it is open (a card that was pulled, a disk that became read-only): open it again,
        not too often. False when it was not tried."""
        if self._store.path is None or time.monotonic() < self._retry_file_at:
            return False
        self._retry_file_at = time.monotonic() + _RETRY_FILE_EVERY_S
        self._shut(clean=False)
        try:
            self._use_file()
        except (sqlite3.Error, OSError, DamagedError) as failure:
            log.debug("after %s: %s", error, failure)
            self._fall_back_to_memory(failure)
        return True

    def _fall_back_to_memory(self, error: Exception) -> None:
        self._take_over(_memory(self._boot))
        self._retry_file_at = time.monotonic() + _RETRY_FILE_EVERY_S
        self._say(
            f"the outbox {self._path} cannot be used ({error}): readings are kept in memory only, and are lost if the"
            " power goes. Free some space on the disk or mend it"
        )

    def _leave_memory(self) -> None:
        memory = self._store
        if memory.path is not None or time.monotonic() < self._retry_file_at:
            return
        self._retry_file_at = time.monotonic() + _RETRY_FILE_EVERY_S
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.take()
            file = self._opened_file()
            try:
                moved = file.adopt(memory.every_row(), memory.runs, memory.replay(), memory.tallies())
                file.begin(self._boot)
            except sqlite3.Error:
                file.close(clean=False)
                raise
        except (sqlite3.Error, OSError, DamagedError, OutboxInUseError) as error:
            log.debug("the outbox file still cannot be used: %s", error)
            return
        memory.close(clean=True)
        self._take_over(file)
        log.info("the outbox file can be used again; %d entries moved from memory to disk", moved)
        if not self._ballast.ensure():
            self._say(f"no room for the reserve beside {self._path}: the disk is nearly full. Free some space")

    def _find_room(self, error: sqlite3.Error, rows: Iterable[Row]) -> None:
        """The disk is full: let the reserve go, use the room inside the file, and if that is too little let the oldest
        of the lowest lanes make room, each lane only for what is at least as urgent."""
        if self._ballast.drop():
            self._say(
                f"the disk of {self._path} is full ({error}): from now on the oldest of the lowest lanes make room for"
                " the new. Free some space"
            )
        try:
            self._store.checkpoint()
            sizes = {lane: sum(row.size for row in rows if row.lane <= lane) for lane in Lane}
            free = self._store.free_bytes()
            if free < 2 * sizes[Lane.MEDIA] + _SLACK_BYTES:
                self._bound = min(self._bound, self.bytes)
                slack = self.bytes // 50 + _SLACK_BYTES
                self._evict({lane: 2 * size + slack if size else 0 for lane, size in sizes.items()})
                self._store.checkpoint()
        except sqlite3.Error as failure:
            log.debug("no room could be made: %s", failure)

    def _after_good_write(self) -> None:
        if self._missed:
            self._missed = False
            self.generation += 1  # what could not be read meanwhile was passed over: give it out again
        if self._store.path is not None and self.trouble and self._ballast.ensure():
            log.info("the outbox can be written again")
            self.trouble = ""
            self._bound = self._max_bytes
        over = self.bytes - self._bound
        if over > 0:
            try:
                self._evict(dict.fromkeys(Lane, over))
            except sqlite3.Error as error:
                log.debug("the outbox is over its bound: %s", error)

    def _evict(self, needs: Mapping[Lane, int]) -> None:
        evicted = self._store.evict(needs)
        if evicted:
            words = ", ".join(f"{count} {lane.slug}" for lane, count in evicted.items())
            log.debug("the outbox is full: %s went, oldest of the lowest lane first", words)

    def _say(self, words: str) -> None:
        if words != self.trouble:
            log.warning("%s", words)
        self.trouble = words


def _memory(boot: str) -> Store:
    store = Store.open(None)
    store.begin(boot)
    return store
