"""Verifies files that have come whole and stores them for good; only then is the post told that they are there.

A file that cannot be stored is set aside for a while, each time for longer, and the others go on. Whether it is that
file or the whole store, only another file tells: a round ends with a failure when nothing was stored since it began or
since the failure before, and so a store that is away costs one try a round, each of another file.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from gateway.contract.media import Answer, suffix_of
from ingest.errors import RetryLater
from ingest.line_protocol import quality_slug
from ingest.media.archive import Archive
from ingest.media.index import MediaIndex
from ingest.media.parts import Parts, digest
from ingest.media.rows import FileRow, FileState
from ingest.media.stage import fail

log = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
_LONGEST_ASIDE_S: Final = 60.0
_MOST_DUE: Final = 100
_IDLE_S: Final = 1.0

Tell = Callable[[str, Mapping[str, Answer]], None]


class _Aside(NamedTuple):
    """A file that could not be stored. due: when it is tried again, monotonic."""

    station: str
    sha256: str
    due: float
    wait_s: float


class _Round(NamedTuple):
    """tried: how many were to be stored. stored: how many were, or were given up. fault: why the last that was not was
    not, or ""."""

    tried: int
    stored: int
    fault: str


class MediaKeeper:
    """A stage. Only `path_of` of the parts is used. attempts: how often a file that is not what its hash says is begun
    anew. For others to look at, from any thread: behind (files to be stored), trouble ("" or why some of them wait),
    counts, discards."""

    def __init__(self, index: MediaIndex, parts: Parts, archive: Archive, attempts: int, tell: Tell) -> None:
        self._index = index
        self._parts = parts
        self._archive = archive
        self._attempts = attempts
        self._tell = tell
        self._news = threading.Event()
        self._aside: dict[int, _Aside] = {}
        self.behind = 0
        self.trouble = ""
        self.counts: Counter[str] = Counter()
        self.discards: Counter[str] = Counter()

    def wake(self) -> None:
        """A file has come whole. From any thread."""
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. Index and archive are open."""
        wait_s = _FIRST_WAIT_S
        while not stop.is_set():
            self._news.clear()
            try:
                tried, stored, fault = self._round(stop)
            except RetryLater as error:  # the index
                tried, stored, fault = 1, 0, str(error)
            if stored:
                wait_s = _FIRST_WAIT_S
            if fault:
                self._say(fault)
                stop.wait(wait_s)
                wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
                continue
            if not self._aside:
                self._say("")
            if not tried:
                self._wait(stop)

    def _round(self, stop: threading.Event) -> _Round:
        """Those that are new, then those that were set aside and are due. Raises MediaIndexError."""
        rows = self._index.whole(self._aside) + self._due()
        self.behind = self._index.count_whole()
        stored, fault, is_in_doubt = 0, "", True
        for tried, row in enumerate(rows, start=1):
            if stop.is_set():
                return _Round(tried, stored, "")
            try:
                self._settle(row)
            except (RetryLater, OSError) as error:
                fault = str(error)
                self._set_aside(row)
                if is_in_doubt:
                    break
                is_in_doubt = True
                continue
            self._aside.pop(row.id, None)
            self.behind -= 1
            stored, is_in_doubt = stored + 1, False
        return _Round(len(rows), stored, fault)

    def _due(self) -> list[FileRow]:
        """Of those set aside: whose time has come, longest since first. What is stored or given up meanwhile is
        forgotten."""
        now = time.monotonic()
        rows: list[FileRow] = []
        for number, aside in sorted(self._aside.items(), key=lambda item: item[1].due):
            if aside.due > now or len(rows) == _MOST_DUE:
                break
            row = self._index.get(aside.station, aside.sha256)
            if row is None or row.id != number or row.state is not FileState.WHOLE:
                del self._aside[number]
            else:
                rows.append(row)
        return rows

    def _set_aside(self, row: FileRow) -> None:
        earlier = self._aside.get(row.id)
        wait_s = _FIRST_WAIT_S if earlier is None else min(_LONGEST_ASIDE_S, earlier.wait_s * 2)
        self._aside[row.id] = _Aside(row.station, row.sha256, time.monotonic() + wait_s, wait_s)

    def _settle(self, row: FileRow) -> None:
        part = self._parts.path_of(row)
        try:
            is_right = digest(part, row.size_bytes) == row.sha256
        except FileNotFoundError:
            is_right = False
        if is_right:
            self._store(row)
            self.counts["media_stored_files"] += 1
        else:
            log.debug("%s: %s is not what its hash says", row.station, row.sha256)
            self.discards["hash_mismatch"] += 1
            fail(row, self._attempts)
            self._index.save([row], {})
        part.unlink(missing_ok=True)
        self._tell(row.station, {row.sha256: row.answer()})

    def _store(self, row: FileRow) -> None:
        name = f"{row.sha256[:2]}/{row.sha256}{suffix_of(row.media_type)}"
        self._archive.put(name, self._parts.path_of(row), row.sha256, row.size_bytes)
        self._archive.put_card(f"{row.sha256[:2]}/{row.sha256}.{row.station}.json", card_of(row, name))
        row.state, row.name, row.reason = FileState.STORED, name, ""
        row.touched_ms = time.time_ns() // 1_000_000
        self._index.save([row], {})

    def _say(self, words: str) -> None:
        if words and not self.trouble:
            log.warning("pictures wait to be stored: %s", words)
        elif self.trouble and not words:
            log.info("pictures are stored again")
        self.trouble = words

    def _wait(self, stop: threading.Event) -> None:
        deadline = time.monotonic() + _IDLE_S
        while not stop.is_set() and time.monotonic() < deadline:
            if self._news.wait(0.25):
                return


def card_of(row: FileRow, name: str) -> bytes:
    """The JSON card that lies beside a stored file."""
    card = {
        "sha256": row.sha256,
        "file": name,
        "size_bytes": row.size_bytes,
        "media_type": row.media_type,
        "station": row.station,
        "territory": row.territory,
        "sensor": row.sensor,
        "label": row.label,
        "time": datetime.fromtimestamp(row.time_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "time_quality": quality_slug(row.quality),
        "time_uncertainty_seconds": row.uncertainty_ms / 1000,
        "number": row.number,
        "of": row.total,
        "notes": row.notes,
    }
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"
