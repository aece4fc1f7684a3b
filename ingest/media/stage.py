"""Takes what posts send of their pictures: index and parts on disk, then the acknowledgement, then the answer.

One thread (`run`), apart from the journal's, so that no alert waits for a picture: when more comes than fits into its
queue, or when the disk takes nothing, a message is acknowledged, counted and dropped. That loses nothing: only what an
answer names counts as held, and a post sends the rest again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gateway.contract import topics
from gateway.contract.media import (
    MAX_FILE_RANGES,
    Announcement,
    Answer,
    Chunk,
    MediaMessage,
    Question,
    Status,
    decode_media,
    encode_answers,
)
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import ContractError, parse_up
from ingest.media.index import MediaIndex, MediaIndexError
from ingest.media.parts import Parts
from ingest.media.rows import FileRow, FileState
from ingest.media.settings import MediaSettings
from ingest.registry import Registry

log = logging.getLogger(__name__)

STAGE: Final = "media"
QUEUE_MESSAGES: Final = 128
"""Fewer than [broker] receive_maximum: what waits here is not acknowledged, and alerts need room beside it."""
QUEUE_BYTES: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 64
_ABANDONED_MS: Final = 24 * 3600 * 1000
_RETRY_S: Final = 600
_UNKNOWN_RETRY_S: Final = 3600
_LOOK_S: Final = 0.25

Say = Callable[[str, bytes], object]
"""Publishes a message, if there is a connection."""


class Incoming(NamedTuple):
    """A message of lane media. acknowledge: the broker may forget it; from any thread."""

    topic: str
    payload: bytes
    acknowledge: Callable[[], None]


class _Batch:
    """What some messages change, until it is all saved together."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], FileRow] = {}
        self.changed: dict[tuple[str, str], FileRow] = {}
        self.written: dict[tuple[str, str], FileRow] = {}
        self.thumbnails: dict[tuple[str, str], bytes] = {}
        self.answers: dict[str, dict[str, Answer]] = defaultdict(dict)
        self.announcers: set[str] = set()
        self.begun: list[FileRow] = []
        self.spoilt: list[Path] = []
        self.counts: Counter[str] = Counter()
        self.discards: Counter[str] = Counter()

    def keep(self, row: FileRow) -> None:
        """The row is to be saved."""
        key = (row.station, row.sha256)
        self.rows[key] = self.changed[key] = row


