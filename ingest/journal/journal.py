"""The journal: append what came, once; let sinks read it at their own pace; keep what was refused.

Written to by one thread (`append`); sinks read and move their cursors through a `JournalReader` of their own.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from gateway.contract.batches import decode_head, station_digest
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import ContractError, parse_up
from ingest.journal.database import JournalLock, connect
from ingest.messages import DeadLetter, JournalMessage

log = logging.getLogger(__name__)

MAX_EPOCHS_OF_A_STATION: Final = 4096
MAX_RANGES_OF_AN_EPOCH: Final = 65_536
MAX_DEAD_LETTERS: Final = 100_000
_MAX_READ_BYTES: Final = 4 * 1024 * 1024


class Arrival(NamedTuple):
    """A message as the broker gave it. received_ms: Unix time."""

    topic: str
    payload: bytes
    received_ms: int


class Appended(NamedTuple):
    """What an append did. receipts: station to epoch to what the journal holds (at least what came). entries: how many
    were new. counts: what was refused or known already, by reason."""

    receipts: dict[str, dict[bytes, RangeSet]]
    entries: int
    counts: Counter[str]


class _Seen:
    """What of one epoch is in the journal."""

    __slots__ = ("ranges", "touched_ms")

    def __init__(self, ranges: RangeSet, touched_ms: int) -> None:
        self.ranges = ranges
        self.touched_ms = touched_ms


class Journal:
    """The writing side. No I/O before `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = JournalLock(path)
        self._db: sqlite3.Connection | None = None
        self._seen: dict[str, dict[bytes, _Seen]] = {}

    def open(self) -> None:
        """Take the lock and open the file. Raises JournalError."""
        self._lock.take()
        self._db = connect(self.path, "FULL")
        for station, epoch, ranges, touched_ms in self._db.execute(
            "SELECT station, epoch, ranges, touched_ms FROM seen"
        ):
            held, _ = RangeSet.decode(ranges, limit=MAX_RANGES_OF_AN_EPOCH)
            self._seen.setdefault(station, {})[epoch] = _Seen(held, touched_ms)

    def close(self) -> None:
        """Close the file and let the lock go."""
        if self._db is not None:
            self._db.close()
            self._db = None
        self._seen.clear()
        self._lock.release()

    def append(self, arrivals: Sequence[Arrival]) -> Appended:
        """Store what is new of some messages, in one transaction: on disk when this returns. What breaks the contract
        becomes a dead letter. Raises sqlite3.Error, with nothing stored or marked, when the disk does not take it."""
        if self._db is None:
            raise RuntimeError("the journal is not open")
        counts: Counter[str] = Counter()
        receipts: dict[str, dict[bytes, RangeSet]] = {}
        rows: list[tuple[int, str, str, bytes, bytes]] = []
        letters: list[DeadLetter] = []
        changed: dict[tuple[str, bytes], _Seen] = {}
        entries = 0
        for arrival in arrivals:
            try:
                station, epoch, ranges = _whose(arrival)
                seen = changed.get((station, epoch)) or self._seen_of(station, epoch)
                fresh = ranges.minus(seen.ranges)
                if fresh:
                    seen = changed[station, epoch] = _Seen(_with(seen.ranges, fresh), arrival.received_ms)
                    rows.append((arrival.received_ms, arrival.topic, station, fresh.encode(), arrival.payload))
                    entries += len(fresh)
            except ContractError as error:
                letters.append(DeadLetter("journal", error.reason, error.detail, arrival.topic, arrival.payload, None))
                counts[error.reason] += 1
                continue
            counts["duplicate_entry"] += len(ranges) - len(fresh)
            held_now = receipts.setdefault(station, {}).setdefault(epoch, RangeSet())
            held_now.update(seen.ranges.covering(ranges))
        self._store(rows, letters, changed)
        return Appended(receipts, entries, +counts)

    def _seen_of(self, station: str, epoch: bytes) -> _Seen:
        return self._seen.get(station, {}).get(epoch) or _Seen(RangeSet(), 0)

    def _store(
        self,
        rows: list[tuple[int, str, str, bytes, bytes]],
        letters: list[DeadLetter],
        changed: dict[tuple[str, bytes], _Seen],
    ) -> None:
        if not (rows or letters):
            return
        assert self._db is not None
        db = self._db
        forgotten: list[tuple[str, bytes]] = []
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(
                "INSERT INTO message (received_ms, topic, station, fresh, payload) VALUES (?, ?, ?, ?, ?)", rows
            )
            db.executemany(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)",
                [(station, epoch, s.ranges.encode(), s.touched_ms) for (station, epoch), s in changed.items()],
            )
            for station in {station for station, _ in changed}:
                forgotten += self._too_old(station, {e: s for (of, e), s in changed.items() if of == station})
            db.executemany("DELETE FROM seen WHERE station = ? AND epoch = ?", forgotten)
            insert_dead_letters(db, letters)
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        for (station, epoch), seen in changed.items():
            self._seen.setdefault(station, {})[epoch] = seen
        for station, epoch in forgotten:
            self._seen[station].pop(epoch, None)

    def _too_old(self, station: str, coming: dict[bytes, _Seen]) -> list[tuple[str, bytes]]:
        """The epochs of a station, longest untouched, that are too many. A point written again is the same point, so
        the price of forgetting one is work, not truth."""
        held = self._seen.get(station, {}) | coming
        surplus = len(held) - MAX_EPOCHS_OF_A_STATION
        if surplus <= 0:
            return []
        oldest = sorted((epoch for epoch in held if epoch not in coming), key=lambda epoch: held[epoch].touched_ms)
        return [(station, epoch) for epoch in oldest[:surplus]]

    def prune(self, older_than_ms: int) -> int:
        """Delete messages that came before a Unix time and that every sink has read; how many. At most a slice at a
        time, so that appending never waits long."""
        assert self._db is not None
        cursor = self._db.execute(
            "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE received_ms < ? AND id <="
            " (SELECT coalesce(min(message_id), 0) FROM cursor) ORDER BY id LIMIT 1000)",
            (older_than_ms,),
        )
        return cursor.rowcount


class JournalReader:
    """One sink's own way into the journal: where it stands, what comes next, what it refuses. One thread."""

    def __init__(self, path: Path, sink: str) -> None:
        self._path = path
        self._sink = sink
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open, and begin at the first message if this sink is new. Raises JournalError."""
        self._db = connect(self._path, "NORMAL")
        self._db.execute("INSERT OR IGNORE INTO cursor VALUES (?, 0)", (self._sink,))

    def close(self) -> None:
        """Close."""
        if self._db is not None:
            self._db.close()
            self._db = None

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise RuntimeError("the journal reader is not open")
        return self._db

    def behind(self) -> int:
        """How many messages are still to be read."""
        row = self._open.execute(
            "SELECT (SELECT coalesce(max(id), 0) FROM message) - (SELECT message_id FROM cursor WHERE sink = ?)",
            (self._sink,),
        ).fetchone()
        return max(0, int(row[0]))

    def next(self, limit: int) -> list[JournalMessage]:
        """The next messages, at most `limit` of them and about 4 MiB; nothing is marked."""
        rows = self._open.execute(
            "SELECT id, received_ms, topic, station, payload, fresh FROM message"
            " WHERE id > (SELECT message_id FROM cursor WHERE sink = ?) ORDER BY id LIMIT ?",
            (self._sink, limit),
        )
        messages: list[JournalMessage] = []
        size = 0
        for number, received_ms, topic, station, payload, fresh in rows:
            ranges, _ = RangeSet.decode(fresh)
            messages.append(JournalMessage(number, received_ms, topic, station, payload, ranges))
            size += len(payload)
            if size >= _MAX_READ_BYTES:
                break
        return messages

    def done(self, up_to: int, letters: Sequence[DeadLetter]) -> None:
        """Every message up to this one is stored or refused: move the cursor and keep the refused, together."""
        db = self._open
        db.execute("BEGIN IMMEDIATE")
        try:
            insert_dead_letters(db, letters)
            db.execute("UPDATE cursor SET message_id = ? WHERE sink = ?", (up_to, self._sink))
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def insert_dead_letters(db: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """Within a transaction: keep dead letters, and let the oldest go when they are too many."""
    if not letters:
        return
    at_ms = time.time_ns() // 1_000_000
    db.executemany(
        "INSERT INTO dead_letter (at_ms, stage, reason, detail, topic, payload, message_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(at_ms, d.stage, d.reason, d.detail[:500], d.topic[:200], d.payload, d.message_id) for d in letters],
    )
    db.execute(
        "DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - ?",
        (MAX_DEAD_LETTERS,),
    )


def _whose(arrival: Arrival) -> tuple[str, bytes, RangeSet]:
    """Station, epoch and entries of a message. Raises ContractError when topic and content disagree."""
    topic = parse_up(arrival.topic)
    head = decode_head(arrival.payload)
    if head.station_digest != station_digest(topic.station):
        raise ContractError("station_mismatch", f"the message is not of {topic.station}, whose topic it came on")
    return topic.station, head.epoch, head.ranges


def _with(held: RangeSet, fresh: RangeSet) -> RangeSet:
    """Both together. Raises ContractError when that has too many gaps to keep."""
    both = RangeSet(held)
    both.update(fresh)
    if both.count_ranges() > MAX_RANGES_OF_AN_EPOCH:
        raise ContractError("too_fragmented", f"an epoch with more than {MAX_RANGES_OF_AN_EPOCH} gaps")
    return both
