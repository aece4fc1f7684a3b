"""Sends what is in the book to posts that are there to hear it, until it is answered, withdrawn or has expired.

An order that a post cannot carry out yet is not answered either, so none may hold a place for long: they take turns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.contract.commands import topic
from gateway.contract.states import StationState
from ingest.commands.book import CommandBook, Given, Hearing

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 1.0
_AGAIN_MS: Final = 60_000
_LONGEST_MS: Final = 3_600_000
_HEARD_LATELY_MS: Final = 120_000
_AT_ONCE: Final = 4
"""Commands sent to one post within _UNDER_WAY_MS that it has not answered: a thin link must not be filled with them."""
_UNDER_WAY_MS: Final = 60_000
_HEARD_STEP_MS: Final = 60_000


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
        self._told: dict[str, Hearing] = {}

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
        posts: dict[str, list[Given]] = {}
        for given in self._book.open_commands(now_ms):
            posts.setdefault(given.station, []).append(given)
        sent = 0
        for station, commands in posts.items():
            self._tell(station, now_ms)
            if not self._listens(station, now_ms):
                continue
            for given in self._turn(commands, now_ms):
                if not self._send(given, now_ms):
                    return sent
                sent += 1
        return sent

    def _turn(self, commands: Iterable[Given], now_ms: int) -> list[Given]:
        """What is sent now of one post's commands, oldest first: those never sent, then the least recently sent."""
        heads, series = [], set()
        for given in commands:
            if given.series not in series:
                heads.append(given)
            if given.series:
                series.add(given.series)
        under_way = sum(one.sent_ms is not None and 0 <= now_ms - one.sent_ms < _UNDER_WAY_MS for one in heads)
        due = [one for one in heads if self._is_due(one, now_ms)]
        due.sort(key=lambda one: (one.sent_ms is not None, one.sent_ms or 0))
        return due[: max(0, _AT_ONCE - under_way)]

    def _send(self, given: Given, now_ms: int) -> bool:
        def say() -> bool:
            if not self._say(topic(given.station), given.message):
                return False
            log.info("command %s to %s: sent (%s), time %d", given.id, given.station, given.words, given.sends + 1)
            return True

        return self._book.send(given.id, now_ms, say)

    def _tell(self, station: str, now_ms: int) -> None:
        """Into the book, for whoever asks why a command waits."""
        state = self._states.get(station)
        heard_ms = self._last_received_ms.get(station)
        if heard_ms is not None:
            heard_ms -= heard_ms % _HEARD_STEP_MS
        listens = self._listens(station, now_ms)
        if state is None or listens:
            hearing = Hearing(station, listens, "", heard_ms)
        else:
            hearing = Hearing(station, listens, state.reason, heard_ms, state.next_ms)
        if self._told.get(station) != hearing:
            self._book.hear(hearing)
            self._told[station] = hearing

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
