"""Dead letters for a person: look at them, and drive them again when their cause is mended."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from gateway.contract.batches import decode_head
from gateway.contract.topics import ContractError, parse_up
from ingest.journal.database import JournalError, connect


class Letter(NamedTuple):
    """A dead letter as a list shows it. at: UTC, ISO 8601."""

    id: int
    at: str
    stage: str
    reason: str
    topic: str
    detail: str


def list_letters(path: Path, reason: str | None, limit: int) -> list[Letter]:
    """The newest dead letters, for one reason or all. Raises JournalError when there is no journal."""
    _must_exist(path)
    with closing(connect(path, "NORMAL")) as db:
        rows = db.execute(
            "SELECT id, at_ms, stage, reason, topic, detail FROM dead_letter WHERE ? IS NULL OR reason = ?"
            " ORDER BY id DESC LIMIT ?",
            (reason, reason, limit),
        ).fetchall()
    return [
        Letter(number, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000)), *rest)
        for number, at_ms, *rest in rows
    ]


def redrive_letters(path: Path, reason: str | None) -> int:
    """Put whole messages that a sink refused behind the last message, so that sinks meet them again; how many. Single
    lines that a database refused, and what was no message, stay. Raises JournalError when there is no journal."""
    _must_exist(path)
    moved = 0
    with closing(connect(path, "FULL")) as db:
        db.execute("BEGIN IMMEDIATE")
        letters = db.execute(
            "SELECT id, topic, payload, message_id FROM dead_letter WHERE message_id IS NOT NULL"
            " AND (? IS NULL OR reason = ?)",
            (reason, reason),
        ).fetchall()
        for number, topic, payload, message_id in letters:
            try:
                station = parse_up(topic).station
                ranges = decode_head(payload).ranges.encode()
            except ContractError:
                continue  # a line of line protocol, or a message that no sink can read
            first = db.execute("SELECT received_ms, fresh FROM message WHERE id = ?", (message_id,)).fetchone()
            received_ms, fresh = first or (time.time_ns() // 1_000_000, ranges)
            db.execute(
                "INSERT INTO message (received_ms, topic, station, fresh, payload) VALUES (?, ?, ?, ?, ?)",
                (received_ms, topic, station, fresh, payload),
            )
            db.execute("DELETE FROM dead_letter WHERE id = ?", (number,))
            moved += 1
        db.execute("COMMIT")
    return moved


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise JournalError(f"there is no journal at {path}")
