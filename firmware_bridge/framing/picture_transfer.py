"""Pictures over a serial line, in pieces, resumable by either side: messages, and the gateway's end of the talk.

Each message is the content of a COBS frame (`cobs_frames`); big-endian; the first byte says what it is.

    OFFER    C0 | version 01 | id 4 | size 4 | SHA-256 32 | age 4, seconds, FFFFFFFF unknown | type 1
    REQUEST  C1 | id 4 | offset 4 | length 4
    CHUNK    C2 | id 4 | offset 4 | data 1 to 448 | CRC-32 4 of id, offset and data
    DONE     C3 | id 4 | first 8 of the SHA-256 | status 1

type: 1 JPEG, 2 PNG, 3 WebP. The camera repeats an OFFER, every second or slower, until DONE. The gateway asks for a
window at a time, from where it is; the camera sends it in chunks, in order, and drops it for a newer REQUEST. DONE 0
means that the picture is on the gateway's disk, whole and verified: the camera may forget it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from enum import IntEnum
from typing import Final, Protocol

import msgspec

from firmware_bridge.readings import Rejected

VERSION: Final = 1
MAX_DATA_BYTES: Final = 448
WINDOW_BYTES: Final = 16 * MAX_DATA_BYTES
UNKNOWN_AGE: Final = 0xFFFF_FFFF
SUFFIXES: Final = {1: ".jpg", 2: ".png", 3: ".webp"}

PATIENCE_S: Final = 1.5
"""Without a chunk of what was asked for, it is asked for again."""
TRIES: Final = 8
_HASTE_S: Final = 0.3

_OFFER: Final = struct.Struct(">BBII32sIB")
_REQUEST: Final = struct.Struct(">BIII")
_CHUNK: Final = struct.Struct(">BII")
_DONE: Final = struct.Struct(">BI8sB")
_CRC_BYTES: Final = 4


class Message(IntEnum):
    """The first byte."""

    OFFER = 0xC0
    REQUEST = 0xC1
    CHUNK = 0xC2
    DONE = 0xC3


class Status(IntEnum):
    """Of DONE."""

    STORED = 0
    TOO_LARGE = 1
    UNKNOWN_TYPE = 2
    BAD_HASH = 3  # to be offered again, from the start
    NO_ROOM = 4  # to be offered again, later


class Offer(msgspec.Struct, frozen=True):
    """A picture to be had. age_s: None for unknown."""

    id: int
    size_bytes: int
    sha256: bytes
    age_s: int | None
    type: int


class Request(msgspec.Struct, frozen=True):
    """Bytes that are asked for."""

    id: int
    offset: int
    length: int


class Chunk(msgspec.Struct, frozen=True):
    """Bytes of a picture."""

    id: int
    offset: int
    data: bytes


class Done(msgspec.Struct, frozen=True):
    """What became of an offer. sha256: its first 8 bytes."""

    id: int
    sha256: bytes
    status: int


def encode(message: Offer | Request | Chunk | Done) -> bytes:
    """The content of its frame."""
    match message:
        case Offer(id=number, size_bytes=size, sha256=sha256, age_s=age, type=kind):
            told = UNKNOWN_AGE if age is None else min(age, UNKNOWN_AGE - 1)
            return _OFFER.pack(Message.OFFER, VERSION, number, size, sha256, told, kind)
        case Request(id=number, offset=offset, length=length):
            return _REQUEST.pack(Message.REQUEST, number, offset, length)
        case Chunk(id=number, offset=offset, data=data):
            body = _CHUNK.pack(Message.CHUNK, number, offset) + data
            return body + zlib.crc32(body[1:]).to_bytes(_CRC_BYTES, "big")
        case Done(id=number, sha256=sha256, status=status):
            return _DONE.pack(Message.DONE, number, sha256[:8], status)


def decode(content: bytes) -> Offer | Request | Chunk | Done | Rejected:
    """The message of a frame. Reasons: bad_message, bad_version, bad_chunk_crc. Never raises."""
    kind = content[0] if content else 0
    if kind == Message.CHUNK and _CHUNK.size + _CRC_BYTES < len(content) <= _CHUNK.size + MAX_DATA_BYTES + _CRC_BYTES:
        body, told = content[:-_CRC_BYTES], int.from_bytes(content[-_CRC_BYTES:], "big")
        _, number, offset = _CHUNK.unpack_from(body)
        if zlib.crc32(body[1:]) != told:
            return Rejected("bad_chunk_crc", 1, f"picture {number}, offset {offset}")
        return Chunk(number, offset, body[_CHUNK.size :])
    if kind == Message.OFFER and len(content) == _OFFER.size:
        _, version, number, size, sha256, age, media = _OFFER.unpack(content)
        if version != VERSION:
            return Rejected("bad_version", 1, f"an offer of version {version}")
        return Offer(number, size, sha256, None if age == UNKNOWN_AGE else age, media)
    if kind == Message.REQUEST and len(content) == _REQUEST.size:
        return Request(*_REQUEST.unpack(content)[1:])
    if kind == Message.DONE and len(content) == _DONE.size:
        return Done(*_DONE.unpack(content)[1:])
    return Rejected("bad_message", 1, f"type {kind:02x}, {len(content)} bytes")


class Shelf(Protocol):
    """Where the gateway puts what comes; each raises OSError when the disk does not take it."""

    def has(self, sha256: bytes) -> bool:
        """Whether the whole picture is there, or was taken in before."""

    def length(self, sha256: bytes) -> int:
        """How many bytes of it are there from an unfinished transfer."""

    def append(self, sha256: bytes, data: bytes) -> None:
        """Put bytes to what is there."""

    def drop(self, sha256: bytes) -> None:
        """Forget what is there of it."""

    def finish(self, offer: Offer) -> bool:
        """Verify it and keep it for good, on disk; False, with nothing kept, when it is not what its hash says."""


class Receiver:
    """The gateway's end: pure but for the shelf. Hand it messages and the time; send what `take_output` gives.

    Reasons, told to reject: too_large, unsupported_picture, bad_sha256, unwritable, stalled (the camera fell silent in
    the middle), unasked_chunk, repeated_chunk, chunk_gap, bad_chunk, bad_message (a message of the gateway's own kind).
    """

    def __init__(self, shelf: Shelf, max_bytes: int, reject: Callable[[str, str], None]) -> None:
        self._shelf = shelf
        self._max_bytes = max_bytes
        self._reject = reject
        self._output: list[bytes] = []
        self._offer: Offer | None = None
        self._have = 0
        self._until = 0  # the end of the window that was asked for
        self._asked_s = 0.0
        self._heard_s = 0.0
        self._tries = 0

    @property
    def words(self) -> str:
        """What is under way, "" for nothing."""
        if self._offer is None:
            return ""
        return f"receives a picture: {self._have} of {self._offer.size_bytes} bytes"

    def take_output(self) -> list[bytes]:
        """Contents of frames to be sent, in order."""
        output, self._output = self._output, []
        return output

    def feed(self, message: Offer | Request | Chunk | Done, clock_s: float) -> None:
        """A message that came."""
        try:
            if isinstance(message, Offer):
                self._take_offer(message, clock_s)
            elif isinstance(message, Chunk):
                self._take_chunk(message, clock_s)
            else:
                self._reject("bad_message", f"{type(message).__name__} from a camera")
        except OSError as error:
            self._reject("unwritable", str(error))
            if self._offer is not None:
                self._finish(self._offer, Status.NO_ROOM)

    def tick(self, clock_s: float) -> None:
        """Time has passed: ask again for what did not come; after some tries wait for the camera's next offer."""
        if self._offer is None or clock_s - max(self._asked_s, self._heard_s) < PATIENCE_S:
            return
        if self._tries >= TRIES:
            self._reject("stalled", f"picture {self._offer.id} at {self._have} of {self._offer.size_bytes} bytes")
            self._offer = None
            return
        self._tries += 1
        self._ask(clock_s)

    def _take_offer(self, offer: Offer, clock_s: float) -> None:
        if offer == self._offer:
            return  # its repetition crossed with our request
        self._offer = offer
        if not 0 < offer.size_bytes <= self._max_bytes:
            self._reject("too_large", f"picture {offer.id} of {offer.size_bytes} bytes")
            self._finish(offer, Status.TOO_LARGE)
        elif offer.type not in SUFFIXES:
            self._reject("unsupported_picture", f"picture {offer.id} of type {offer.type}")
            self._finish(offer, Status.UNKNOWN_TYPE)
        elif self._shelf.has(offer.sha256):
            self._finish(offer, Status.STORED)
        else:
            self._have = self._shelf.length(offer.sha256)
            if self._have > offer.size_bytes:
                self._shelf.drop(offer.sha256)
                self._have = 0
            self._tries = 0
            self._go_on(clock_s)

    def _take_chunk(self, chunk: Chunk, clock_s: float) -> None:
        offer = self._offer
        if offer is None or chunk.id != offer.id:
            self._reject("unasked_chunk", f"picture {chunk.id}, offset {chunk.offset}")
            return
        self._heard_s = clock_s
        if chunk.offset != self._have:
            late = chunk.offset < self._have
            self._reject("repeated_chunk" if late else "chunk_gap", f"offset {chunk.offset} at {self._have}")
            if not late and clock_s - self._asked_s >= _HASTE_S:
                self._ask(clock_s)
            return
        if chunk.offset + len(chunk.data) > min(self._until, offer.size_bytes):
            self._reject("bad_chunk", f"offset {chunk.offset}, {len(chunk.data)} bytes, asked for to {self._until}")
            return
        self._shelf.append(offer.sha256, chunk.data)
        self._have += len(chunk.data)
        self._tries = 0
        if self._have == self._until:
            self._go_on(clock_s)

    def _go_on(self, clock_s: float) -> None:
        offer = self._offer
        if offer is None:
            return
        if self._have < offer.size_bytes:
            self._ask(clock_s)
        elif self._shelf.finish(offer):
            self._finish(offer, Status.STORED)
        else:
            self._reject("bad_sha256", f"picture {offer.id} of {offer.size_bytes} bytes")
            self._finish(offer, Status.BAD_HASH)

    def _ask(self, clock_s: float) -> None:
        if self._offer is None:
            return
        length = min(WINDOW_BYTES, self._offer.size_bytes - self._have)
        self._until = self._have + length
        self._asked_s = clock_s
        self._output.append(encode(Request(self._offer.id, self._have, length)))

    def _finish(self, offer: Offer, status: Status) -> None:
        self._output.append(encode(Done(offer.id, offer.sha256, status)))
        self._offer = None
