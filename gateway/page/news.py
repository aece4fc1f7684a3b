"""News of the board to the phones that listen: server-sent events (HTML Living Standard, 9.2).

An event says what sort of thing is new and which open alerts are concerned; the phone rings for those that it has not
rung for, and asks for its page again, so that words and pictures are made in one place. `id` is the version of the
board: a phone that slept tells the last one it had and gets what it missed in one event. What a phone has not taken yet
is merged, so that a slow one costs no memory. One thread watches the board; the event loop serves the phones.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from gateway.rules.facts import Incident
from gateway.watch.board import Board
from gateway.watch.words import BoardChanges

URGENT: Final = frozenset({"incident", "patrol"})
"""Told at once; of the rest a phone is told once a second at most."""
_BETWEEN_S: Final = 1.0
_HEARTBEAT_S: Final = 15.0
_LOOK_UP_S: Final = 0.5
_MOST_ALERTS: Final = 20


class News(NamedTuple):
    """version: of the board. kinds: of incident, patrol, sensor, text, post. alerts: numbers of open alerts
    among the incidents that changed."""

    version: int
    kinds: frozenset[str]
    alerts: tuple[int, ...]

    def and_(self, later: News) -> News:
        """Both in one."""
        alerts = tuple(dict.fromkeys(self.alerts + later.alerts))[-_MOST_ALERTS:]
        return News(max(self.version, later.version), self.kinds | later.kinds, alerts)

    def event(self) -> bytes:
        """As it travels."""
        data = json.dumps({"kinds": sorted(self.kinds), "alerts": self.alerts}, separators=(",", ":"))
        return f"id: {self.version}\nevent: news\ndata: {data}\n\n".encode()


class _Reader:
    """One phone that listens."""

    def __init__(self, since: int) -> None:
        self.pending = News(since, frozenset(), ())
        self.has_news = asyncio.Event()

    def tell(self, news: News) -> None:
        self.pending = self.pending.and_(news)
        self.has_news.set()

    def take(self) -> News:
        taken = self.pending
        self.pending = News(taken.version, frozenset(), ())
        self.has_news.clear()
        return taken


class NewsDesk:
    """See the module. most: readers at once."""

    def __init__(self, board: Board, *, most: int) -> None:
        self._board = board
        self._most = most
        self._readers: set[_Reader] = set()
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether nobody more can listen."""
        return len(self._readers) >= self._most

    def watch(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        """Carry news from the board to the loop until told to stop: for a thread of its own."""
        version = self._board.snapshot().version
        while not stop.is_set():
            changes = self._board.wait_changes(version, _LOOK_UP_S)
            if changes is None:
                continue
            version = changes.version
            try:
                loop.call_soon_threadsafe(self._tell, _news(changes))
            except RuntimeError:
                return  # the loop has ended

    def open(self) -> None:
        """Take readers (again). In the loop."""
        self._is_closed = False

    def close(self) -> None:
        """End every stream. In the loop."""
        self._is_closed = True
        for reader in self._readers:
            reader.has_news.set()

    async def stream(self, last_id: str) -> AsyncIterator[bytes]:
        """What one phone is sent. last_id: its Last-Event-ID, "" for a new one."""
        if self.is_full:
            return  # others came between the question and the stream
        loop = asyncio.get_running_loop()
        known = int(last_id) if last_id.isdecimal() and len(last_id) < 20 else 0
        reader = _Reader(known)
        self._readers.add(reader)
        try:
            yield b"retry: 3000\n\n"
            missed = self._board.wait_changes(known, 0.0) if last_id else None
            if missed is not None:
                reader.tell(_news(missed))
            else:
                yield News(self._board.snapshot().version, frozenset(), ()).event()
            last_s = float("-inf")
            while not self._is_closed:
                try:
                    await asyncio.wait_for(reader.has_news.wait(), _HEARTBEAT_S)
                except TimeoutError:
                    yield b":\n\n"
                    continue
                pause_s = last_s + _BETWEEN_S - loop.time()
                while pause_s > 0 and not reader.pending.kinds & URGENT and not self._is_closed:
                    reader.has_news.clear()
                    try:
                        await asyncio.wait_for(reader.has_news.wait(), pause_s)
                    except TimeoutError:
                        break
                    pause_s = last_s + _BETWEEN_S - loop.time()
                news = reader.take()
                if news.kinds:
                    last_s = loop.time()
                    yield news.event()
        finally:
            self._readers.discard(reader)

    def _tell(self, news: News) -> None:
        if news.kinds:
            for reader in self._readers:
                reader.tell(news)


def _news(changes: BoardChanges) -> News:
    kinds = set()
    if changes.incidents or changes.gone:
        kinds.add("incident")
    if changes.sensors or changes.detections:
        kinds.add("sensor")
    if changes.patrols_out is not None:
        kinds.add("patrol")
    if changes.texts:
        kinds.add("text")
    if changes.post is not None:
        kinds.add("post")
    alerts = tuple(change.incident.number for change in changes.incidents if rings(change.incident))
    return News(changes.version, frozenset(kinds), alerts[:_MOST_ALERTS])


def rings(incident: Incident) -> bool:
    """Whether a phone should ring for it, once."""
    return incident.level == "alert" and incident.state == "open" and not incident.suppressed_by
