"""The outbox: accept, keep, give out, forget. Safe to call from several threads.

Readings accepted wait in memory for the next group commit (`commit`, at most a second later; an alert commits at once).
Nothing uncommitted is ever given out, so that a number once sent always names the same reading.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from firmware_bridge.readings import Reading
from gateway.clock.boots import Boot, Boots
from gateway.clock.clock import Clock
from gateway.clock.moments import FrozenTime, Moment
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.ranges import RangeSet
from gateway.contract.rows import MAX_STEPS, check_reading
from gateway.contract.topics import ContractError, Lane
from gateway.outbox.rows import Row, entry_in, reading_in, row_of, sealed
from gateway.outbox.safe_store import SafeStore
from gateway.outbox.store import Store, Tallies
from gateway.outbox.stretches import END, NOTHING, START, Place, Skip

log = logging.getLogger(__name__)

_REMEMBERED: Final = 4096


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


class Standing(NamedTuple):
    """How far an outbox has come: the epochs of what it holds, oldest first and the present one last, and the last
    sequence in that. It names the same place whatever clocks do, and wherever the entries are moved."""

    epochs: tuple[bytes, ...]
    sequence: int


class Outbox:
    """See the module. path: the file. max_bytes: bound of what is kept on disk (reckoned). memory_bytes: bound of what
    waits in memory while the disk cannot take it."""

    def __init__(self, path: Path, *, max_bytes: int, memory_bytes: int, clock: Clock) -> None:
        self._memory_bytes = memory_bytes
        self._clock = clock
        self._disk = threading.RLock()  # guards the store; taken before _memory
        self._memory = threading.Lock()  # guards what waits for the next commit
        self._store = SafeStore(path, max_bytes, memory_bytes)
        self._boots = Boots((), "")
        self._boots_of = 0  # the generation of the store that they were last compared with
        self._pending: list[Row] = []
        self._pending_bytes = 0
        self._pending_replay: dict[str, tuple[int, int]] = {}
        self._pending_tallies: Counter[tuple[str, str]] = Counter()
        self._carried: set[tuple[int, str, str, tuple[int, ...]]] = set()  # looks of readings that are in order
        self._on_news: Callable[[Mapping[Lane, int]], None] | None = None

    def tell_news_to(self, listener: Callable[[Mapping[Lane, int]], None]) -> None:
        """Call this, from the committing thread, with how many new entries of each lane can be taken."""
        self._on_news = listener

    @property
    def generation(self) -> int:
        """Changes whenever places (run, sequence) of earlier parcels mean nothing any more."""
        return self._store.generation

    def open(self) -> None:
        """Open the file, whatever its state, and begin an epoch. Never raises for the disk; raises OutboxInUseError (a
        GatewayError) when another gateway has it open."""
        with self._disk:
            boot = self._clock.boot_id()
            self._store.open(boot)
            self._boots = Boots(self._store.ask("tell of boots", Store.boots) or (), boot)
            self._compare_boots()
            if self._boots.present.last is not None:
                self._clock.hold(self._boots.present.last)

    def close(self) -> None:
        """Commit what waits and close. What the disk does not take is lost now, and said."""
        self.commit()
        with self._disk, self._memory:
            if self._pending:
                log.warning("%d readings could not be put on disk and are lost", len(self._pending))
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
        is on disk when this returns (or in memory, with the trouble said, when the disk cannot take it). A reading that
        no message could carry is discarded and counted."""
        rows: list[Row] = []
        for item in readings:
            try:
                self._check(item.reading)
                rows.append(row_of(*item))
            except ContractError as error:
                log.debug("discarded: %s: %r", error, item.reading)
                tallies = Counter(tallies or {}) + Counter({("outbox", error.reason): 1})
        size = sum(row.size for row in rows)
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

    def _check(self, reading: Reading) -> None:
        """Raises ContractError for what no message could carry: better now than when it stands before all others."""
        kind, sensor, label, codes, steps = reading.kind, reading.sensor, reading.label, reading.codes, reading.steps
        look = (kind, sensor, label, codes)
        if look in self._carried and len(steps) == len(codes) and -MAX_STEPS < min(steps) <= max(steps) < MAX_STEPS:
            return
        check_reading(reading)
        if len(self._carried) >= _REMEMBERED:
            self._carried.clear()
        self._carried.add(look)

    def commit(self) -> None:
        """Put what waits on disk: one transaction, one fsync. Never raises for the disk: see `state().trouble`."""
        with self._disk:
            boots = self._boots_to_keep() if self._store.is_open else []
            with self._memory:
                self._pending_tallies.update({("clock", name): n for name, n in self._clock.take_counts().items()})
                rows, self._pending = self._pending, []
                replay, self._pending_replay = self._pending_replay, {}
                tallies, self._pending_tallies = self._pending_tallies, Counter()
                size, self._pending_bytes = self._pending_bytes, 0
            if not (rows or replay or tallies or (boots and self._boots.is_news)):
                return
            if not self._store.write(rows, replay, tallies, boots):
                # The whole does not fit on the disk: then at least what is urgent.
                alerts = [row for row in rows if row.lane is Lane.ALERT]
                put = bool(alerts) and len(alerts) < len(rows) and self._store.write(alerts, replay, tallies, boots)
                with self._memory:
                    self._pending = [row for row in rows if not put or row.lane is not Lane.ALERT] + self._pending
                    self._pending_bytes += size - (sum(row.size for row in alerts) if put else 0)
                    if not put:
                        self._pending_replay = replay | self._pending_replay
                        self._pending_tallies.update(tallies)
                    self._trim_memory()
                rows = alerts if put else []
                boots = boots if put else []
            if boots:
                self._boots.saved()
        if rows and self._on_news is not None:
            self._on_news({Lane(lane): count for lane, count in Counter(row.lane for row in rows).items()})

    def _boots_to_keep(self) -> list[Boot]:
        """The present boot with what the clock says now, when that is to be written with the next commit."""
        self._compare_boots()
        self._boots.note(self._clock.now())
        return [self._boots.present] if self._boots.is_due() else []

    def _compare_boots(self) -> None:
        """Know the boots that a file that is new to us keeps, and forget those that no entry waits from."""
        generation = self._store.generation
        if generation == self._boots_of:
            return

        def compare(store: Store) -> None:
            kept = store.boots()
            self._boots.join(kept)
            wanted = self._boots.keep(run.boot for run in store.runs.values())
            if wanted != kept:
                store.keep_boots(wanted)

        self._store.ask("keep boots", compare)
        self._boots_of = generation

    def _trim_memory(self) -> None:
        """While the disk takes nothing: the oldest of the lowest lanes go when too much waits in memory."""
        for lane in reversed(Lane):
            if self._pending_bytes <= self._memory_bytes:
                return
            kept = []
            for row in self._pending:
                if row.lane == lane and self._pending_bytes > self._memory_bytes:
                    self._pending_bytes -= row.size
                    self._pending_tallies["outbox", f"evicted_{lane.slug}"] += 1
                else:
                    kept.append(row)
            self._pending = kept

    # out

    def take(
        self, lane: Lane, after: Place = START, *, limit: int, until: Place = END, skip: Skip = NOTHING
    ) -> Parcel | None:
        """The oldest entries of a lane after a place (run, sequence) and up to another (in); None when there are none.
        Their times are frozen, on disk. Entries whose bytes have rotted are discarded and counted. skip: those that are
        passed over, sequences by run."""
        return self._parcel(lane, lambda store: store.first(lane, after, limit, until=until, skip=skip))

    def take_of_others(
        self, lane: Lane, after: Place, *, than: Sequence[str], limit: int, until: Place = END, skip: Skip = NOTHING
    ) -> tuple[Parcel | None, Place]:
        """As `take`, without the entries of some sensors; and how far it has looked. It looks only so far at once: with
        no entries, and a place that is not `after`, there may be some behind that place."""
        looked_to = after

        def read(store: Store) -> list[Row]:
            nonlocal looked_to
            rows, looked_to = store.first_of_others(lane, after, limit, than=than, until=until, skip=skip)
            return rows

        return self._parcel(lane, read), looked_to

    def last_before(self, lane: Lane, after: Place, age_ms: int) -> Place | None:
        """Where in a lane, after a place, the last entry is that was received longer ago than this; None when none
        was."""
        now = self._clock.now()
        wall_ms, boot_ms = now.wall_ms - age_ms, now.boot_ms - age_ms
        with self._disk:
            return self._store.ask(
                "be read", lambda store: store.last_before(lane, after, wall_ms=wall_ms, boot_ms=boot_ms)
            )

    def take_again(self, lane: Lane, run: int, ranges: RangeSet) -> Parcel | None:
        """Those of some entries that are still here."""
        return self._parcel(lane, lambda store: store.these(lane, run, ranges))

    def epochs(self) -> tuple[bytes, ...]:
        """The epochs of what it holds, oldest first, the present one last."""
        with self._disk:
            return self._store.epochs

    def standing(self) -> Standing | None:
        """How far it has come. None while an alert waits in memory, which will stand beyond that."""
        with self._disk, self._memory:
            if any(row.lane is Lane.ALERT for row in self._pending):
                return None
            return Standing(self._store.epochs, self._store.last_sequence)

    def latest_beyond(self, standing: Standing, lanes: Sequence[Lane], limit: int) -> list[tuple[Lane, Entry]]:
        """What earlier openings took in beyond a place, of some lanes, the last so many of each, in the order in which
        it was committed and with the time that their clock had: this freezes nothing. Without those whose bytes have
        rotted."""

        def read(store: Store) -> list[Row]:
            present = standing.epochs[-1:]
            known = [run for run in store.runs.values() if run.epoch in standing.epochs]
            ends = [(run.id, standing.sequence if run.epoch in present else END[0]) for run in known]
            end = max(ends, default=START)
            rows = [row for lane in lanes for row in store.latest_from_before(lane, limit)]
            return sorted((row for row in rows if (row.run, row.sequence) > end), key=lambda row: row[1:3])

        with self._disk:
            rows = self._store.ask("be read", read) or []
        return [(Lane(row.lane), entry) for row in rows if (entry := entry_in(row)) is not None]

    def _parcel(self, lane: Lane, read: Callable[[Store], list[Row]]) -> Parcel | None:
        def make(store: Store) -> Parcel | None:
            while rows := read(store):
                run = store.runs.get(rows[0].run)
                read_back = [reading_in(row) if run is not None else None for row in rows]
                rotten = [row for row, reading in zip(rows, read_back, strict=True) if reading is None]
                if rotten:
                    store.discard(rotten, ("outbox", "rotten"))
                    log.warning("%d entries of the outbox did not match their checksums: discarded", len(rotten))
                    continue
                assert run is not None
                rows = self._freeze(store, rows)
                entries = [
                    Entry(row.sequence, row.time_ms or 0, row.quality, row.uncertainty_ms, reading)
                    for row, reading in zip(rows, read_back, strict=True)
                    if reading is not None
                ]
                return Parcel(lane, run.id, run.epoch, entries, (run.id, rows[-1].sequence))
            return None

        with self._disk:
            return self._store.ask("be read", make)

    def _freeze(self, store: Store, rows: list[Row]) -> list[Row]:
        if all(row.time_ms is not None for row in rows):
            return rows
        self._boots.note(self._clock.now())
        boot = store.runs[rows[0].run].boot
        frozen = [
            row
            if row.time_ms is not None
            else sealed(row._replace(**self._boots.freeze(row.boot_ms or 0, row.wall_ms or 0, boot)._asdict()))
            for row in rows
        ]
        store.freeze(frozen)
        return frozen

    def freeze(self, boot_ms: int, wall_ms: int, boot: str) -> FrozenTime:
        """The time for ever of a moment that nobody vouched for, in a boot of that name, as entries get theirs."""
        with self._disk:
            self._boots.note(self._clock.now())
            return self._boots.freeze(boot_ms, wall_ms, boot)

    def may_mend(self, lane: Lane, after: tuple[int, int] = START) -> bool:
        """Whether the next entry of a lane would be sent with a time that nobody vouches for, while a clock that is set
        soon would give it a better one, or at least bounds."""
        if self._clock.now().quality is not TimeQuality.UNTRUSTED:
            return False
        with self._disk:
            rows = self._store.ask("be read", lambda store: store.first(lane, after, 1))
            return any(row.time_ms is None for row in rows or ())

    def forget(self, stored: Mapping[bytes, RangeSet]) -> int:
        """Headquarters has these (epoch to sequences): forget them. How many were here."""

        def delete(store: Store) -> int:
            known = [run for run in store.runs.values() if run.epoch in stored]
            return sum(store.delete(run.id, stored[run.epoch], ("outbox", "receipted")) for run in known)

        with self._disk:
            return self._store.ask("forget what is receipted", delete) or 0

    # state

    def state(self) -> OutboxState:
        """What it holds now."""
        now = self._clock.now()

        def oldest(store: Store) -> float:
            rows = [row for lane in Lane for row in store.first(lane, START, 1)]
            return max((self._age_ms(store, row, now) for row in rows), default=0) / 1000

        with self._disk, self._memory:
            oldest_age_s = self._store.ask("be read", oldest) or 0.0
            return OutboxState(
                self._store.epoch,
                {lane: held.entries for lane, held in self._store.held.items() if held.entries},
                self._store.bytes,
                len(self._pending),
                max(0.0, oldest_age_s),
                self._store.trouble,
            )

    def _age_ms(self, store: Store, row: Row, now: Moment) -> int:
        if row.time_ms is not None:
            return now.wall_ms - row.time_ms
        run = store.runs.get(row.run)
        if run is not None and run.boot == self._boots.present.name:
            return now.boot_ms - (row.boot_ms or 0)  # whatever the wall clock did meanwhile
        return now.wall_ms - (row.wall_ms or 0)

    def replay(self) -> dict[str, tuple[int, int]]:
        """The state of each device's replay guard, committed or not."""
        with self._disk, self._memory:
            return (self._store.ask("be read", Store.replay) or {}) | self._pending_replay

    def tallies(self) -> dict[tuple[str, str], int]:
        """Every counter by (place, name), committed or not."""
        with self._disk, self._memory:
            return dict(Counter(self._store.ask("be counted", Store.tallies) or {}) + self._pending_tallies)
