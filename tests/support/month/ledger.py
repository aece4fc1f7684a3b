"""What a post's outbox has on disk, read beside it: every entry that was ever there, by its identity."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.contract.topics import Lane

Identity = tuple[bytes, int]
"""Epoch and sequence."""
_OWN = make_reading(Kind.STATION_HEALTH, "gateway", {"outbox_entries": 0})
_decode = msgspec.msgpack.Decoder(Reading).decode


class Kept(NamedTuple):
    """An entry as it was when it was first seen. run: ascending with the starts of the gateway."""

    lane: Lane
    run: int
    sequence: int
    reading: Reading


class Ledger:
    """See the module. Never writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen_to: dict[Lane, tuple[int, int]] = {}
        self.kept: dict[Identity, Kept] = {}
        self.epochs: dict[int, bytes] = {}
        """By run."""

    def look(self) -> list[tuple[Identity, Kept]]:
        """Take note of what is new; it."""
        new = []
        with closing(self._open()) as db:
            self.epochs |= dict(db.execute("SELECT id, epoch FROM run"))
            for lane in Lane:
                rows = db.execute(
                    "SELECT run, sequence, body FROM entry WHERE lane = ? AND (run, sequence) > (?, ?)"
                    " ORDER BY run, sequence",
                    (lane, *self._seen_to.get(lane, (0, 0))),
                )
                for run, sequence, body in rows:
                    new.append(((self.epochs[run], sequence), Kept(lane, run, sequence, _decode(body))))
                    self._seen_to[lane] = (run, sequence)
        self.kept.update(new)
        return new

    def came_late(self, identities: set[Identity]) -> None:
        """These were not seen: reports of the gateway about itself, sent and receipted between two looks."""
        runs = {epoch: run for run, epoch in self.epochs.items()}
        self.kept |= {one: Kept(Lane.HEALTH, runs[one[0]], one[1], _OWN) for one in identities}

    def waiting(self) -> set[Identity]:
        """What is there now."""
        with closing(self._open()) as db:
            return set(db.execute("SELECT run.epoch, entry.sequence FROM entry JOIN run ON run.id = entry.run"))

    def counters(self) -> dict[tuple[str, str], int]:
        """The outbox's own counters, as they are on disk."""
        with closing(self._open()) as db:
            return {(place, name): total for place, name, total in db.execute("SELECT * FROM tally")}

    def last(self) -> Identity:
        """The latest that was seen."""
        run, sequence = max((kept.run, kept.sequence) for kept in self.kept.values())
        return self.epochs[run], sequence

    def highest(self) -> dict[bytes, int]:
        """The highest sequence seen, by epoch."""
        found: dict[bytes, int] = {}
        for epoch, sequence in self.kept:
            found[epoch] = max(sequence, found.get(epoch, 0))
        return found

    def by_lane(self, identities: set[Identity]) -> Counter[Lane]:
        """How many of some entries there are in each lane."""
        return Counter(self.kept[identity].lane for identity in identities)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10, isolation_level=None)
        db.execute("BEGIN")  # one moment for all answers
        return db
