"""Messages as they arrive, and what a journal's file says, read apart from the journal's own code."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.contract.batches import encode_batch, station_digest
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane, up
from ingest.journal.journal import Arrival, Journal, TerritoryOf
from tests.ingest.messages import EPOCH, NOON_MS, entry

STATION = "boca-yaguas"


def arrival(
    sequences: Iterable[int],
    *,
    station: str = STATION,
    epoch: bytes = EPOCH,
    at_ms: int = NOON_MS,
    lane: Lane = Lane.READING,
) -> Arrival:
    """A whole message of some entries."""
    return Arrival(up(station, lane), encode_batch(station, epoch, [entry(n) for n in sequences]), at_ms)


def headed(
    ranges: RangeSet, *, station: str = STATION, epoch: bytes = EPOCH, at_ms: int = NOON_MS, body: bytes = b"\0"
) -> Arrival:
    """A message whose head is true and whose body is anything: all that the journal reads."""
    payload = bytes((1, 0)) + station_digest(station) + epoch + ranges.encode() + body
    return Arrival(up(station, Lane.READING), payload, at_ms)


@contextmanager
def opened(path: Path, territory_of: TerritoryOf = lambda _: None) -> Iterator[Journal]:
    """A journal, closed afterwards."""
    journal = Journal(path, territory_of)
    journal.open()
    try:
        yield journal
    finally:
        journal.close()


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    """What SQLite answers, on a connection of its own."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(statement).fetchall()


def fresh_entries(path: Path) -> list[tuple[str, bytes, int]]:
    """(station, epoch, sequence) of every fresh entry of every message, in the order of the journal."""
    found = []
    for station, payload, fresh in rows(path, "SELECT station, payload, fresh FROM message ORDER BY id"):
        assert isinstance(station, str)
        assert isinstance(payload, bytes)
        assert isinstance(fresh, bytes)
        found += [(station, payload[6:14], number) for number in RangeSet.decode(fresh)[0].numbers()]
    return found


def seen_entries(path: Path) -> list[tuple[str, bytes, int]]:
    """(station, epoch, sequence) of every entry that the table `seen` names."""
    found = []
    for station, epoch, ranges in rows(path, "SELECT station, epoch, ranges FROM seen"):
        assert isinstance(station, str)
        assert isinstance(epoch, bytes)
        assert isinstance(ranges, bytes)
        found += [(station, epoch, number) for number in RangeSet.decode(ranges, limit=2**20)[0].numbers()]
    return found
