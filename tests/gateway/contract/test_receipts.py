"""Receipts say which entries are stored, and nothing else is ever read out of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.ranges import MAX_RANGES, RangeSet, encode_varint
from gateway.contract.receipts import (
    MAX_EPOCHS,
    MAX_RECEIPT_BYTES,
    decode_receipt,
    encode_receipt,
    encode_receipts,
)
from gateway.contract.topics import ContractError

EPOCH = bytes.fromhex("0102030405060708")
# Synthetic; a change here is a change of the contract.
GOLDEN_HEX = "010201020304050607080201f303640000000000000000000107f8ffffffffff3f"
GOLDEN = {EPOCH: RangeSet([(1, 500), (600, 600)]), bytes(8): RangeSet([(7, 2**48 - 1)])}

range_sets = st.sets(st.integers(1, 2**48 - 1) | st.integers(1, 200), max_size=30).map(RangeSet.of)
receipts = st.dictionaries(st.binary(min_size=8, max_size=8), range_sets, min_size=1, max_size=MAX_EPOCHS)


def outcome(message: bytes) -> str:
    try:
        decode_receipt(message)
    except ContractError as refusal:
        return refusal.reason
    return "taken"


@given(receipts)
def test_what_goes_in_comes_out(stored: dict[bytes, RangeSet]) -> None:
    assert decode_receipt(encode_receipt(stored)) == stored


def test_the_wire_format_does_not_change() -> None:
    assert encode_receipt(GOLDEN).hex() == GOLDEN_HEX
    assert decode_receipt(bytes.fromhex(GOLDEN_HEX)) == GOLDEN


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_understood(raw: bytes) -> None:
    outcome(raw)
    outcome(b"\x01" + raw)


@given(receipts)
@settings(max_examples=30)
def test_a_receipt_cut_off_anywhere_is_refused(stored: dict[bytes, RangeSet]) -> None:
    message = encode_receipt(stored)
    for length in range(len(message)):
        assert outcome(message[:length]) != "taken"
    assert outcome(message + b"\0") == "bad_body"


@given(receipts, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_flipped_bits_never_raise_anything_else(stored: dict[bytes, RangeSet], rng: random.Random) -> None:
    message = encode_receipt(stored)
    for _ in range(40):
        spoilt = bytearray(message)
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        outcome(bytes(spoilt))


def test_refusals_have_reasons() -> None:
    assert outcome(b"") == "unknown_version"
    assert outcome(b"\x02\x01") == "unknown_version"
    assert outcome(b"\x01\x00") == "bad_count"
    assert outcome(b"\x01" + encode_varint(MAX_EPOCHS + 1)) == "bad_count"
    assert outcome(b"\x01\x02" + (EPOCH + b"\x00") * 2) == "bad_epoch"
    assert outcome(b"\x01" * (MAX_RECEIPT_BYTES + 1)) == "too_large"


def test_what_a_post_would_refuse_is_not_sent() -> None:
    gaps = RangeSet.of(range(1, 2 * (MAX_RANGES + 1), 2))
    far = RangeSet.of(n * 2**34 for n in range(1, 3000))
    for stored in ({}, {bytes([n]) * 8: RangeSet() for n in range(65)}, {b"short": RangeSet()}, {EPOCH: gaps}):
        with pytest.raises(ValueError):
            encode_receipt(stored)
    with pytest.raises(ValueError, match="bytes"):
        encode_receipt({bytes([n]) * 8: far for n in range(8)})


@given(receipts)
@settings(max_examples=20)
def test_several_receipts_say_as_much_as_one(stored: dict[bytes, RangeSet]) -> None:
    assert together(encode_receipts(stored)) == {epoch: ranges for epoch, ranges in stored.items() if ranges}


def test_what_is_too_much_for_one_receipt_goes_into_several() -> None:
    rng = random.Random(2)
    stored = {bytes([n]) * 8: RangeSet.of(rng.sample(range(1, 2**48, 2**20), 5000)) for n in range(70)}
    parts = encode_receipts(stored)
    assert len(parts) > 2
    assert together(parts) == stored
    assert encode_receipts({}) == []


def together(parts: list[bytes]) -> dict[bytes, RangeSet]:
    said: dict[bytes, RangeSet] = {}
    for part in parts:
        for epoch, ranges in decode_receipt(part).items():
            said.setdefault(epoch, RangeSet()).update(ranges)
    return said
