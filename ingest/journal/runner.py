"""Runs one sink: reads the journal from its cursor, lets the sink write, moves the cursor only then."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from ingest.errors import RetryLater
from ingest.journal.letters import DROPPED
from ingest.journal.reader import JournalReader
from ingest.messages import DeadLetter, JournalMessage

log = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
"""Unless the other side asks for more patience."""
_IDLE_S: Final = 1.0


class Sink(Protocol):
    """Somewhere that messages go. `write` stores all it can of them and returns what it refuses for good; it raises
    RetryLater when nothing can be said yet. Writing the same messages again must change nothing."""

    @property
    def name(self) -> str:
        """Its name in the journal: its cursor goes by it."""

    def write(self, messages: Sequence[JournalMessage]) -> Sequence[DeadLetter]:
        """Store messages."""


class SinkRunner:
    """One sink and its cursor. `count` is told reason and number of what was refused.

    behind: messages still to be read, as of the last look. trouble: why it waits, or empty.
    """

    def __init__(self, reader: JournalReader, sink: Sink, count: Callable[[Counter[str]], None]) -> None:
        self.name = sink.name
        self.trouble = ""
        self.behind = 0
        self._reader = reader
        self._sink = sink
        self._count = count
        self._news = threading.Event()

    def wake(self) -> None:
        """There is something new in the journal. From any thread."""
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. Raises what is not an outage: the supervisor starts it again."""
        wait_s = _FIRST_WAIT_S
        try:
            self._reader.open()
            while not stop.is_set():
                self._news.clear()
                messages = self._reader.next()
                self.behind = self._reader.behind()
                if not messages:
                    self._is_well()
                    self._wait(stop, _IDLE_S)
                    continue
                try:
                    letters = self._sink.write(messages)
                    dropped = self._reader.done(messages, letters)
                except (RetryLater, sqlite3.OperationalError) as error:
                    asked_s = error.retry_after_s if isinstance(error, RetryLater) else None
                    self._say(f"{error}")
                    stop.wait(max(wait_s, asked_s or 0.0))
                    wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
                    continue
                wait_s = _FIRST_WAIT_S
                self._count(Counter(letter.reason for letter in letters) + Counter({DROPPED: dropped}))
                self._is_well()
        finally:
            self._reader.close()
            if not stop.is_set():
                self.trouble = "it failed and starts again; the log says why"

    def _wait(self, stop: threading.Event, longest_s: float) -> None:
        deadline = time.monotonic() + longest_s
        while not stop.is_set() and time.monotonic() < deadline:
            if self._news.wait(min(0.25, longest_s)):
                return

    def _is_well(self) -> None:
        if self.trouble:
            log.info("%s: works again; %d messages behind", self.name, self.behind)
            self.trouble = ""

    def _say(self, words: str) -> None:
        if not self.trouble:
            log.warning("%s: %s. The journal keeps everything until then", self.name, words)
        self.trouble = words
