"""PUBLISHED. Receipts: headquarters tells a post which entries are safely in its journal.

    version 1 | epochs: count | each: epoch 8 | sequence ranges

A receipt may name more than was last sent (whole ranges that headquarters holds), so that a later receipt makes up
for a lost one. Only what a receipt names may be forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.contract.batches import EPOCH_BYTES
from gateway.contract.ranges import MAX_RANGES, RangeSet, decode_varint, encode_varint
from gateway.contract.topics import ContractError

VERSION: Final = 1
MAX_EPOCHS: Final = 64
MAX_RECEIPT_BYTES: Final = 64 * 1024
_PART_BYTES: Final = MAX_RECEIPT_BYTES - 8  # without version and count
_RANGES_A_PIECE: Final = 4000


def encode_receipt(stored: Mapping[bytes, RangeSet]) -> bytes:
    """One receipt for 1 to 64 epochs. Raises ValueError for more, and for what a post would refuse: an epoch that is
    not 8 bytes, more than 4096 ranges of one, more than 64 KiB in all."""
    if not 1 <= len(stored) <= MAX_EPOCHS:
        raise ValueError(f"{len(stored)} epochs (1 to {MAX_EPOCHS})")
    out = bytearray((VERSION,)) + encode_varint(len(stored))
    for epoch, ranges in stored.items():
        if len(epoch) != EPOCH_BYTES or ranges.count_ranges() > MAX_RANGES:
            raise ValueError(f"an epoch of {len(epoch)} bytes with {ranges.count_ranges()} ranges")
        out += epoch + ranges.encode()
    if len(out) > MAX_RECEIPT_BYTES:
        raise ValueError(f"a receipt of {len(out)} bytes (at most {MAX_RECEIPT_BYTES})")
    return bytes(out)


def encode_receipts(stored: Mapping[bytes, RangeSet]) -> list[bytes]:
    """As many receipts as it takes to say all of it, each within the limits; none for nothing."""
    receipts: list[bytes] = []
    part: dict[bytes, RangeSet] = {}
    size = 0
    for epoch, ranges in stored.items():
        pairs = list(ranges)
        for at in range(0, len(pairs), _RANGES_A_PIECE):
            piece = RangeSet(pairs[at : at + _RANGES_A_PIECE])
            piece_size = EPOCH_BYTES + len(piece.encode())
            if part and (epoch in part or len(part) == MAX_EPOCHS or size + piece_size > _PART_BYTES):
                receipts.append(encode_receipt(part))
                part, size = {}, 0
            part[epoch] = piece
            size += piece_size
    return [*receipts, encode_receipt(part)] if part else receipts


def decode_receipt(message: bytes) -> dict[bytes, RangeSet]:
    """Epoch to what of it is stored. Raises ContractError."""
    if len(message) > MAX_RECEIPT_BYTES:
        raise ContractError("too_large", f"a receipt of {len(message)} bytes (at most {MAX_RECEIPT_BYTES})")
    if message[:1] != bytes((VERSION,)):
        raise ContractError("unknown_version", f"receipt version {message[:1].hex()}, this is {VERSION:02x}")
    count, at = decode_varint(message, 1)
    if not 1 <= count <= MAX_EPOCHS:
        raise ContractError("bad_count", f"{count} epochs (1 to {MAX_EPOCHS})")
    stored: dict[bytes, RangeSet] = {}
    for _ in range(count):
        epoch = message[at : at + EPOCH_BYTES]
        if len(epoch) != EPOCH_BYTES or epoch in stored:
            raise ContractError("bad_epoch", "an epoch cut off or named twice")
        stored[epoch], at = RangeSet.decode(message, at + EPOCH_BYTES)
    if at != len(message):
        raise ContractError("bad_body", f"{len(message) - at} bytes are left over")
    return stored
