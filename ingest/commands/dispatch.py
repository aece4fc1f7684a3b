"""Sends what is in the book to posts that are there to hear it, until it is answered or has expired."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from gateway.contract.commands import topic
from gateway.contract.states import StationState
from ingest.commands.book import CommandBook, Given

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 1.0
_AGAIN_MS: Final = 60_000
_LONGEST_MS: Final = 3_600_000
_HEARD_LATELY_MS: Final = 120_000
_AT_ONCE: Final = 4
"""Commands under way to one post: a thin link must not be filled with them."""


class Dispatcher:
    """A stage. say: publishes, False while there is no connection. states, last_received_ms: each post's own word, and
    when it was last heard (Unix time)."""

    def __init__(
        self,
        book: CommandBook,
        say: Callable[[str, bytes], bool],
        states: Mapping[str, StationState],
        last_received_ms: Mapping[str, int],
        *,
        again_ms: int = _AGAIN_MS,
    ) -> None:
        self._book = book
        self._say = say
        self._states = states
        self._last_received_ms = last_received_ms
        self._again_ms = again_ms

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. Raises BookError: the supervisor starts it again."""
        self._book.open()
        try:
            while not stop.wait(_LOOK_EVERY_S):
                self.look(time.time_ns() // 1_000_000)
        finally:
            self._book.close()

    def look(self, now_ms: int) -> int:
        """Send what is due; how many."""
        under_way: dict[str, int] = {}
        series: set[tuple[str, str]] = set()
        sent = 0
        for given in self._book.open_commands(now_ms):
            if not self._listens(given.station, now_ms) or (given.station, given.series) in series:
                continue
            if given.series:
                series.add((given.station, given.series))
            under_way[given.station] = under_way.get(given.station, 0) + 1
            if under_way[given.station] > _AT_ONCE or not self._is_due(given, now_ms):
                continue
            if not self._say(topic(given.station), given.message):
                return sent
            self._book.sent(given.id, now_ms)
            sent += 1
            log.info("command %s to %s: sent (%s), time %d", given.id, given.station, given.words, given.sends + 1)
        return sent

    def _listens(self, station: str, now_ms: int) -> bool:
        state = self._states.get(station)
        if state is not None:
            return state.link == "up"
        return now_ms - self._last_received_ms.get(station, 0) <= _HEARD_LATELY_MS

    def _is_due(self, given: Given, now_ms: int) -> bool:
        if given.sent_ms is None:
            return True
        wait_ms: int = min(_LONGEST_MS, self._again_ms * 2 ** min(given.sends - 1, 10))
        return now_ms - given.sent_ms >= wait_ms
