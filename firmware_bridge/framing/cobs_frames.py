"""COBS frames on a byte stream: 0x00, COBS(content, CRC), 0x00.

COBS: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
CRC: CRC-16/CCITT-FALSE (also CRC-16/IBM-3740) of the content, big-endian, its last two bytes: polynomial 0x1021,
initial value 0xFFFF, nothing reflected, no final inversion; of "123456789" it is 0x29B1.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Callable
from typing import Final

from cobs import cobs

from firmware_bridge.readings import Rejected

MAX_FRAME_BYTES: Final = 512
"""Most bytes between two delimiters."""

DELIMITER: Final = b"\0"
_CRC_BYTES: Final = 2
_CRC_INITIAL: Final = 0xFFFF

_encode: Callable[[bytes], bytes] = cobs.encode
_decode: Callable[[bytes], bytes] = cobs.decode


def encode(content: bytes) -> bytes:
    """A frame and the delimiter that ends it. Raises ValueError for content that is empty or too long."""
    frame = _encode(content + crc_hqx(content, _CRC_INITIAL).to_bytes(_CRC_BYTES, "big"))
    if not content or len(frame) > MAX_FRAME_BYTES:
        raise ValueError(f"{len(content)} bytes of content do not make a frame of at most {MAX_FRAME_BYTES}")
    return frame + DELIMITER


class Deframer:
    """Finds the frames in a byte stream, however it is cut into chunks; holds at most MAX_FRAME_BYTES.

    Reasons: bad_cobs, bad_crc, too_short (frames) and overlong_bytes (bytes of what is longer than a frame may be,
    up to the next delimiter, counted as they come). Two delimiters in a row are an idle line.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._overlong = False

    def feed(self, chunk: bytes) -> list[bytes | Rejected]:
        """The contents of the frames that the chunk ends, and what was rejected, in order."""
        pieces = (self._rest + chunk).split(DELIMITER)
        rest = pieces.pop()
        found: list[bytes | Rejected] = []
        if self._overlong and pieces:
            self._overlong = False
            if tail := pieces.pop(0):
                found.append(_overlong(len(tail)))
        for piece in pieces:
            if not piece:
                continue
            if len(piece) > MAX_FRAME_BYTES:
                found.append(_overlong(len(piece)))
                continue
            try:
                content = _decode(piece)
            except cobs.DecodeError as error:
                found.append(Rejected("bad_cobs", 1, str(error)))
                continue
            if len(content) <= _CRC_BYTES:
                found.append(Rejected("too_short", 1, f"a frame of {len(content)} bytes"))
            elif crc_hqx(content, _CRC_INITIAL):  # the CRC of content and its CRC is 0
                found.append(Rejected("bad_crc", 1, f"a frame of {len(content)} bytes"))
            else:
                found.append(content[:-_CRC_BYTES])
        if self._overlong or len(rest) > MAX_FRAME_BYTES:
            self._overlong = True
            if rest:
                found.append(_overlong(len(rest)))
            rest = b""
        self._rest = rest
        return found


def _overlong(count: int) -> Rejected:
    return Rejected("overlong_bytes", count, f"more than {MAX_FRAME_BYTES} bytes without a delimiter")
