"""A sink's own way into the journal: what is urgent first, every station in its turn, each message once in effect.

How far a sink has come is kept for each topic, in the same transaction as what it refused: `place` says it where a
topic is further than `cursor`, below which everything is done. Only these rows are the truth; whose turn it is
(`ingest.journal.turns`) is found out anew at each opening.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gateway.contract.batches import decode_head
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import ContractError
from ingest.journal.database import connect, transaction
from ingest.journal.journal import TerritoryOf
from ingest.journal.letters import keep_letters
from ingest.journal.turns import Turns
from ingest.messages import DeadLetter, JournalMessage

COST_AT_ONCE: Final = 5_600
"""Ten messages of 500 entries: one request to the database, and no longer than that does an alert wait for others."""
_SURVEY_FROM: Final = 5_000
"""With more news than this, ask topic by topic, by the index, instead of walking over the news."""


class JournalReader:
    """Where a sink stands, what comes next, what it refuses. For one thread.

    territory_of: given to the reader of the sink that uses it, for messages whose station was not registered when they
    came: what it says when they are done is frozen with them.
    """

    def __init__(self, path: Path, sink: str, territory_of: TerritoryOf | None = None) -> None:
        self._path = path
        self._sink = sink
        self._territory_of = territory_of
        self._db: sqlite3.Connection | None = None
        self._turns = Turns(_entries)
        self._looked_to = 0

    def open(self) -> None:
        """Open, and begin at the first message if this sink is new. Raises JournalError or sqlite3.Error."""
        db = self._db = connect(self._path, "NORMAL")
        db.execute("INSERT OR IGNORE INTO cursor VALUES (?, 0)", (self._sink,))
        self._turns.clear()
        (cursor,) = db.execute("SELECT message_id FROM cursor WHERE sink = ?", (self._sink,)).fetchone()
        places = dict(db.execute("SELECT topic, message_id FROM place WHERE sink = ?", (self._sink,)))
        self._looked_to = max(cursor, _newest(db))
        for topic in _topics(db):
            self._survey(topic, max(cursor, places.get(topic, 0)))

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
        self._look()
        return self._turns.waiting()

    def next(self, cost: int = COST_AT_ONCE) -> list[JournalMessage]:
        """The next messages, of about that cost (`ingest.journal.turns.cost_of`); nothing is marked. Those of one
        topic come in the order of the journal, without gaps."""
        self._look()
        return self._turns.choose(self._fetch, cost)

    def done(self, messages: Sequence[JournalMessage], letters: Sequence[DeadLetter]) -> int:
        """What `next` gave is stored or refused: move on and keep the refused, together. How many older dead letters
        went for want of room. Raises sqlite3.Error, with nothing moved."""
        db = self._open
        reached = {message.topic: message.id for message in messages}
        taken = Counter(message.topic for message in messages)
        left: dict[str, tuple[int, int]] = {}  # topic: the first that waits, how many
        for topic, last in reached.items():
            waiting = self._turns.waiting_of(topic) - taken[topic]
            first = self._first_after(topic, last) if waiting > 0 else None
            left[topic] = (first, waiting) if first is not None else (last + 1, 0)
        firsts = [first for first in (self._turns.first_but(left), *(f for f, n in left.values() if n)) if first]
        cursor = min(firsts, default=self._looked_to + 1) - 1
        with transaction(db):
            db.executemany(
                "UPDATE message SET territory = ? WHERE id = ? AND territory IS NULL", self._settled(messages)
            )
            dropped = keep_letters(db, letters)
            if firsts:
                db.executemany(
                    "INSERT OR REPLACE INTO place VALUES (?, ?, ?)",
                    [(self._sink, topic, last) for topic, last in reached.items()],
                )
            else:
                db.execute("DELETE FROM place WHERE sink = ?", (self._sink,))
            db.execute("UPDATE cursor SET message_id = ? WHERE sink = ?", (cursor, self._sink))
        for topic, (first, waiting) in left.items():
            self._turns.put(topic, first, waiting)
        return dropped

    def _settled(self, messages: Sequence[JournalMessage]) -> list[tuple[str, int]]:
        """Territory and number of messages that had none so far."""
        if self._territory_of is None:
            return []
        found = ((self._territory_of(m.station), m.id) for m in messages if m.territory is None)
        return [(territory, number) for territory, number in found if territory is not None]

    def _look(self) -> None:
        """Take notice of what came since the last look."""
        db = self._open
        newest = _newest(db)
        if newest <= self._looked_to:
            return
        before, self._looked_to = self._looked_to, newest
        if newest - before > _SURVEY_FROM:
            for topic in _topics(db):
                first = self._turns.first(topic)
                self._survey(topic, before if first is None else first - 1)
            return
        # In the order of the messages, whatever the index: they are few and new.
        news = db.execute(
            "SELECT topic, count(*), min(id) FROM message WHERE id > ? AND id <= ? GROUP BY +topic", (before, newest)
        )
        for topic, count, first in news:
            self._turns.more(topic, first, count)

    def _survey(self, topic: str, after: int) -> None:
        count, first = self._open.execute(
            "SELECT count(*), min(id) FROM message WHERE topic = ? AND id > ? AND id <= ?",
            (topic, after, self._looked_to),
        ).fetchone()
        self._turns.put(topic, first, count)

    def _fetch(self, topic: str, number: int) -> JournalMessage | None:
        row = self._open.execute(
            "SELECT id, received_ms, topic, station, payload, fresh, territory FROM message WHERE topic = ? AND id >= ?"
            " ORDER BY id LIMIT 1",
            (topic, number),
        ).fetchone()
        if row is None:
            return None
        number, received_ms, topic, station, payload, fresh, territory = row
        return JournalMessage(number, received_ms, topic, station, payload, RangeSet.decode(fresh)[0], territory)

    def _first_after(self, topic: str, number: int) -> int | None:
        row = self._open.execute("SELECT min(id) FROM message WHERE topic = ? AND id > ?", (topic, number)).fetchone()
        return None if row[0] is None else int(row[0])


def _newest(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()[0])


def _topics(db: sqlite3.Connection) -> Iterator[str]:
    """Every topic of the journal, from one to the next by the index: not all of it is read."""
    topic = ""
    while row := db.execute("SELECT topic FROM message WHERE topic > ? ORDER BY topic LIMIT 1", (topic,)).fetchone():
        topic = row[0]
        yield topic


def _entries(message: JournalMessage) -> int:
    """How many entries a sink has to unpack: all, also those that are not fresh."""
    try:
        return len(decode_head(message.payload).ranges)
    except ContractError:
        return 0
