"""A store that goes on: through a damaged file, a full disk, a card that is gone. One thread at a time.

Damage: the file is set aside, what can be read is carried over, a new file and epoch begin. A full disk: a reserve file
is let go, and from then on the oldest of the lowest lanes make room for the new. No usable disk at all: memory serves,
said loudly, and everything moves to the file when it can be used again.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from gateway.errors import OutboxError
from gateway.outbox.ballast import Ballast
from gateway.outbox.salvage import salvage, set_aside
from gateway.outbox.store import DamagedError, Row, Store, is_damage

log = logging.getLogger(__name__)

T = TypeVar("T")
_SALVAGE_LIMIT: Final = 200_000
_RETRY_FILE_EVERY_S: Final = 10.0


class SafeStore:
    """See the module. `bytes` is what is stored, as reckoned; `trouble` is "" or words for a person."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._bound = max_bytes
        self._ballast = Ballast(path.with_name(path.name + ".ballast"))
        self._open_store: Store | None = None
        self._boot = ""
        self._next_sequence = 1
        self._retry_file_at = 0.0
        self.bytes = 0
        self.trouble = ""
        self.generation = 0

    @property
    def _store(self) -> Store:
        if self._open_store is None:
            raise OutboxError("the outbox is not open")
        return self._open_store

    @property
    def epoch(self) -> bytes:
        """The epoch that new entries get."""
        return self._store.run.epoch

    def open(self, boot: str) -> None:
        """Open the file, whatever its state, or memory. Never raises for the disk."""
        self._boot = boot
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._open_file()
        except (sqlite3.Error, OSError) as error:
            self._fall_back_to_memory(error)

    def close(self, *, clean: bool) -> None:
        """Close the file, if it is open."""
        if self._open_store is not None:
            try:
                self._open_store.close(clean=clean)
            except sqlite3.Error as error:
                log.warning("the outbox did not close well: %s", error)
            self._open_store = None

    def write(
        self,
        rows: Sequence[Row],
        replay: Mapping[str, tuple[int, int]],
        tallies: Mapping[tuple[str, str], int],
        size: int,
    ) -> bool:
        """Number the rows in this epoch and store all of it in one transaction; False when it cannot be, with the
        trouble said. What no longer fits within the bound goes: oldest of the lowest lanes first."""
        self._leave_memory()
        for attempt in (1, 2, 3):
            run, sequence = self._store.run.id, self._next_sequence
            numbered = [row._replace(run=run, sequence=sequence + i) for i, row in enumerate(rows)]
            try:
                self._store.write(numbered, replay, tallies)
            except sqlite3.Error as error:
                if is_damage(error):
                    self._recover(error)
                elif attempt == 1:
                    self._meet_full_disk(error)
                else:
                    self._say(f"the outbox {self._path} cannot be written ({error}): new readings wait in memory")
                    return False
            else:
                self._next_sequence += len(rows)
                self.bytes += size
                self._after_good_write()
                return True
        return False

    def ask(self, what: str, question: Callable[[Store], T]) -> T | None:
        """The answer to a question, or None when the file did not give it; damage is dealt with, other trouble said."""
        try:
            return question(self._store)
        except sqlite3.Error as error:
            if is_damage(error):
                self._recover(error)
            else:
                self._say(f"the outbox {self._path} cannot {what} ({error})")
        return None

    # trouble

    def _open_file(self) -> None:
        try:
            self._open_store = Store.open(self._path, self._boot)
        except DamagedError as damage:
            self._replace_damaged(str(damage))
        self._begin_generation()
        self.trouble = ""
        if not self._ballast.ensure():
            self._say(f"no room for the reserve beside {self._path}: the disk is nearly full. Free some space")

    def _begin_generation(self) -> None:
        self.generation += 1
        self._next_sequence = 1
        self.bytes = self._reckoned()

    def _reckoned(self) -> int:
        return sum(size for _, size in self._store.waiting().values())

    def _replace_damaged(self, why: str) -> None:
        self.close(clean=False)
        aside = set_aside(self._path)
        found = salvage(aside, _SALVAGE_LIMIT)
        store = Store.open(self._path, self._boot)
        self._open_store = store
        saved = store.adopt(found.rows, found.runs, found.tallies)
        store.write([], found.replay, {("outbox", "set_aside"): 1, ("outbox", "salvaged"): saved})
        log.warning(
            "the outbox was damaged (%s) and is set aside as %s; %d entries and %d replay guards could be carried over."
            " Keep that file for whoever looks into it",
            why,
            aside.name,
            saved,
            len(found.replay),
        )

    def _recover(self, error: sqlite3.Error) -> None:
        try:
            self._replace_damaged(str(error))
        except (sqlite3.Error, DamagedError, OSError) as failure:
            self._fall_back_to_memory(failure)
        self._begin_generation()

    def _fall_back_to_memory(self, error: Exception) -> None:
        self.close(clean=False)
        self._open_store = Store.open(None, self._boot)
        self._begin_generation()
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
        at, size, trouble = self._next_sequence, self.bytes, self.trouble
        try:
            self._open_file()
            moved = self._store.adopt(memory.every_row(), memory.runs, memory.tallies())
            self._store.write([], memory.replay(), {})
            self.bytes = self._reckoned()
        except (sqlite3.Error, OSError) as error:
            if self._open_store is not memory:
                self.close(clean=False)
            self._open_store = memory
            self._next_sequence, self.bytes, self.trouble = at, size, trouble
            log.debug("the outbox file still cannot be used: %s", error)
            return
        memory.close(clean=True)
        log.info("the outbox file can be used again; %d entries moved from memory to disk", moved)

    def _meet_full_disk(self, error: sqlite3.Error) -> None:
        if self._ballast.drop():
            self._say(
                f"the disk of {self._path} is full ({error}): from now on the oldest of the lowest lanes make room for"
                " the new. Free some space"
            )
        self._bound = min(self._bound, self.bytes)
        self._make_room(max(1, self.bytes // 50))

    def _after_good_write(self) -> None:
        if self._store.path is not None and self.trouble and self._ballast.ensure():
            log.info("the outbox can be written again")
            self.trouble = ""
            self._bound = self._max_bytes
        if self.bytes > self._bound:
            self._make_room(self.bytes - self._bound)

    def _make_room(self, bytes_over: int) -> None:
        evicted = self.ask("make room", lambda store: store.evict(bytes_over))
        if evicted:
            self.bytes = self._reckoned()
            words = ", ".join(f"{count} {lane.slug}" for lane, count in evicted.items())
            log.debug("the outbox is full: %s went, oldest of the lowest lane first", words)

    def _say(self, words: str) -> None:
        if words != self.trouble:
            log.warning("%s", words)
        self.trouble = words
