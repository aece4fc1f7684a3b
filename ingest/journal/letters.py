"""Dead letters: kept within bounds, listed for a person, driven again when their cause is mended."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from gateway.contract.batches import decode_head, station_digest
from gateway.contract.topics import ContractError, parse_up
from ingest.journal.database import JournalError, connect, transaction
from ingest.messages import DeadLetter

MAX_LETTERS: Final = 100_000
MAX_LETTER_BYTES: Final = 256 * 1024 * 1024
"""Most dead letters of sinks, and bytes of payload in them. They were receipted: the post no longer has them."""

MAX_GARBAGE_LETTERS: Final = 20_000
MAX_GARBAGE_BYTES: Final = 64 * 1024 * 1024
"""The same for what never became a message: a hostile post can fill this, not the disk and not the sinks' share."""

DROPPED: Final = "dead_letter_dropped"
"""Counted for each letter, oldest first, that goes to make room for new ones."""

_SLICE: Final = 200
_INSERT_MESSAGE: Final = (
    "INSERT INTO message (received_ms, topic, station, fresh, payload, territory) VALUES (?, ?, ?, ?, ?, ?)"
)


class Letter(NamedTuple):
    """A dead letter as a list shows it. at: UTC, ISO 8601. Every text is printable and on one line, whatever came."""

    id: int
    at: str
    stage: str
    reason: str
    topic: str
    detail: str
    size: int


class Letters(NamedTuple):
    """Some dead letters, newest first, of how many in all; dropped: how many ever went for want of room."""

    shown: list[Letter]
    total: int
    dropped: int


def keep_letters(db: sqlite3.Connection, letters: Sequence[DeadLetter]) -> int:
    """Within a transaction: keep dead letters and let old ones go when they are too many or too large; how many went.

    What never became a message (stage `journal`) and what a sink refused never make room for each other. Of what sinks
    refused, the oldest of the station that takes most goes, so that a flood of one makes room for itself alone.
    """
    if not letters:
        return 0
    at_ms = time.time_ns() // 1_000_000
    db.executemany(
        "INSERT INTO dead_letter (at_ms, stage, reason, detail, topic, payload, message_id, territory)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT territory FROM message WHERE id = ?7))",
        [(at_ms, d.stage, d.reason, d.detail[:500], d.topic[:200], d.payload, d.message_id) for d in letters],
    )
    count, size, garbage, garbage_size = db.execute(
        "SELECT letters - journal_letters, bytes - journal_bytes, journal_letters, journal_bytes FROM dead_letter_total"
    ).fetchone()
    unmade = "SELECT id, length(payload) FROM dead_letter WHERE stage = 'journal' ORDER BY id"
    going = _of_the_largest(db, count - MAX_LETTERS, size - MAX_LETTER_BYTES)
    going += _too_many(db, unmade, garbage - MAX_GARBAGE_LETTERS, garbage_size - MAX_GARBAGE_BYTES)
    if going:
        db.executemany("DELETE FROM dead_letter WHERE id = ?", going)
        db.execute("UPDATE dead_letter_total SET dropped = dropped + ?", (len(going),))
    return len(going)


def list_letters(path: Path, reason: str | None, limit: int) -> Letters:
    """The newest dead letters, for one reason or all. Raises JournalError."""
    with _opened(path) as db:
        rows = db.execute(
            "SELECT id, at_ms, stage, reason, topic, detail, length(payload) FROM dead_letter"
            " WHERE ? IS NULL OR reason = ? ORDER BY id DESC LIMIT ?",
            (reason, reason, limit),
        )
        shown = [
            Letter(number, _utc(at_ms), stage, why, _printable(topic), _printable(detail), size)
            for number, at_ms, stage, why, topic, detail, size in rows
        ]
        total = db.execute("SELECT count(*) FROM dead_letter WHERE ? IS NULL OR reason = ?", (reason, reason))
        dropped = db.execute("SELECT dropped FROM dead_letter_total")
        return Letters(shown, total.fetchone()[0], dropped.fetchone()[0])


