"""Wrong PINs cost time, by address and in all, and whoever was right once is not held up by others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.page.guesses import Guesses


def guesses_until(seconds: float, *, address: str = "10.0.0.7", every_s: float = 0.01) -> int:
    """How many guesses one address gets looked at in so long, trying all the time."""
    guesses, seen, now = Guesses(), 0, 0.0
    while now < seconds:
        seen += guesses.begin(address, now) == 0.0
        now += every_s
    return seen


def test_three_mistakes_are_free_and_then_each_costs_twice_as_much() -> None:
    guesses, now = Guesses(), 100.0
    for _ in range(3):
        assert guesses.begin("10.0.0.7", now) == 0.0
    assert guesses.begin("10.0.0.7", now) == 4.0
    assert guesses.begin("10.0.0.7", now + 4) == 0.0
    assert guesses.begin("10.0.0.7", now + 4) == 8.0


def test_a_day_of_guessing_from_one_address_tries_a_hundred_of_ten_thousand() -> None:
    assert guesses_until(86_400, every_s=1.0) < 110


def test_right_is_forgiven_at_once() -> None:
    guesses = Guesses()
    for _ in range(3):
        guesses.begin("10.0.0.7", 0.0)
    guesses.begin("10.0.0.7", 4.0)
    guesses.right("10.0.0.7", 4.0)
    assert guesses.begin("10.0.0.7", 4.1) == 0.0


def test_many_addresses_are_held_up_together() -> None:
    guesses, seen = Guesses(), 0
    for n in range(2000):
        seen += guesses.begin(f"10.0.{n // 250}.{n % 250}", n * 0.1) == 0.0
    assert seen < 20


def test_a_phone_that_was_right_is_not_held_up_by_the_guesses_of_others() -> None:
    guesses = Guesses()
    assert guesses.begin("10.0.0.1", 0.0) == 0.0
    guesses.right("10.0.0.1", 0.0)
    for n in range(200):
        guesses.begin(f"10.9.0.{n}", 1.0)
    assert guesses.begin("10.0.0.9", 1.0) > 0
    assert guesses.begin("10.0.0.1", 1.0) == 0.0


def test_the_addresses_of_one_ipv6_network_are_one() -> None:
    guesses = Guesses()
    for n in range(3):
        assert guesses.begin(f"fe80::{n + 1}%wlan0", 0.0) == 0.0
    assert guesses.begin("fe80::99", 0.0) > 0


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 50), st.booleans()), max_size=80))
def test_whatever_comes_no_wait_is_negative_or_longer_than_a_quarter_of_an_hour(
    tries: list[tuple[int, float, bool]],
) -> None:
    guesses, now = Guesses(), 0.0
    for place, later_s, is_right in tries:
        now += later_s
        wait_s = guesses.begin(f"10.0.0.{place}", now)
        assert 0.0 <= wait_s <= 900.0
        if wait_s == 0.0 and is_right:
            guesses.right(f"10.0.0.{place}", now)
