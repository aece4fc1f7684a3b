"""RangeSet is a set of numbers, however it is kept."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from gateway.contract.ranges import (
    MAX_RANGES,
    MAX_SEQUENCE,
    MAX_WIDE_VARINT_BYTES,
    RangeSet,
    decode_varint,
    encode_varint,
)
from gateway.contract.topics import ContractError

small = st.integers(1, 60)
spans = st.tuples(small, st.integers(0, 12)).map(lambda span: (span[0], span[0] + span[1]))


class RangeSetIsASet(RuleBasedStateMachine):
    """Every operation on a RangeSet beside the same on a plain set."""

    sets = Bundle("sets")

    @rule(target=sets, numbers=st.sets(small, max_size=20))
    def new(self, numbers: set[int]) -> tuple[RangeSet, set[int]]:
        return RangeSet.of(numbers), set(numbers)

    @rule(target=sets, ranges=st.lists(spans, max_size=6))
    def new_of_ranges(self, ranges: list[tuple[int, int]]) -> tuple[RangeSet, set[int]]:
        return RangeSet(ranges), {n for first, last in ranges for n in range(first, last + 1)}

    @rule(pair=sets, span=spans)
    def add(self, pair: tuple[RangeSet, set[int]], span: tuple[int, int]) -> None:
        pair[0].add(*span)
        pair[1].update(range(span[0], span[1] + 1))
        self.same(*pair)

    @rule(pair=sets, other=sets)
    def update(self, pair: tuple[RangeSet, set[int]], other: tuple[RangeSet, set[int]]) -> None:
        pair[0].update(other[0])
        pair[1].update(other[1])
        self.same(*pair)

    @rule(target=sets, pair=sets, other=sets)
    def minus(self, pair: tuple[RangeSet, set[int]], other: tuple[RangeSet, set[int]]) -> tuple[RangeSet, set[int]]:
        rest = pair[0].minus(other[0]), pair[1] - other[1]
        self.same(*rest)
        return rest

    @rule(pair=sets, other=sets)
    def covering(self, pair: tuple[RangeSet, set[int]], other: tuple[RangeSet, set[int]]) -> None:
        cover = {n for first, last in pair[0] if other[1] & set(range(first, last + 1)) for n in range(first, last + 1)}
        self.same(pair[0].covering(other[0]), cover)

    @rule(pair=sets, at=st.binary(max_size=3), after=st.binary(max_size=3))
    def travel(self, pair: tuple[RangeSet, set[int]], at: bytes, after: bytes) -> None:
        raw = pair[0].encode()
        decoded, end = RangeSet.decode(at + raw + after, len(at))
        assert decoded == pair[0]
        assert end == len(at) + len(raw)

    @rule(pair=sets, number=st.integers(0, 75))
    def contains(self, pair: tuple[RangeSet, set[int]], number: int) -> None:
        assert (number in pair[0]) == (number in pair[1])

    def same(self, ranges: RangeSet, numbers: set[int]) -> None:
        assert list(ranges.numbers()) == sorted(numbers)
        assert len(ranges) == len(numbers)
        assert bool(ranges) == bool(numbers)
        pairs = list(ranges)
        assert ranges.count_ranges() == len(pairs)
        assert all(first <= last for first, last in pairs)
        assert all(a[1] + 1 < b[0] for a, b in pairwise(pairs))


TestRangeSetIsASet = RangeSetIsASet.TestCase
TestRangeSetIsASet.settings = settings(max_examples=80, stateful_step_count=25)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (-1, 5), (3, 2), (1, MAX_SEQUENCE + 1)])
def test_only_sequence_numbers_enter(first: int, last: int) -> None:
    with pytest.raises(ValueError):
        RangeSet().add(first, last)


@pytest.mark.parametrize("numbers", [[0], [-1], [0, 1], [-1, 0], [MAX_SEQUENCE + 1], [5, 2**60]])
def test_only_sequence_numbers_enter_one_by_one(numbers: list[int]) -> None:
    with pytest.raises(ValueError):
        RangeSet.of(numbers)


def test_the_ends_travel() -> None:
    both = RangeSet([(1, 1), (MAX_SEQUENCE, MAX_SEQUENCE)])
    assert RangeSet.decode(both.encode())[0] == both
    whole = RangeSet([(1, MAX_SEQUENCE)])
    assert RangeSet.decode(whole.encode())[0] == whole
    assert len(whole) == MAX_SEQUENCE


@given(st.binary(max_size=60))
def test_random_bytes_are_a_set_or_refused(raw: bytes) -> None:
    try:
        decoded, end = RangeSet.decode(raw)
    except ContractError:
        return
    assert 0 < end <= len(raw)
    assert RangeSet(decoded) == decoded  # in order, disjoint, within bounds


def test_a_huge_count_takes_no_memory() -> None:
    tracemalloc.start()
    for count in (MAX_RANGES + 1, 2**48):
        with pytest.raises(ContractError, match="bad_ranges"):
            RangeSet.decode(encode_varint(count) + b"\x02\x00" * 100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1024 * 1024


@given(st.integers(0, 2**63 - 1))
def test_varints_go_round(number: int) -> None:
    raw = encode_varint(number)
    assert decode_varint(b"x" + raw, 1, MAX_WIDE_VARINT_BYTES) == (number, 1 + len(raw))
    for length in range(len(raw)):
        with pytest.raises(ContractError, match="truncated"):
            decode_varint(raw[:length], 0, MAX_WIDE_VARINT_BYTES)
    if number >= 2**49:
        with pytest.raises(ContractError, match="bad_varint"):
            decode_varint(raw, 0)


def test_a_varint_does_not_go_on_for_ever() -> None:
    with pytest.raises(ContractError, match="bad_varint"):
        decode_varint(b"\xff" * 1000, 0)
    with pytest.raises(ValueError):
        encode_varint(-1)


def test_a_set_is_not_a_key() -> None:
    with pytest.raises(TypeError):
        hash(RangeSet())
    assert repr(RangeSet([(1, 3)])) == "RangeSet([(1, 3)])"
    assert RangeSet() != {1}
