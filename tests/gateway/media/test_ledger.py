"""Whatever is lost, doubled or told late, a file's bytes all arrive, and none is believed there that is not."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.ranges import RangeSet
from gateway.media.ledger import ChunkLedger, Piece


@given(st.integers(1, 60_000), st.integers(1, 9_000), st.integers(0, 2**32))
def test_over_any_link_all_bytes_arrive(size: int, longest: int, seed: int) -> None:
    chance = random.Random(seed)
    longest = max(longest, size // 60)
    ledger, there = ChunkLedger(size), RangeSet()
    on_the_way: list[Piece] = []
    answers: list[RangeSet] = []
    for _ in range(5_000):
        if len(there) == size and not ledger.has_unsent and not answers:
            break
        step = chance.random()
        if step < 0.4 and (piece := ledger.next(longest)) is not None:
            assert 1 <= piece.length <= longest
            assert piece.offset + piece.length <= size
            on_the_way.append(piece)
        elif step < 0.7 and on_the_way:
            piece = on_the_way.pop(chance.randrange(len(on_the_way)))
            if chance.random() < 0.7:
                there.add(piece.offset + 1, piece.offset + piece.length)
                if chance.random() < 0.1:
                    on_the_way.append(piece)  # it comes again
            elif chance.random() < 0.5:
                ledger.lost(piece)
            answers.append(RangeSet(there))
        elif step < 0.95 and answers:
            ledger.told(answers.pop(0))
            assert ledger.held_bytes <= len(there)
        else:
            ledger.lost_all()  # silence: headquarters is asked, and what was on its way comes late or never
            answers.append(RangeSet(there))
    assert len(there) == size
    ledger.told(there)
    assert (ledger.held_bytes, ledger.away_bytes, ledger.has_unsent) == (size, 0, False)
    assert ledger.next(longest) is None


@given(st.integers(1, 1000), st.sets(st.integers(1, 5000)))
def test_what_headquarters_names_beyond_the_file_is_nothing_to_us(size: int, numbers: set[int]) -> None:
    ledger = ChunkLedger(size)
    grown = ledger.told(RangeSet.of(numbers))
    inside = {number for number in numbers if number <= size}
    assert grown == bool(inside)
    assert ledger.held_bytes == len(inside)
    sent: set[int] = set()
    while (piece := ledger.next(7)) is not None:
        span = set(range(piece.offset + 1, piece.offset + piece.length + 1))
        assert not span & (sent | inside)
        sent |= span
    assert sent | inside == set(range(1, size + 1))


def test_headquarters_may_take_back_what_it_said() -> None:
    ledger = ChunkLedger(10)
    ledger.told(RangeSet([(1, 10)]))
    assert not ledger.has_unsent
    assert not ledger.told(RangeSet([(1, 4)]))
    assert ledger.next(100) == Piece(4, 6)