class MediaStage:
    """See the module. The index is open. whole: told when a file has come whole. For others to look at, from any
    thread: counts (by name), discards (by reason), trouble ("" or why nothing is taken)."""

    def __init__(
        self,
        settings: MediaSettings,
        parts: Parts,
        index: MediaIndex,
        registry: Registry,
        say: Say,
        whole: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._index = index
        self._registry = registry
        self._say = say
        self._whole = whole
        self._queue: queue.SimpleQueue[Incoming] = queue.SimpleQueue()
        self._queue_lock = threading.Lock()
        self._queued_bytes = 0
        self.counts: Counter[str] = Counter()
        self.discards: Counter[str] = Counter()
        self.trouble = ""

    def take(self, topic: str, payload: bytes, acknowledge: Callable[[], None]) -> None:
        """A message has come; never waits. From any thread."""
        incoming = Incoming(topic, payload, acknowledge)
        with self._queue_lock:
            fits = self._queue.qsize() < QUEUE_MESSAGES and self._queued_bytes + len(incoming.payload) <= QUEUE_BYTES
            if fits:
                self._queued_bytes += len(incoming.payload)
                self._queue.put(incoming)
        if not fits:
            self.discards["overflow"] += 1
            incoming.acknowledge()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        self._clean()
        try:
            while not stop.is_set():
                if batch := self._next():
                    self._handle(batch)
        finally:
            self._parts.close()

    def tell(self, station: str, answers: Mapping[str, Answer]) -> None:
        """Answer a post. From any thread."""
        for message in encode_answers(answers):
            self._say(topics.media(station), message)
            self.counts["media_answers"] += 1

    # a batch

    def _clean(self) -> None:
        try:
            left = self._parts.clean({self._parts.path_of(row) for row in self._index.parts()})
        except (OSError, MediaIndexError) as error:
            log.debug("parts that kills left stay: %s", error)
            return
        if left:
            log.info("%d parts of pictures that kills left are deleted", left)

    def _next(self) -> list[Incoming]:
        batch: list[Incoming] = []
        try:
            batch.append(self._queue.get(timeout=_LOOK_S))
            while len(batch) < _AT_ONCE:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        with self._queue_lock:
            self._queued_bytes -= sum(len(incoming.payload) for incoming in batch)
        return batch

    def _handle(self, incoming: list[Incoming]) -> None:
        batch = _Batch()
        try:
            for one in incoming:
                batch.counts["media_messages"] += 1
                try:
                    self._handle_one(one, batch)
                except ContractError as error:
                    batch.discards[error.reason] += 1
                    log.debug("%s: %s", one.topic, error)
            self._save(batch)
        except (OSError, MediaIndexError) as error:
            # Acknowledged all the same: the posts send again what no answer names, and no alert waits behind it.
            self._say_trouble(f"pictures of the posts cannot be kept: {error}")
            self.discards["unwritable"] += len(incoming)
            self._parts.close()
            for one in incoming:
                one.acknowledge()
            return
        self._say_trouble("")
        for one in incoming:
            one.acknowledge()
        self.counts.update(batch.counts)
        self.discards.update(batch.discards)
        for station, answers in batch.answers.items():
            self.tell(station, answers)
        for path in batch.spoilt:
            self._parts.remove(path)
        if any(row.state is FileState.WHOLE for row in batch.changed.values()):
            self._whole()

    def _save(self, batch: _Batch) -> None:
        for row in batch.written.values():
            self._parts.sync(row)
        if batch.changed:
            self._index.save(list(batch.changed.values()), batch.thumbnails)
        for row in batch.changed.values():
            if row.state is FileState.WHOLE:
                self._parts.release(row)
                batch.counts["media_whole_files"] += 1
        for station in batch.announcers:
            batch.counts["media_forgotten"] += self._index.forget_announced(station, self._settings.max_announced)

    def _handle_one(self, incoming: Incoming, batch: _Batch) -> None:
        """Raises ContractError for what breaks the contract, OSError and MediaIndexError for our own disk."""
        station = parse_up(incoming.topic).station
        message = decode_media(incoming.payload)
        territory = self._registry.territory_of(station)
        answers = batch.answers[station]
        if territory is None:
            batch.discards["unknown_station"] += 1
            refused = Answer(Status.REFUSED, reason="unknown_station", retry_after_s=_UNKNOWN_RETRY_S)
            answers.update(dict.fromkeys(_named(message), refused))
            return
        if isinstance(message, Question):
            for sha256 in message.sha256s:
                row = self._row(station, sha256, batch)
                answers[sha256] = Answer(Status.UNKNOWN) if row is None else row.answer()
            return
        row = self._row(station, message.sha256, batch)
        if isinstance(message, Announcement):
            answers[message.sha256] = self._announced(station, territory, message, row, batch)
        elif row is None:
            batch.discards["not_announced"] += 1
            answers[message.sha256] = Answer(Status.UNKNOWN)
        else:
            answers[message.sha256] = self._chunk(row, message, batch)

    def _row(self, station: str, sha256: str, batch: _Batch) -> FileRow | None:
        key = (station, sha256)
        if key not in batch.rows:
            row = self._index.get(station, sha256)
            if row is None:
                return None
            batch.rows[key] = row
        return batch.rows[key]

    # announcements

    def _announced(
        self, station: str, territory: str, said: Announcement, row: FileRow | None, batch: _Batch
    ) -> Answer:
        batch.counts["media_announcements"] += 1
        now_ms = time.time_ns() // 1_000_000
        if row is not None and row.state in (FileState.PARTIAL, FileState.WHOLE, FileState.STORED):
            return row.answer()
        if row is None and self._parts.free_bytes() < self._settings.keep_free_bytes:
            # Thumbnails alone, of all posts, could fill the disk that the journal needs.
            batch.discards["disk_full"] += 1
            return Answer(Status.REFUSED, reason="disk_full", retry_after_s=_RETRY_S)
        again = row
        row = FileRow(
            again.id if again is not None else 0,
            station,
            said.sha256,
            territory,
            said.size_bytes,
            said.media_type,
            said.sensor,
            said.label,
            said.time_ms,
            said.quality,
            said.uncertainty_ms,
            said.number,
            said.of,
            dict(said.notes),
            now_ms if again is None else again.received_ms,
            now_ms,
            FileState.ANNOUNCED,
            RangeSet(),
            attempt=again.attempt if again is not None else 0,
        )
        if again is not None and again.quality <= said.quality:  # the first word stands, unless the new is surer
            row.time_ms, row.quality, row.uncertainty_ms = again.time_ms, again.quality, again.uncertainty_ms
        if said.thumbnail:
            batch.thumbnails[station, said.sha256] = said.thumbnail
        if said.size_bytes > self._settings.max_file_bytes:
            row.refuse("too_large")
            batch.discards["too_large"] += 1
        batch.keep(row)
        batch.announcers.add(station)
        return row.answer()

    # chunks

    def _chunk(self, row: FileRow, chunk: Chunk, batch: _Batch) -> Answer:
        batch.counts["media_chunks"] += 1
        if row.state not in (FileState.ANNOUNCED, FileState.PARTIAL):
            batch.counts["media_duplicate_chunks"] += 1
            return row.answer()
        if chunk.size_bytes != row.size_bytes:
            batch.discards["size_mismatch"] += 1
            return row.answer()
        if row.state is FileState.ANNOUNCED and (reason := self._no_room(row, batch)):
            batch.discards[reason] += 1
            return Answer(Status.REFUSED, reason=reason, retry_after_s=_RETRY_S)
        if not self._parts.agrees(row, chunk):
            batch.discards["overlap_differs"] += 1
            self._spoilt(row, batch)
            return row.answer()
        grown = RangeSet(row.ranges)
        grown.add(chunk.offset + 1, chunk.offset + len(chunk.content))
        if grown == row.ranges:
            batch.counts["media_duplicate_chunks"] += 1
            return row.answer()
        if grown.count_ranges() > MAX_FILE_RANGES:
            batch.discards["too_many_pieces"] += 1
            return row.answer()
        self._parts.write(row, chunk)
        if row.state is FileState.ANNOUNCED:
            batch.begun.append(row)
        batch.counts["media_bytes"] += len(grown) - len(row.ranges)
        row.ranges, row.touched_ms = grown, time.time_ns() // 1_000_000
        row.state = FileState.WHOLE if len(grown) == row.size_bytes else FileState.PARTIAL
        batch.written[row.station, row.sha256] = row
        batch.keep(row)
        return row.answer()

    def _no_room(self, row: FileRow, batch: _Batch) -> str:
        """Why no part of a file can be begun now: "", quota or disk_full."""
        usage = self._index.usage(row.station)
        begun = [other for other in batch.begun if other.station == row.station]
        files = usage.files + len(begun)
        room = usage.bytes + sum(other.size_bytes for other in begun)
        if files >= self._settings.max_open_files or room + row.size_bytes > self._settings.max_open_bytes:
            now_ms = time.time_ns() // 1_000_000
            stale = self._index.stalest(row.station, now_ms - _ABANDONED_MS)
            if stale is None or (stale.station, stale.sha256) in batch.changed:
                return "quota"
            batch.discards["abandoned_part"] += 1
            batch.spoilt.append(self._parts.path_of(stale))
            stale.begin_anew()
            batch.keep(stale)
        if self._parts.free_bytes() - row.size_bytes < self._settings.keep_free_bytes:
            return "disk_full"
        return ""

    def _spoilt(self, row: FileRow, batch: _Batch) -> None:
        """What came of a file contradicts itself: it begins anew, or is given up."""
        batch.spoilt.append(self._parts.path_of(row))
        batch.written.pop((row.station, row.sha256), None)
        fail(row, self._settings.attempts)
        batch.keep(row)

    def _say_trouble(self, words: str) -> None:
        if words and not self.trouble:
            log.error("%s; the posts keep them and send them again", words)
        elif self.trouble and not words:
            log.info("pictures of the posts are kept again")
        self.trouble = words


def fail(row: FileRow, attempts: int) -> None:
    """What came of a file is not what its hash says: it begins anew, or is refused after so many attempts."""
    row.failures += 1
    if row.failures >= attempts:
        row.refuse("hash_mismatch")
    else:
        row.begin_anew()


def _named(message: MediaMessage) -> tuple[str, ...]:
    return message.sha256s if isinstance(message, Question) else (message.sha256,)
