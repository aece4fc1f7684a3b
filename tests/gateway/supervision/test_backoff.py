"""Waits between tries: growing, bounded, and not the same for every post."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.supervision.backoff import CAP_S, FIRST_S, Backoff


@given(st.integers(), st.integers(1, 200))
def test_waits_double_within_their_upper_half_up_to_the_cap(seed: int, tries: int) -> None:
    backoff = Backoff(random.Random(seed))
    for number in range(tries):
        ceiling_s = min(CAP_S, FIRST_S * 2.0**number)
        assert ceiling_s / 2 <= backoff.next_s() <= ceiling_s
    backoff.reset()
    assert FIRST_S / 2 <= backoff.next_s() <= FIRST_S


def test_two_posts_do_not_wait_alike() -> None:
    one, other = Backoff(random.Random(1)), Backoff(random.Random(2))
    assert [one.next_s() for _ in range(10)] != [other.next_s() for _ in range(10)]
