"""The outbox: accept, keep, give out, forget. Safe to call from several threads.

Readings accepted wait in memory for the next group commit (`commit`, at most a second later; an alert commits at once).
Nothing uncommitted is ever given out, so that a number once sent always names the same reading.
"""

from __future__ import annotations

import logging
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.readings import Reading
from gateway.clock import Clock, Moment, boot_id, freeze
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.safe_store import SafeStore
from gateway.outbox.store import ENTRY_OVERHEAD_BYTES, Row, Store

log = logging.getLogger(__name__)

Tallies = Mapping[tuple[str, str], int]
"""Counts by (place, reason)."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Reading).decode
_START: Final = (0, 0)


class Accepted(NamedTuple):
    """A reading on its way in: its lane, the moment it was received, and itself."""

    lane: Lane
    moment: Moment
    reading: Reading


class Parcel(NamedTuple):
    """Entries of one lane and one epoch, ready to send, their times frozen. run names the epoch within this outbox;
    last is where the next take goes on."""

    lane: Lane
    run: int
    epoch: bytes
    entries: list[Entry]
    last: tuple[int, int]


class OutboxState(NamedTuple):
    """What the outbox holds and how it fares. trouble is "" when all is well, else words for a person."""

    epoch: bytes
    by_lane: dict[Lane, int]
    bytes: int
    in_memory: int
    oldest_age_s: float
    trouble: str

    @property
    def entries(self) -> int:
        """How many entries wait in all lanes."""
        return sum(self.by_lane.values())


class Outbox:
    """See the module. path: the file. max_bytes: bound of what is kept on disk (reckoned). memory_bytes: bound of what
    waits in memory while the disk cannot take it."""

    def __init__(self, path: Path, *, max_bytes: int, memory_bytes: int, clock: Clock) -> None:
        self._memory_bytes = memory_bytes
        self._clock = clock
        self._disk = threading.RLock()  # guards the store; taken before _memory
        self._memory = threading.Lock()  # guards what waits for the next commit
        self._store = SafeStore(path, max_bytes)
        self._boot = ""
        self._pending: list[Row] = []
        self._pending_bytes = 0
        self._pending_replay: dict[str, tuple[int, int]] = {}
        self._pending_tallies: Counter[tuple[str, str]] = Counter()
        self._on_news: Callable[[Mapping[Lane, int]], None] | None = None

    def tell_news_to(self, listener: Callable[[Mapping[Lane, int]], None]) -> None:
        """Call this, from the committing thread, with how many new entries of each lane can be taken."""
        self._on_news = listener

    @property
    def generation(self) -> int:
        """Changes whenever places (run, sequence) of earlier parcels mean nothing any more."""
        return self._store.generation

    def open(self) -> None:
        """Open the file, whatever its state, and begin an epoch. Never raises for the disk."""
        with self._disk:
            self._boot = boot_id()
            self._store.open(self._boot)

    def close(self) -> None:
        """Commit what waits and close."""
        self.commit()
        with self._disk:
            self._store.close(clean=not self._pending)

    # in

    def accept(
        self,
        readings: Sequence[Accepted],
        *,
        replay: Mapping[str, tuple[int, int]] | None = None,
        tallies: Tallies | None = None,
    ) -> None:
        """Take readings in, with the replay states and the discards that came with them. If any is an alert, all of it
        is on disk when this returns (or in memory, with the trouble said, when the disk cannot take it)."""
        rows = [_row(item) for item in readings]
        size = sum(len(row.body) for row in rows) + ENTRY_OVERHEAD_BYTES * len(rows)
        lanes = Counter(row.lane for row in rows)
        with self._memory:
            self._pending += rows
            self._pending_bytes += size
            for lane, count in lanes.items():
                self._pending_tallies["accepted", Lane(lane).slug] += count
            self._pending_replay.update(replay or {})
            self._pending_tallies.update(tallies or {})
            full = self._pending_bytes > self._memory_bytes
        if full or Lane.ALERT in lanes:
            self.commit()

    def commit(self) -> None:
        """Put what waits on disk: one transaction, one fsync. Never raises for the disk: see `state().trouble`."""
        with self._disk:
            with self._memory:
                rows, self._pending = self._pending, []
                replay, self._pending_replay = self._pending_replay, {}
                tallies, self._pending_tallies = self._pending_tallies, Counter()
                size, self._pending_bytes = self._pending_bytes, 0
            if not (rows or replay or tallies):
                return
            if not self._store.write(rows, replay, tallies, size):
                with self._memory:
                    self._pending = rows + self._pending
                    self._pending_replay = replay | self._pending_replay
                    self._pending_tallies.update(tallies)
                    self._pending_bytes += size
                    self._trim_memory()
                return
        if rows and self._on_news is not None:
            self._on_news({Lane(lane): count for lane, count in Counter(row.lane for row in rows).items()})

    def _trim_memory(self) -> None:
        """While the disk takes nothing: the oldest of the lowest lanes go when too much waits in memory."""
        for lane in reversed(Lane):
            if self._pending_bytes <= self._memory_bytes:
                return
            kept = []
            for row in self._pending:
                if row.lane == lane and self._pending_bytes > self._memory_bytes:
                    self._pending_bytes -= len(row.body) + ENTRY_OVERHEAD_BYTES
                    self._pending_tallies["outbox", f"evicted_{lane.slug}"] += 1
                else:
                    kept.append(row)
            self._pending = kept

    # out

    def take(self, lane: Lane, after: tuple[int, int] = _START, *, limit: int) -> Parcel | None:
        """The oldest entries of a lane after a place (run, sequence); None when there are none. Their times are frozen,
        on disk. Entries whose bytes have rotted are discarded and counted."""
        return self._parcel(lane, lambda store: store.first(lane, after, limit))

    def take_again(self, lane: Lane, run: int, ranges: RangeSet) -> Parcel | None:
        """Those of some entries that are still here."""
        return self._parcel(lane, lambda store: store.these(lane, run, ranges))

    def _parcel(self, lane: Lane, read: Callable[[Store], list[Row]]) -> Parcel | None:
        def make(store: Store) -> Parcel | None:
            while rows := read(store):
                rotten = RangeSet.of(row.sequence for row in rows if zlib.crc32(row.body) != row.crc)
                if rotten:
                    _, size = store.delete(rows[0].run, rotten, ("outbox", "rotten"))
                    self._store.bytes -= size
                    log.warning("%d entries of the outbox did not match their checksums: discarded", len(rotten))
                    continue
                rows = self._freeze(store, rows)
                run = store.runs[rows[0].run]
                entries = [
                    Entry(row.sequence, row.time_ms or 0, row.quality, row.uncertainty_ms, _decode(row.body))
                    for row in rows
                ]
                return Parcel(lane, run.id, run.epoch, entries, (run.id, rows[-1].sequence))
            return None

        with self._disk:
            return self._store.ask("be read", make)

    def _freeze(self, store: Store, rows: list[Row]) -> list[Row]:
        if all(row.time_ms is not None for row in rows):
            return rows
        now = self._clock.now()
        same_boot = store.runs[rows[0].run].boot == self._boot
        frozen = []
        for row in rows:
            if row.time_ms is None:
                then = Moment(row.boot_ms or 0, row.wall_ms or 0, TimeQuality(row.quality), row.uncertainty_ms)
                frozen.append(row._replace(**freeze(then, same_boot, now)._asdict()))
            else:
                frozen.append(row)
        store.freeze(frozen)
        return frozen

    def may_mend(self, lane: Lane, after: tuple[int, int] = _START) -> bool:
        """Whether the next entry of a lane would be sent with a time that nobody vouches for, while a clock that is set
        soon could still mend it (it is of this boot)."""
        if self._clock.now().quality is not TimeQuality.UNTRUSTED:
            return False
        with self._disk:
            rows = self._store.ask(
                "be read", lambda store: [(r, store.runs[r.run]) for r in store.first(lane, after, 1)]
            )
            return rows is not None and bool(rows) and rows[0][0].time_ms is None and rows[0][1].boot == self._boot

    def forget(self, stored: Mapping[bytes, RangeSet]) -> int:
        """Headquarters has these (epoch to sequences): forget them. How many were here."""

        def delete(store: Store) -> int:
            forgotten = 0
            for run in list(store.runs.values()):
                if run.epoch in stored:
                    count, size = store.delete(run.id, stored[run.epoch], ("outbox", "receipted"))
                    forgotten += count
                    self._store.bytes -= size
            return forgotten

        with self._disk:
            return self._store.ask("forget what is receipted", delete) or 0

    # state

    def state(self) -> OutboxState:
        """What it holds now."""
        now_ms = self._clock.now().wall_ms

        def count(store: Store) -> tuple[dict[Lane, int], float]:
            oldest = [row for lane in Lane for row in store.first(lane, _START, 1)]
            ages = [now_ms - (row.time_ms if row.time_ms is not None else row.wall_ms or 0) for row in oldest]
            return {lane: n for lane, (n, _) in store.waiting().items()}, max(ages, default=0) / 1000

        with self._disk, self._memory:
            by_lane, oldest_age_s = self._store.ask("be counted", count) or ({}, 0.0)
            return OutboxState(
                self._store.epoch,
                by_lane,
                self._store.bytes,
                len(self._pending),
                max(0.0, oldest_age_s),
                self._store.trouble,
            )

    def replay(self) -> dict[str, tuple[int, int]]:
        """The state of each device's replay guard, committed or not."""
        with self._disk, self._memory:
            return (self._store.ask("be read", Store.replay) or {}) | self._pending_replay

    def tallies(self) -> dict[tuple[str, str], int]:
        """Every counter by (place, name), committed or not."""
        with self._disk, self._memory:
            return dict(Counter(self._store.ask("be counted", Store.tallies) or {}) + self._pending_tallies)


def _row(item: Accepted) -> Row:
    lane, moment, reading = item
    age_ms = reading.age_ms
    if age_ms:
        reading = msgspec.structs.replace(reading, age_ms=0)
    body = _encode(reading)
    wall_ms, boot_ms = moment.wall_ms - age_ms, moment.boot_ms - age_ms
    if moment.quality is TimeQuality.UNTRUSTED:
        return Row(lane, 0, 0, None, moment.quality, 0, boot_ms, wall_ms, zlib.crc32(body), body)
    return Row(lane, 0, 0, wall_ms, moment.quality, moment.uncertainty_ms, None, None, zlib.crc32(body), body)
