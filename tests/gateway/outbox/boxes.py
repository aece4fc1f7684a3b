"""Outboxes and readings for the tests of this folder; a clock whose time the test sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.clock.clock import Clock
from gateway.clock.moments import Moment
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox, Parcel

MONDAY = 1_763_829_000_000
MEGABYTE = 1024 * 1024


class SetClock(Clock):
    """A clock that shows what it was set to; untrusted until `trusted_from` is reached by `boot_ms`."""

    def __init__(self, *, boot_ms: int = 60_000, wall_ms: int = MONDAY, trusted: bool = True) -> None:
        super().__init__("system")
        self.boot_ms = boot_ms
        self.wall_ms = wall_ms
        self.trusted = trusted

    def now(self) -> Moment:
        quality = TimeQuality.NTP if self.trusted else TimeQuality.UNTRUSTED
        return Moment(self.boot_ms, self.wall_ms, quality, 16 if self.trusted else 0)

    def pass_ms(self, ms: int) -> None:
        self.boot_ms += ms
        self.wall_ms += ms


def reading(number: int = 0, *, sensor: str = "clima-1") -> Reading:
    """One that can be told from all others: its uptime is its number."""
    return make_reading(Kind.DEVICE_STATUS, sensor, {"uptime_seconds": number, "battery_volts": 3.7})


def number_of(item: Entry | Reading) -> int:
    one = item.reading if isinstance(item, Entry) else item
    return int(one.values()["uptime_seconds"])


def accepted(numbers: Sequence[int], *, lane: Lane = Lane.READING, clock: Clock | None = None) -> list[Accepted]:
    moment = (clock or SetClock()).now()
    return [Accepted(lane, moment, reading(number)) for number in numbers]


def box(path: Path, *, clock: Clock | None = None, max_bytes: int = 64 * MEGABYTE, memory: int = MEGABYTE) -> Outbox:
    return Outbox(path, max_bytes=max_bytes, memory_bytes=memory, clock=clock or SetClock())


@contextmanager
def opened(
    path: Path, *, clock: Clock | None = None, max_bytes: int = 64 * MEGABYTE, memory: int = MEGABYTE
) -> Iterator[Outbox]:
    outbox = box(path, clock=clock, max_bytes=max_bytes, memory=memory)
    outbox.open()
    try:
        yield outbox
    finally:
        outbox.close()


def parcels(outbox: Outbox, lane: Lane = Lane.READING, *, limit: int = 500) -> list[Parcel]:
    """All that a lane gives out, from the beginning."""
    taken: list[Parcel] = []
    after = (0, 0)
    while (parcel := outbox.take(lane, after, limit=limit)) is not None:
        taken.append(parcel)
        after = parcel.last
    return taken


def numbers_in(outbox: Outbox, lane: Lane = Lane.READING) -> list[int]:
    return [number_of(entry) for parcel in parcels(outbox, lane) for entry in parcel.entries]


def identities(outbox: Outbox) -> dict[tuple[bytes, int], Entry]:
    """Every entry by (epoch, sequence); an identity given out twice fails the test."""
    found: dict[tuple[bytes, int], Entry] = {}
    for lane in Lane:
        for parcel in parcels(outbox, lane):
            for entry in parcel.entries:
                assert (parcel.epoch, entry.sequence) not in found
                found[parcel.epoch, entry.sequence] = entry
    return found


def abandon(outbox: Outbox) -> None:
    """As a process that is killed leaves it, within this process: nothing committed, no mark, the lock free."""
    safe = outbox._store
    store = safe._open_store
    assert store is not None
    safe._open_store = None
    safe._lock.release()
    outbox_connection = store._db
    outbox_connection.close()
