"""Cursors: where the next page of readings or pictures begins, as a string that callers hand back unread."""

from __future__ import annotations

import base64
import binascii
from typing import TypeAlias

import msgspec

from ingest.influx.reader import MAX_ROWS, Position

MAX_CURSOR: int = 400


class AfterSensor(msgspec.Struct, frozen=True, tag="latest", array_like=True):
    """In the list of last readings: after this kind, station and sensor."""

    kind: int
    station: str
    sensor: str


class AfterReading(msgspec.Struct, frozen=True, tag="range", array_like=True):
    """In a time range: after so many readings of an instant."""

    time_ns: int
    rows: int

    def position(self) -> Position:
        """As the reader wants it."""
        return Position(self.time_ns, self.rows)


class AfterMedia(msgspec.Struct, frozen=True, tag="media", array_like=True):
    """In the list of pictures, newest first: after this time and number."""

    time_ms: int
    id: int


Cursor: TypeAlias = AfterSensor | AfterReading | AfterMedia


def encode_cursor(cursor: Cursor) -> str:
    """A cursor as text of letters, digits, - and _."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """The inverse. Raises ValueError for anything that `encode_cursor` did not make."""
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor: Cursor = msgspec.json.decode(raw, type=AfterSensor | AfterReading | AfterMedia)
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise ValueError("`cursor` is not one that this API gave; begin without it") from error
    if isinstance(cursor, AfterReading) and not (0 <= cursor.time_ns < 2**63 and 0 <= cursor.rows <= MAX_ROWS):
        raise ValueError("`cursor` is out of bounds; begin without it")
    if isinstance(cursor, AfterMedia) and not (0 <= cursor.time_ms < 2**43 and 0 <= cursor.id < 2**62):
        raise ValueError("`cursor` is out of bounds; begin without it")
    return cursor
