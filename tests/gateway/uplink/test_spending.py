"""What the link has cost today: a restart forgets nothing, a clock that is put back brings no new budget."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import Lane
from gateway.uplink.meter import HEADERS, LINK, RECEIVED, SENT
from gateway.uplink.settings import BudgetSettings
from gateway.uplink.spending import COUNTER_PLACES, Spending

LIMA = ZoneInfo("America/Lima")
LIMITS = BudgetSettings(reading=1000, media=0, total=5000)
HOUR_MS = 3_600_000


class Counters(Counter[tuple[str, str]]):
    """As the outbox keeps them: they add up."""

    def keep(self, spending: Spending) -> None:
        self.update(spending.changes())


def at(words: str, boot_h: float = 0.0) -> Moment:
    wall = dt.datetime.fromisoformat(words).replace(tzinfo=LIMA).timestamp()
    return Moment(round(boot_h * HOUR_MS), round(wall * 1000), TimeQuality.GPS, 0)


def unknown(boot_h: float) -> Moment:
    return Moment(round(boot_h * HOUR_MS), 0, TimeQuality.UNTRUSTED, 0)


def spent(name: str, count: int, place: str = SENT) -> Counter[tuple[str, str]]:
    return Counter({(place, name): count})


def test_a_budget_is_spent_and_the_day_turns_at_the_posts_midnight() -> None:
    spending = Spending(LIMITS, LIMA)
    assert not spending.turn(at("2026-11-22 23:00"))
    spending.note(spent("reading", 400))
    assert spending.left(Lane.READING) == 600
    assert spending.left(Lane.READING, under_way=100) == 500
    assert spending.left(Lane.ALERT) is None
    assert spending.left(Lane.MEDIA) == 0
    spending.note(spent("reading", 700))
    assert spending.left(Lane.READING) == 0
    assert not spending.turn(at("2026-11-22 23:59"))
    assert spending.turn(at("2026-11-23 00:00"))
    assert spending.left(Lane.READING) == 1000
    assert spending.today(SENT) == {}


def test_everything_counts_for_the_total_both_ways() -> None:
    spending = Spending(LIMITS, LIMA)
    spending.turn(at("2026-11-22 12:00"))
    spending.note(spent("alert", 1000) + spent(LINK, 1500) + spent(HEADERS, 500) + spent(LINK, 1999, RECEIVED))
    assert not spending.is_spent
    assert spending.total_left == 1
    spending.note(spent(HEADERS, 1, RECEIVED))
    assert spending.is_spent
    assert spending.today(RECEIVED) == {LINK: 1999, HEADERS: 1}


def test_a_restart_forgets_neither_the_day_nor_what_was_spent() -> None:
    counters = Counters()
    first = Spending(LIMITS, LIMA)
    first.turn(at("2026-11-22 08:00"))
    first.note(spent("reading", 300))
    counters.keep(first)
    second = Spending(LIMITS, LIMA)
    second.restore(counters)
    assert not second.turn(at("2026-11-22 09:00"))
    assert second.left(Lane.READING) == 700
    assert second.turn(at("2026-11-24 00:01"))
    second.note(spent("reading", 50))
    counters.keep(second)
    third = Spending(LIMITS, LIMA)
    third.restore(counters)
    assert third.left(Lane.READING) == 950
    assert counters[SENT, "reading"] == 350  # ever
    assert {place for place, _ in counters} <= COUNTER_PLACES


def test_a_clock_that_is_put_back_brings_no_new_budget() -> None:
    spending = Spending(LIMITS, LIMA)
    spending.turn(at("2026-11-22 12:00"))
    spending.note(spent("reading", 900))
    for words in ("2026-11-21 12:00", "1970-01-02 00:00", "2026-11-22 23:00"):
        assert not spending.turn(at(words))
    assert spending.left(Lane.READING) == 100


def test_without_the_hour_a_day_is_24_hours_of_running_restarts_or_not() -> None:
    counters = Counters()
    turned = 0
    for boot in range(10):  # ten boots of six hours each
        spending = Spending(LIMITS, LIMA)
        spending.restore(counters)
        for quarter in range(25):
            turned += spending.turn(unknown(quarter / 4))
            spending.note(spent("reading", 1))
            counters.keep(spending)
        assert spending.left(Lane.READING) is not None, boot
    assert turned == 2
    assert counters[SENT, "reading"] == 250


@given(st.lists(st.tuples(st.floats(0, 60), st.booleans(), st.integers(0, 500), st.booleans()), max_size=60))
def test_never_more_than_a_days_budget_between_two_midnights(
    steps: list[tuple[float, bool, int, bool]],
) -> None:
    """Whatever restarts and losses of the clock: within one known day at most two days' budgets (one that began by
    running time, one at its midnight), and never a count below zero."""
    counters, spending = Counters(), Spending(LIMITS, LIMA)
    start = dt.datetime(2026, 11, 22, tzinfo=LIMA).timestamp()
    hours = 0.0
    by_day: Counter[int] = Counter()
    for passed, trusted, wish, restart in steps:
        hours += passed
        wall_ms = round((start + hours * 3600) * 1000)
        quality = TimeQuality.NTP if trusted else TimeQuality.UNTRUSTED
        if restart:
            counters.keep(spending)
            spending = Spending(LIMITS, LIMA)
            spending.restore(counters)
        spending.turn(Moment(round(hours * HOUR_MS), wall_ms, quality, 0))
        left = spending.left(Lane.READING)
        assert left is not None
        assert 0 <= left <= 1000
        count = min(wish, left)
        spending.note(spent("reading", count))
        by_day[int(hours // 24)] += count
    counters.keep(spending)
    assert all(count >= 0 for count in counters.values())
    assert all(count <= 2000 for count in by_day.values())
