"""The journal's writing side: append what came, once; prune what is old. Written to by one thread."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from gateway.contract.batches import decode_head, station_digest
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import ContractError, parse_up
from ingest.journal.database import JournalError, JournalLock, connect, transaction
from ingest.journal.letters import DROPPED, keep_letters
from ingest.journal.seen import Seen, SeenUpdate
from ingest.messages import DeadLetter

log = logging.getLogger(__name__)

STAGE: Final = "journal"
PRUNE_SLICE: Final = 1000
OVER_QUOTA: Final = "over_quota"
"""Counted for each message of a station that has had its bytes of the day."""
_DAY_MS: Final = 86_400_000


class Arrival(NamedTuple):
    """A message as the broker gave it. received_ms: Unix time."""

    topic: str
    payload: bytes
    received_ms: int


class Appended(NamedTuple):
    """What an append did.

    receipts: station to epoch to what the journal holds (at least what came). discards: by reason. counts: by name;
    each of `received_messages` is one of `journaled_messages`, `duplicate_messages` (nothing new in it) and
    `refused_messages` (now a dead letter, or OVER_QUOTA: not receipted, so that the post keeps it); `journaled_entries`
    are the new ones; for `forgotten_ranges` see `ingest.journal.seen`.
    """

    receipts: dict[str, dict[bytes, RangeSet]]
    counts: Counter[str]
    discards: Counter[str]


TerritoryOf = Callable[[str], str | None]
"""The territory that a station is registered in now."""


class Journal:
    """The writing side. No I/O before `open`.

    territory_of: what is frozen with each message that comes. bytes_a_day: taken of a station from midnight to midnight
    UTC, as far as this process knows; of what comes beyond it nothing is stored, marked or receipted: the post keeps it
    and sends it again.
    """

    def __init__(
        self, path: Path, territory_of: TerritoryOf = lambda _: None, *, bytes_a_day: int | None = None
    ) -> None:
        self.path = path
        self._bytes_a_day = bytes_a_day
        self._day = 0
        self._taken: Counter[str] = Counter()
        self._told: set[str] = set()
        self._territory_of = territory_of
        self._lock = JournalLock(path)
        self._db: sqlite3.Connection | None = None
        self._seen = Seen()

    def open(self) -> None:
        """Take the lock and open the file. Raises JournalError."""
        self._lock.take()
        try:
            self._db = connect(self.path, "FULL")
            self._seen.load(self._db)
        except (sqlite3.Error, ContractError) as error:
            self.close()
            raise JournalError(
                f"the journal {self.path} is damaged ({error}): move the file and its -wal and -shm aside, keep them,"
                " and start again: posts send again whatever has no receipt"
            ) from error
        except JournalError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and let the lock go."""
        if self._db is not None:
            self._db.close()
            self._db = None
        self._lock.release()

    def last_received_ms(self) -> dict[str, int]:
        """When each station last sent something new, Unix time, as far as the journal knows."""
        return self._seen.last_touched_ms()

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise RuntimeError("the journal is not open")
        return self._db

    def append(self, arrivals: Sequence[Arrival]) -> Appended:
        """Store what is new of some messages, in one transaction: on disk when this returns. What breaks the contract
        becomes a dead letter. Raises sqlite3.Error, with nothing stored or marked, when the disk does not take it."""
        db = self._open
        counts: Counter[str] = Counter(received_messages=len(arrivals))
        discards: Counter[str] = Counter()
        receipts: dict[str, dict[bytes, RangeSet]] = {}
        rows: list[tuple[int, str, str, bytes, bytes, str | None]] = []
        letters: list[DeadLetter] = []
        update = SeenUpdate(self._seen)
        taking: Counter[str] = Counter()
        for arrival in arrivals:
            try:
                station, epoch, ranges = _whose(arrival)
                if self._is_over_quota(station, taking[station] + len(arrival.payload), arrival.received_ms):
                    discards[OVER_QUOTA] += 1
                    continue
                fresh, held = update.add(station, epoch, ranges, arrival.received_ms)
            except ContractError as error:
                letters.append(DeadLetter(STAGE, error.reason, error.detail, arrival.topic, arrival.payload, None))
                discards[error.reason] += 1
                continue
            if fresh:
                taking[station] += len(arrival.payload)
                territory = self._territory_of(station)
                rows.append((arrival.received_ms, arrival.topic, station, fresh.encode(), arrival.payload, territory))
                counts["journaled_entries"] += len(fresh)
            else:
                counts["duplicate_messages"] += 1
            discards["duplicate_entry"] += len(ranges) - len(fresh)
            receipts.setdefault(station, {}).setdefault(epoch, RangeSet()).update(held)
        counts["journaled_messages"] = len(rows)
        counts["refused_messages"] = len(letters) + discards[OVER_QUOTA]
        if rows or letters:
            with transaction(db):
                db.executemany(
                    "INSERT INTO message (received_ms, topic, station, fresh, payload, territory)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    rows,
                )
                update.write(db)
                discards[DROPPED] = keep_letters(db, letters)
            update.apply()
            self._taken += taking
        counts["forgotten_ranges"] = update.forgotten
        return Appended(receipts, +counts, +discards)

    def _is_over_quota(self, station: str, more: int, received_ms: int) -> bool:
        if self._bytes_a_day is None:
            return False
        day = received_ms // _DAY_MS
        if day != self._day:
            self._day = day
            self._taken.clear()
            self._told.clear()
        if self._taken[station] + more <= self._bytes_a_day:
            return False
        if station not in self._told:
            self._told.add(station)
            log.warning(
                "%s has sent %d bytes of new messages today, more than [journal] station_bytes_per_day: what else it"
                " sends is taken after midnight UTC. If it is not catching up, see what it sends, or revoke its"
                " certificate",
                station,
                self._taken[station],
            )
        return True

    def only_sinks(self, names: Collection[str]) -> None:
        """Forget where sinks stand that this process does not run any more: nothing would ever be pruned for them."""
        with transaction(self._open):
            stood = {row[0] for row in self._open.execute("SELECT sink FROM cursor")}
            gone = [(sink,) for sink in stood - set(names)]
            self._open.executemany("DELETE FROM cursor WHERE sink = ?", gone)
            self._open.executemany("DELETE FROM place WHERE sink = ?", gone)

    def prune(self, older_than_ms: int) -> int:
        """Delete messages that came before a Unix time and that every sink has read; how many. At most PRUNE_SLICE at
        a time, so that appending never waits long. Raises sqlite3.Error."""
        # In the order of the index on received_ms: by id, it would read the whole table to find that none is old.
        return self._open.execute(
            "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE received_ms < ? AND id <="
            " (SELECT coalesce(min(message_id), 0) FROM cursor) ORDER BY received_ms LIMIT ?)",
            (older_than_ms, PRUNE_SLICE),
        ).rowcount


def _whose(arrival: Arrival) -> tuple[str, bytes, RangeSet]:
    """Station, epoch and entries of a message. Raises ContractError when topic and content disagree."""
    topic = parse_up(arrival.topic)
    head = decode_head(arrival.payload)
    if head.station_digest != station_digest(topic.station):
        raise ContractError("station_mismatch", f"the message is not of {topic.station}, whose topic it came on")
    return topic.station, head.epoch, head.ranges
