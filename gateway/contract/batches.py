"""PUBLISHED. Batches: entries of one outbox epoch and one lane in one MQTT message.

Message, version 1 (varints LEB128, see `gateway.contract.ranges`):

    version 1 | flags 1 | station digest 4 | epoch 8 | sequence ranges | body

The head (all but the body) keeps its meaning in every later version, so that headquarters can always tell what
a message holds, even one whose body it cannot read. flags bit 0: the body is one zstd frame; bit 1: the body is
rows (`gateway.contract.rows`), else columns (`gateway.contract.columns`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import zstandard

from gateway.contract.columns import decode_columns, encode_columns
from gateway.contract.entries import MAX_ENTRIES, Entry, Group, entries_of
from gateway.contract.ranges import RangeSet
from gateway.contract.rows import decode_rows, encode_rows
from gateway.contract.topics import ContractError

VERSION: Final = 1
EPOCH_BYTES: Final = 8
MAX_MESSAGE_BYTES: Final = 256 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
"""A body that says it is larger, compressed or not, is refused before it is unpacked."""
MAX_READINGS_BYTES: Final = 128 * 1024
"""Entries whose readings take no more than this in all, as MessagePack, always fit into one message."""

_COMPRESSED: Final = 0x01
_ROWS: Final = 0x02
_ROWS_UP_TO: Final = 4
_COMPRESS_FROM_BYTES: Final = 128
_LEVEL: Final = 9
_RANGES_AT: Final = 2 + 4 + EPOCH_BYTES


class Head(NamedTuple):
    """What a message says before its body: whose it is and which entries it holds."""

    version: int
    flags: int
    station_digest: bytes
    epoch: bytes
    ranges: RangeSet
    body_at: int


def station_digest(station: str) -> bytes:
    """4 bytes that must agree with the topic's station."""
    return hashlib.sha256(station.encode()).digest()[:4]


def encode_batch(station: str, epoch: bytes, entries: Sequence[Entry]) -> bytes:
    """One message from 1 to 4096 entries in ascending sequence order. Raises ValueError when they are not, when they do
    not fit into one message (see MAX_READINGS_BYTES), and for whatever `decode_groups` would refuse."""
    if not 1 <= len(entries) <= MAX_ENTRIES or len(epoch) != EPOCH_BYTES:
        raise ValueError(f"{len(entries)} entries and {len(epoch)} bytes of epoch do not make a batch")
    if any(a.sequence >= b.sequence for a, b in pairwise(entries)):
        raise ValueError("entries are not in ascending sequence order")
    flags = _ROWS if len(entries) <= _ROWS_UP_TO else 0
    body = encode_rows(entries) if flags else encode_columns(entries)
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"{len(entries)} entries make a body of {len(body)} bytes (at most {MAX_BODY_BYTES})")
    if len(body) >= _COMPRESS_FROM_BYTES:
        squeezed = zstandard.ZstdCompressor(level=_LEVEL).compress(body)
        if len(squeezed) < len(body):
            body, flags = squeezed, flags | _COMPRESSED
    ranges = RangeSet.of(entry.sequence for entry in entries).encode()
    message = bytes((VERSION, flags)) + station_digest(station) + epoch + ranges + body
    if len(message) > MAX_MESSAGE_BYTES:
        raise ValueError(f"{len(entries)} entries make {len(message)} bytes (at most {MAX_MESSAGE_BYTES})")
    return message


def decode_head(message: bytes) -> Head:
    """Whose a message is and what it holds, its body unread. Raises ContractError."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise ContractError("too_large", f"{len(message)} bytes (at most {MAX_MESSAGE_BYTES})")
    if len(message) <= _RANGES_AT:
        raise ContractError("truncated", f"{len(message)} bytes are less than a head")
    ranges, at = RangeSet.decode(message, _RANGES_AT)
    if not 1 <= len(ranges) <= MAX_ENTRIES:
        raise ContractError("bad_count", f"{len(ranges)} entries (1 to {MAX_ENTRIES})")
    return Head(message[0], message[1], message[2:6], message[6:_RANGES_AT], ranges, at)


def decode_groups(message: bytes, head: Head) -> list[Group]:
    """The entries of a message, shape by shape. Raises ContractError; never allocates more than the caps."""
    if head.version != VERSION or head.flags & ~(_COMPRESSED | _ROWS):
        raise ContractError("unknown_version", f"batch version {head.version}, flags {head.flags:#x}")
    body = message[head.body_at :]
    if head.flags & _COMPRESSED:
        body = _decompress(body)
    decode = decode_rows if head.flags & _ROWS else decode_columns
    try:
        return decode(body, list(head.ranges.numbers()))
    except IndexError as error:
        raise ContractError("truncated", "a body that ends too early") from error


def decode_entries(message: bytes) -> tuple[Head, list[Entry]]:
    """Head and entries in sequence order: the inverse of `encode_batch`. Raises ContractError."""
    head = decode_head(message)
    return head, sorted(entries_of(decode_groups(message, head)), key=lambda entry: entry.sequence)


def _decompress(body: bytes) -> bytes:
    try:
        told = zstandard.frame_content_size(body)
        if not 0 < told <= MAX_BODY_BYTES:
            raise ContractError("bomb", f"a body that says it is {told} bytes (at most {MAX_BODY_BYTES})")
        unpack = zstandard.ZstdDecompressor(max_window_size=2**21).decompress
        return unpack(body, max_output_size=MAX_BODY_BYTES, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ContractError("bad_compression", str(error)) from error
