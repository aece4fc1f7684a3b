"""A sink's own way into the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.contract.ranges import RangeSet
from ingest.journal.database import connect, transaction
from ingest.journal.letters import keep_letters
from ingest.messages import DeadLetter, JournalMessage

_MAX_READ_BYTES: Final = 4 * 1024 * 1024


class JournalReader:
    """Where a sink stands, what comes next, what it refuses. For one thread."""

    def __init__(self, path: Path, sink: str) -> None:
        self._path = path
        self._sink = sink
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open, and begin at the first message if this sink is new. Raises JournalError or sqlite3.Error."""
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

    def done(self, up_to: int, letters: Sequence[DeadLetter]) -> int:
        """Every message up to this one is stored or refused: move the cursor and keep the refused, together. How many
        older dead letters went for want of room. Raises sqlite3.Error, with nothing moved."""
        db = self._open
        with transaction(db):
            dropped = keep_letters(db, letters)
            db.execute("UPDATE cursor SET message_id = ? WHERE sink = ?", (up_to, self._sink))
        return dropped