def redrive_letters(path: Path, reason: str | None) -> int:
    """Put the messages that a sink refused, whole or some lines of them, behind the last message, so that sinks meet
    them again; how many messages.

    What stays: what never became a message, and lines whose message the journal has pruned. Ingest may be running: a
    slice at a time, so that it never waits long; what is refused anew meanwhile is not driven again. Raises
    JournalError; what was driven by then is, and the rest can be driven again.
    """
    moved: set[int] = set()
    with _opened(path) as db:
        last = db.execute("SELECT coalesce(max(id), 0) FROM dead_letter").fetchone()[0]
        at = 0
        while at < last:
            with transaction(db):
                letters = db.execute(
                    "SELECT id, topic, payload, message_id, territory FROM dead_letter WHERE id > ? AND id <= ?"
                    " AND message_id IS NOT NULL AND (? IS NULL OR reason = ?) ORDER BY id LIMIT ?",
                    (at, last, reason, reason, _SLICE),
                ).fetchall()
                for number, topic, payload, message_id, territory in letters:
                    if message_id in moved or _append_again(db, topic, payload, message_id, territory):
                        moved.add(message_id)
                        db.execute("DELETE FROM dead_letter WHERE id = ?", (number,))
            at = letters[-1][0] if letters else last
    return len(moved)


def _of_the_largest(db: sqlite3.Connection, letters: int, size: int) -> list[tuple[int]]:
    """The ids of sinks' letters that must go so that at least this many letters and bytes less remain: each time the
    oldest of the station that takes most of what is wanting."""
    going: list[tuple[int]] = []
    if letters <= 0 and size <= 0:
        return going
    shares = {station: [n, taken] for station, n, taken in db.execute("SELECT * FROM dead_letter_share")}
    oldest = {
        station: db.execute(
            "SELECT id, length(payload) FROM dead_letter WHERE station = ? AND stage <> 'journal' ORDER BY id",
            (station,),
        )
        for station in shares
    }
    while shares and (len(going) < letters or size > 0):
        wanting = 1 if size > 0 else 0
        station = max(shares, key=lambda name: shares[name][wanting])
        row = oldest[station].fetchone()
        if row is None:
            del shares[station]
            continue
        number, length = row
        size -= length
        shares[station][0] -= 1
        shares[station][1] -= length
        going.append((number,))
    return going


def _too_many(db: sqlite3.Connection, oldest_first: str, letters: int, size: int) -> list[tuple[int]]:
    """The ids of the oldest that must go so that at least this many letters and bytes less remain."""
    going: list[tuple[int]] = []
    if letters <= 0 and size <= 0:
        return going
    for number, length in db.execute(oldest_first):
        if len(going) >= letters and size <= 0:
            break
        size -= length
        going.append((number,))
    return going


def _append_again(db: sqlite3.Connection, topic: str, payload: bytes, message_id: int, territory: str | None) -> bool:
    """Append a message anew: as it stands in the journal, else from a letter that holds the whole of it."""
    row = db.execute(
        "SELECT received_ms, topic, station, fresh, payload, territory FROM message WHERE id = ?", (message_id,)
    ).fetchone()
    if row is None:
        try:
            station = parse_up(topic).station
            head = decode_head(payload)
        except ContractError:
            return False
        if head.station_digest != station_digest(station):  # a line of line protocol that happens to look like a head
            return False
        row = (time.time_ns() // 1_000_000, topic, station, head.ranges.encode(), payload, territory)
    db.execute(_INSERT_MESSAGE, row)
    return True


def _printable(text: str) -> str:
    """Text from the field, safe on a terminal and in one column: what does not print is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _utc(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A journal that may be in use. Raises JournalError, for what is done with it as well."""
    if not path.exists():
        raise JournalError(f"there is no journal at {path}")
    try:
        with closing(connect(path, "FULL")) as db:
            yield db
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path}: {error}") from error
