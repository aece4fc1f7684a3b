"""Wrong PINs cost time, by phone and over all strangers; a phone that was right once is not held up by others."""

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


def test_a_day_of_guessing_from_ever_new_addresses_tries_a_hundred_too() -> None:
    guesses, seen = Guesses(), 0
    for n in range(86_400):
        seen += guesses.begin(f"10.{n // 65_536}.{n // 256 % 256}.{n % 256}", float(n)) == 0.0
    assert 100 < seen < 120


def test_a_phone_that_was_right_once_is_not_held_up_by_the_guesses_of_strangers() -> None:
    guesses = Guesses()
    for n in range(2000):
        guesses.begin(f"10.9.{n // 250}.{n % 250}", 1.0)
    assert 800 < guesses.begin("10.0.0.9", 1.0) <= 900
    assert guesses.begin("phone 1", 1.0, is_known=True) == 0.0
    guesses.right("phone 1", 1.0, is_known=True)
    assert guesses.begin("10.0.0.9", 1.0) > 800, "and lets no stranger in before his time"


def test_a_known_phone_may_not_guess_for_ever_either() -> None:
    guesses = Guesses()
    assert sum(guesses.begin("phone 1", float(n), is_known=True) == 0.0 for n in range(86_400)) < 110


def test_when_the_guessing_is_over_a_stranger_waits_a_quarter_of_an_hour_at_most() -> None:
    guesses = Guesses()
    for n in range(50_000):
        guesses.begin(f"10.{n // 65_536}.{n // 256 % 256}.{n % 256}", float(n))
    assert guesses.begin("192.168.4.7", 50_000 + 901.0) == 0.0


def test_rangers_with_new_phones_take_no_tries_from_each_other() -> None:
    guesses = Guesses()
    for n in range(100):
        assert guesses.begin(f"10.0.0.{n}", 1.0) == 0.0
        guesses.right(f"10.0.0.{n}", 1.0)


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
