"""Entries, epochs and counts as the outbox's file holds them, and the checksum that tells whether a row is as it was
written: SQLite's pages have none, and cards rot."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from firmware_bridge.readings import Reading
from gateway.clock.boots import Boot
from gateway.clock.moments import Anchor, Moment
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.rows import MAX_TIME_MS
from gateway.contract.topics import Lane

ENTRY_OVERHEAD_BYTES: Final = 64
"""What an entry is reckoned to take beside its body."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Reading).decode
_FROZEN: Final = struct.Struct("<6q").pack
_UNFROZEN: Final = struct.Struct("<7q").pack


class Row(NamedTuple):
    """An entry as it is stored, in the order of the table's columns."""

    lane: int
    run: int
    sequence: int
    time_ms: int | None
    quality: int
    uncertainty_ms: int
    boot_ms: int | None
    wall_ms: int | None
    crc: int
    body: bytes

    @property
    def size(self) -> int:
        """Its reckoned bytes."""
        return len(self.body) + ENTRY_OVERHEAD_BYTES


class Run(NamedTuple):
    """One opening of the outbox: its epoch, and the boot of the machine that it happened in."""

    id: int
    epoch: bytes
    boot: str


class Held(NamedTuple):
    """How many entries, and their reckoned bytes."""

    entries: int = 0
    bytes: int = 0


def row_of(lane: Lane, moment: Moment, reading: Reading) -> Row:
    """A reading as a row without a number, its age taken off its time."""
    age_ms = reading.age_ms
    if age_ms:
        reading = msgspec.structs.replace(reading, age_ms=0)
    body = _encode(reading)
    wall_ms, boot_ms = moment.wall_ms - age_ms, moment.boot_ms - age_ms
    if moment.quality is TimeQuality.UNTRUSTED or not 0 <= wall_ms <= MAX_TIME_MS:
        return Row(lane, 0, 0, None, TimeQuality.UNTRUSTED, 0, boot_ms, wall_ms, 0, body)
    return Row(lane, 0, 0, wall_ms, moment.quality, moment.uncertainty_ms, None, None, 0, body)


def reading_in(row: Row) -> Reading | None:
    """What a row holds; None when it is not as it was written."""
    if not is_sound(row):
        return None
    try:
        return _decode(row.body)
    except msgspec.DecodeError:
        return None


def entry_in(row: Row) -> Entry | None:
    """A row as an entry; one without a time of its own has the wall clock's. None when it is not as it was written."""
    reading = reading_in(row)
    time_ms = row.wall_ms if row.time_ms is None else row.time_ms
    return None if reading is None else Entry(row.sequence, time_ms or 0, row.quality, row.uncertainty_ms, reading)


def boot_row(boot: Boot) -> tuple[object, ...]:
    """A boot as it is stored, in the order of its table's columns, with the checksum of everything in it."""
    none = (None, None, None)
    columns = (*boot[:5], *(boot.first or none), *(boot.last or none))
    return (*columns, zlib.crc32(repr(columns).encode()))


def boot_of(row: tuple[Any, ...]) -> Boot | None:
    """The boot in a row; None when it is not as it was written."""
    if zlib.crc32(repr(row[:-1]).encode()) != row[-1]:
        return None
    first, last = row[5:8], row[8:11]
    anchors = (None if columns[0] is None else Anchor(*columns) for columns in (first, last))
    return Boot(*row[:5], *anchors)


def sealed(row: Row) -> Row:
    """The row with the checksum of everything in it."""
    return row._replace(crc=_checksum(row))


def numbered(rows: Iterable[Row], run: int, sequence: int) -> list[Row]:
    """The rows as entries of a run, from a sequence number on, sealed."""
    return [
        Row._make((*row[:1], run, number, *row[3:8], _checksum((*row[:1], run, number, *row[3:])), row[9]))
        for number, row in enumerate(rows, start=sequence)
    ]


def is_sound(row: Row) -> bool:
    """Whether a row is as it was written."""
    try:
        return _checksum(row) == row.crc
    except (struct.error, TypeError):  # a number that has become a text, or none
        return False


def _checksum(row: tuple[Any, ...]) -> int:
    lane, run, sequence, time_ms, quality, uncertainty_ms, boot_ms, wall_ms, _, body = row
    if time_ms is None:
        head = _UNFROZEN(lane, run, sequence, quality, uncertainty_ms, boot_ms, wall_ms)
    else:
        head = _FROZEN(lane, run, sequence, quality, uncertainty_ms, time_ms)
    return zlib.crc32(body, zlib.crc32(head))
