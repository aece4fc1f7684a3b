"""The tags of an EXIF block: a TIFF structure whose every offset may be wrong.

Specification: TIFF 6.0, section 2; CIPA DC-008 (EXIF 2.32), section 4.6.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

Value: TypeAlias = str | bytes | tuple[int, ...] | tuple[float, ...]
"""ASCII as text without what follows a NUL; BYTE and UNDEFINED as bytes; numbers as a tuple, rationals as floats (a
denominator of zero is nan)."""

EXIF_IFD: Final = 0x8769
GPS_IFD: Final = 0x8825

_MAX_ENTRIES: Final = 512
_MAX_VALUE_BYTES: Final = 65_536
_HEADER_BYTES: Final = 8
_ENTRY_BYTES: Final = 12
_BYTE, _ASCII, _UNDEFINED = 1, 2, 7
_RATIONALS: Final = {5: "II", 10: "ii"}
_NUMBERS: Final = {3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_WIDTHS: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_UTF8: Final = 129  # EXIF 3.0


class Tags(msgspec.Struct, frozen=True):
    """The tags of the image, of EXIF and of GPS, by number. damaged: something in the block could not be read."""

    image: Mapping[int, Value] = {}
    exif: Mapping[int, Value] = {}
    gps: Mapping[int, Value] = {}
    damaged: bool = False


def read_tags(block: bytes) -> Tags:
    """The tags of a TIFF block, as many as can be read. Never raises."""
    order: Literal["<", ">"]
    if block[:4] == b"II*\0":
        order = "<"
    elif block[:4] == b"MM\0*":
        order = ">"
    else:
        return Tags(damaged=True)
    reader = _Reader(block, order)
    (start,) = struct.unpack_from(order + "I", block, 4) if len(block) >= _HEADER_BYTES else (0,)
    image = reader.directory(start)
    exif = reader.directory(_pointer(image, EXIF_IFD)) if EXIF_IFD in image else {}
    gps = reader.directory(_pointer(image, GPS_IFD)) if GPS_IFD in image else {}
    return Tags(image, exif, gps, reader.damaged)


def _pointer(directory: Mapping[int, Value], tag: int) -> int:
    value = directory[tag]
    return int(value[0]) if isinstance(value, tuple) and value else 0


class _Reader:
    def __init__(self, block: bytes, order: str) -> None:
        self._block = block
        self._order = order
        self.damaged = False

    def directory(self, start: int) -> dict[int, Value]:
        """One directory. Of two entries with one tag the first counts."""
        block, order = self._block, self._order
        if not _HEADER_BYTES <= start <= len(block) - 2:
            self.damaged = True
            return {}
        (count,) = struct.unpack_from(order + "H", block, start)
        room = (len(block) - start - 2) // _ENTRY_BYTES
        if count > min(room, _MAX_ENTRIES):
            self.damaged = True
            count = min(room, _MAX_ENTRIES)
        found: dict[int, Value] = {}
        for place in range(start + 2, start + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES):
            tag, kind, number = struct.unpack_from(order + "HHI", block, place)
            size = _WIDTHS.get(kind, 0) * number
            if not 0 < size <= _MAX_VALUE_BYTES:
                self.damaged |= size != 0  # an empty value is no value; an unknown type may come
                continue
            at = place + 8 if size <= 4 else struct.unpack_from(order + "I", block, place + 8)[0]
            raw = block[at : at + size]
            if len(raw) < size:
                self.damaged = True
                if kind not in (_ASCII, _UNDEFINED, _BYTE) or not raw:
                    continue
            found.setdefault(tag, self._value(kind, number, raw))
        return found

    def _value(self, kind: int, number: int, raw: bytes) -> Value:
        if kind in (_ASCII, _UTF8):
            return clean(raw)
        if kind in (_BYTE, _UNDEFINED):
            return raw
        if kind in _RATIONALS:
            parts = struct.unpack(f"{self._order}{_RATIONALS[kind] * number}", raw)
            return tuple(a / b if b else math.nan for a, b in zip(parts[::2], parts[1::2], strict=True))
        return struct.unpack(f"{self._order}{number}{_NUMBERS[kind]}", raw)


def clean(raw: bytes) -> str:
    """Text of a fixed field: up to the first NUL after it, printable characters only, trimmed, at most 200 of them."""
    text = raw.lstrip(b"\0 ").split(b"\0", 1)[0].decode("utf-8", errors="replace")
    return "".join(c for c in text if c.isprintable() and c != "\ufffd").strip()[:200]
