"""The segments of a JPEG file, as far as its metadata lies in them.

Specification: ITU-T T.81, annex B; the EXIF block is an APP1 segment that begins with "Exif", two NULs.
"""

from __future__ import annotations

from typing import Final

import msgspec

SOI: Final = b"\xff\xd8"
EOI: Final = b"\xff\xd9"

_EXIF: Final = b"Exif\0"
_APP1, _COM, _SOS, _EOI = 0xE1, 0xFE, 0xDA, 0xD9
_STANDALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL: Final = frozenset((0xC0, 0xC1))
_MAX_SEGMENTS: Final = 256
_TAIL_BYTES: Final = 65_536


class Segments(msgspec.Struct, frozen=True):
    """exif: the TIFF block, empty when there is none. comments: of COM segments. pixels: the most that any frame header
    claims, 0 without one. progressive: the picture must be held whole to be decoded. scans: how often all of it is gone
    through, at most; more than one only where it comes in parts. damaged: a segment does not add up."""

    exif: bytes = b""
    comments: tuple[bytes, ...] = ()
    pixels: int = 0
    progressive: bool = False
    scans: int = 1
    damaged: bool = False


def read_segments(content: bytes) -> Segments:
    """The metadata before the picture's own data; of two EXIF blocks the first counts. Never raises."""
    exif, pixels, progressive = b"", 0, False
    parts, scans = 1, 1
    comments: list[bytes] = []
    place, size = 2, len(content)
    whole = False
    for _ in range(_MAX_SEGMENTS):
        if place + 4 > size or content[place] != 0xFF:
            break
        marker = content[place + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            place += 1
            while place < size and content[place] == 0xFF:
                place += 1
            place -= 1
            continue
        if marker in (_SOS, _EOI):
            whole = True
            if progressive or (marker == _SOS and content[place + 4 : place + 5] < bytes((parts,))):
                scans = content.count(bytes((0xFF, _SOS)), place)  # stuffing keeps it out of the data
            break
        if marker in _STANDALONE:
            place += 2
            continue
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        body = content[place + 4 : place + 2 + length]
        if length < 2 or len(body) < length - 2:
            break
        if marker == _APP1 and not exif and body.startswith(_EXIF):
            exif = body[6:]
        elif marker == _COM and len(comments) < 4:
            comments.append(body)
        elif marker in _FRAMES and len(body) >= 5:
            pixels = max(pixels, int.from_bytes(body[1:3], "big") * int.from_bytes(body[3:5], "big"))
            progressive |= marker not in _SEQUENTIAL
            parts = max(parts, body[5] if len(body) > 5 else 1)
        place += 2 + length
    return Segments(exif, tuple(comments), pixels, progressive, scans, not whole)


def is_whole(content: bytes) -> bool:
    """Whether the end marker is there; some cameras fill up what comes after it."""
    return (
        content.startswith(SOI) and EOI in content[max(2, len(content) - _TAIL_BYTES) :].rstrip(b"\0\xff\r\n")[-4096:]
    )
