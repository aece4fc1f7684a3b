"""Whatever is sent in place of a batch is refused in words, and costs no memory."""

from __future__ import annotations

import random
import tracemalloc

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.readings import QUANTITIES
from gateway.contract.batches import (
    MAX_BODY_BYTES,
    MAX_MESSAGE_BYTES,
    decode_entries,
    decode_groups,
    decode_head,
    encode_batch,
)
from gateway.contract.entries import Entry
from gateway.contract.ranges import encode_varint
from gateway.contract.topics import ContractError
from tests.gateway.contract.any_entries import batches
from tests.gateway.contract.made_entries import EPOCH, climate, entry

MEMORY_BOUND = 24 * 1024 * 1024
"""What decoding one message, however hostile, may take: the body, its numbers as Python integers, and the groups."""


def outcome(message: bytes) -> str:
    """The reason for which a message is refused, or "taken"; any other exception fails the test."""
    try:
        head, entries = decode_entries(message)
    except ContractError as refusal:
        return refusal.reason
    assert [e.sequence for e in entries] == list(head.ranges.numbers())
    return "taken"


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(raw: bytes) -> None:
    outcome(raw)
    outcome(bytes((1, 0)) + raw)
    outcome(bytes((1, 2)) + raw)


@settings(max_examples=400)
@given(st.data())
def test_random_bodies_are_refused_or_understood(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    head = bytes((1, data.draw(st.sampled_from((0, 2))))) + b"\0" * 4 + EPOCH + bytes((1, 1, count - 1))
    outcome(head + data.draw(st.binary(max_size=200)))


@given(batches(max_size=8))
@settings(max_examples=25)
def test_a_message_cut_off_anywhere_is_refused(entries: list[Entry]) -> None:
    message = encode_batch("p", EPOCH, entries)
    for length in range(len(message)):
        assert outcome(message[:length]) != "taken"


@given(batches(max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_flipped_bits_never_raise_anything_else(entries: list[Entry], rng: random.Random) -> None:
    message = encode_batch("p", EPOCH, entries)
    for _ in range(60):
        spoilt = bytearray(message)
        for _ in range(rng.randint(1, 3)):
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        outcome(bytes(spoilt))


def test_flipped_bits_of_a_large_plain_body_never_raise_anything_else() -> None:
    """As above, past the compression: what a changed column does."""
    rng = random.Random(5)
    message = encode_batch("p", EPOCH, [entry(n, climate(f"c{n % 3}", n / 7), 10**12 + n * n) for n in range(1, 60)])
    head = decode_head(message)
    body = zstandard.ZstdDecompressor().decompress(message[head.body_at :])
    for _ in range(3000):
        spoilt = bytearray(body)
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        outcome(bytes((1, 0)) + message[2 : head.body_at] + bytes(spoilt))


# Bombs


def with_body(body: bytes, *, flags: int = 1, count: int = 1) -> bytes:
    return bytes((1, flags)) + b"\0" * 4 + EPOCH + b"\x01\x01" + encode_varint(count - 1) + body


def zstd(raw: bytes, *, told: bool = True) -> bytes:
    return zstandard.ZstdCompressor(level=19, write_content_size=told).compress(raw)


def lying(raw: bytes, told: int) -> bytes:
    """A frame whose header tells another size (RFC 8878, 3.1.1: magic 4, descriptor 1, window or content size)."""
    frame = zstd(raw)
    real = zstandard.get_frame_parameters(frame)
    assert real.content_size == len(raw)
    width = {0: 1, 1: 2, 2: 4, 3: 8}[frame[4] >> 6]
    at = 5 + (0 if frame[4] & 0x20 else 1)
    content = frame[at + width :]
    return frame[:4] + bytes((0xC0 | frame[4] & 0x3F,)) + frame[5:at] + told.to_bytes(8, "little") + content


HUGE = b"\0" * (64 * 1024 * 1024)
BOMBS = {
    "says 64 MiB": zstd(HUGE),
    "says nothing": zstd(HUGE, told=False),
    "says 10 bytes, is 64 MiB": lying(HUGE, 10),
    "says 1 MiB, is 64 MiB": lying(HUGE, MAX_BODY_BYTES),
    "says 1 MiB, is 10 bytes": lying(b"\0" * 300, MAX_BODY_BYTES),
    "says 2**63": lying(b"\0" * 300, 2**63),
    "a frame in a frame": zstd(zstd(HUGE)),
    "two frames": zstd(b"\0" * 500) + zstd(HUGE),
    "skippable": b"\x50\x2a\x4d\x18" + (0xFFFFFFFF).to_bytes(4, "little"),
    "empty": zstd(b""),
    "nothing": b"",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("flags", [1, 3])
def test_a_bomb_does_not_go_off(name: str, flags: int) -> None:
    message = with_body(BOMBS[name], flags=flags)
    assert len(message) < MAX_MESSAGE_BYTES
    reason, peak = measured(message)
    assert reason != "taken"
    assert peak < 4 * MAX_BODY_BYTES


def columns_of(shapes: bytes, sections: bytes, strings: bytes = b"\x01\x01s") -> bytes:
    return strings + shapes + sections


ALL_CODES = bytes(sorted(quantity.code for quantity in QUANTITIES.values()))
ONE_SHAPE = b"\x01\x03" + encode_varint(len(ALL_CODES)) + ALL_CODES
ZERO_COLUMNS = b"\x00\x00" * len(ALL_CODES)
TIMES = bytes((4, 2, 0, 0)) + bytes((5, 3, 1, 0, 4))


def section(number: int, packed: bytes) -> bytes:
    return bytes((number,)) + encode_varint(len(packed)) + packed


HUGE_COUNTS = {
    "strings": encode_varint(2**48) + b"\x01s" * 100,
    "strings of nothing": encode_varint(8192) + b"\x00" * 8192,
    "shapes": b"\x00" + encode_varint(2**48) + b"\x03\x01\x20" * 100,
    "codes": b"\x00\x01\x03" + encode_varint(2**48) + ALL_CODES,
    "a string": b"\x01" + encode_varint(2**48) + b"s" * 100,
    "a section": b"\x01\x01s" + ONE_SHAPE + bytes((4,)) + encode_varint(2**48),
    "shapes that nobody uses": b"\x01\x01s"
    + encode_varint(4096)
    + ONE_SHAPE[1:] * 4096
    + TIMES
    + section(16, ZERO_COLUMNS * 4096),
    "every entry has every quantity": columns_of(ONE_SHAPE, TIMES + section(16, ZERO_COLUMNS)),
    "runaway sums": columns_of(
        ONE_SHAPE, section(4, b"\x02\x00" + encode_varint(2**62) * 2) + section(16, ZERO_COLUMNS)
    ),
    "runaway values": columns_of(ONE_SHAPE, TIMES + section(16, b"\x01\x00" + encode_varint(2**62 - 2) + ZERO_COLUMNS)),
}


def measured(message: bytes) -> tuple[str, int]:
    tracemalloc.start()
    try:
        reason = outcome_of_groups(message)
        return reason, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def outcome_of_groups(message: bytes) -> str:
    try:
        decode_groups(message, decode_head(message))
    except ContractError as refusal:
        return refusal.reason
    return "taken"


@pytest.mark.parametrize("name", HUGE_COUNTS)
def test_huge_counts_take_no_memory(name: str) -> None:
    for body, flags in ((HUGE_COUNTS[name], 0), (zstd(HUGE_COUNTS[name]), 1)):
        _, peak = measured(with_body(body, flags=flags, count=4096)[:MAX_MESSAGE_BYTES])
        assert peak < MEMORY_BOUND


def test_the_most_that_a_message_can_hold_is_bounded() -> None:
    body = HUGE_COUNTS["every entry has every quantity"]
    reason, peak = measured(with_body(body, flags=0, count=4096))
    assert reason == "taken"
    assert peak < MEMORY_BOUND


def test_4096_shapes_of_every_quantity_stay_within_the_bound() -> None:
    shapes = encode_varint(4096) + ONE_SHAPE[1:] * 4096
    numbers = [n << 1 for n in range(4096)]
    each = section(1, b"\x00\x02" + bytes(n & 0xFF for n in numbers) + bytes(n >> 8 for n in numbers))
    body = b"\x01\x01s" + shapes + each + TIMES + section(16, ZERO_COLUMNS * 4096)
    assert len(body) < MAX_BODY_BYTES
    reason, peak = measured(with_body(zstd(body), flags=1, count=4096))
    assert reason == "taken"
    assert peak < 2 * MEMORY_BOUND  # 184,000 columns of one number each


def test_a_head_with_huge_counts_is_refused() -> None:
    start = bytes((1, 0)) + b"\0" * 4 + EPOCH
    assert outcome(start + encode_varint(2**48) + b"\x01" * 100) == "bad_ranges"
    assert outcome(start + b"\x01\x01" + encode_varint(2**47)) == "bad_count"
    assert outcome(start + b"\x01\x01" + encode_varint(2**48 - 1)) == "bad_ranges"
    assert outcome(start + b"\x00") == "bad_count"
    assert outcome(b"\x01" * (MAX_MESSAGE_BYTES + 1)) == "too_large"
