"""Nothing sent is forgotten without a receipt, whatever happens in whatever order."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.uplink.flights import LINE_BYTES, LONGEST_WAIT_S, Flight, Flights

EPOCHS = (b"epoch--1", b"epoch--2")
TIMEOUT_S = 30.0
WINDOW = 5


def overdue(flights: Flights, now: float) -> list[Flight]:
    """All that count as lost by now, most urgent first."""
    late = []
    while (flight := flights.next_overdue(now)) is not None:
        late.append(flight)
    return late


def flight(first: int, last: int, *, lane: Lane = Lane.READING, tries: int = 1, epoch: bytes = EPOCHS[0]) -> Flight:
    return Flight(lane, 1, epoch, RangeSet([(first, last)]), tries, 0.0)


class NothingIsForgotten(RuleBasedStateMachine):
    """The model: which (epoch, sequence) were sent and not receipted. Message ids come again, as a broker's do."""

    def __init__(self) -> None:
        super().__init__()
        self.flights = Flights(WINDOW, TIMEOUT_S)
        self.outstanding: set[tuple[bytes, int]] = set()
        self.now = 1000.0
        self.next = 1
        self.connected_ids: set[int] = set()
        self.acknowledged_ids: set[int] = set()

    @initialize()
    def start(self) -> None:
        assert self.flights.next_due_at() is None

    @rule(
        message_id=st.integers(1, 8),
        lane=st.sampled_from(Lane),
        count=st.integers(1, 6),
        tries=st.integers(1, 3000),
        epoch=st.sampled_from(EPOCHS),
    )
    def send(self, message_id: int, lane: Lane, count: int, tries: int, epoch: bytes) -> None:
        if not self.flights.has_room(lane is Lane.ALERT):
            assert len(self.flights) >= WINDOW
            assert lane is not Lane.ALERT
            return
        assert lane is Lane.ALERT or len(self.flights) < WINDOW
        if message_id in self.connected_ids - self.acknowledged_ids:
            return  # a client does not use an id again before it is acknowledged
        item = flight(self.next, self.next + count - 1, lane=lane, tries=tries, epoch=epoch)
        self.flights.sent(message_id, item, self.now)
        assert self.now < item.due_at <= self.now + LONGEST_WAIT_S
        self.outstanding |= {(epoch, n) for n in range(self.next, self.next + count)}
        self.next += count
        self.connected_ids.add(message_id)
        self.acknowledged_ids.discard(message_id)

    @rule(message_id=st.integers(-3, 10))
    def acknowledge(self, message_id: int) -> None:
        found = self.flights.acknowledge(message_id, self.now) if message_id > 0 else None
        if found is not None:
            assert found.acknowledged
        self.acknowledged_ids.add(message_id)

    @rule(message_id=st.integers(1, 10), wait_s=st.floats(0, 100))
    def postpone(self, message_id: int, wait_s: float) -> None:
        self.flights.postpone(message_id, self.now + wait_s)

    @rule(epoch=st.sampled_from((*EPOCHS, b"stranger")), numbers=st.sets(st.integers(1, 60), max_size=30))
    def receipt(self, epoch: bytes, numbers: set[int]) -> None:
        before = len(self.flights)
        landed = self.flights.receipt({epoch: RangeSet.of(numbers)})
        assert len(self.flights) == before - landed
        self.outstanding -= {(epoch, n) for n in numbers}

    @rule()
    def lose_link(self) -> None:
        self.flights.lost_link(self.now)
        self.connected_ids.clear()
        self.acknowledged_ids.clear()

    @rule(seconds=st.floats(0, 4000))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take_what_is_overdue(self) -> None:
        due_at = self.flights.next_due_at()
        late = list(overdue(self.flights, self.now))
        assert bool(late) == (due_at is not None and due_at <= self.now)
        assert [item.lane for item in late] == sorted(item.lane for item in late)
        for number, item in enumerate(late):  # sent again at once, under ids of their own
            self.flights.sent(1000 + number + len(self.flights), item, self.now)

    @invariant()
    def every_entry_without_a_receipt_is_under_way(self) -> None:
        under_way = {(item.epoch, n) for item in self.flights._by_id.values() for n in item.ranges.numbers()}
        assert under_way == self.outstanding

    @invariant()
    def everything_under_way_falls_due(self) -> None:
        due_at = self.flights.next_due_at()
        assert (due_at is None) == (len(self.flights) == 0)
        assert due_at is None or due_at <= self.now + LONGEST_WAIT_S

    def teardown(self) -> None:
        self.flights.clear()
        assert len(self.flights) == 0


TestNothingIsForgotten = NothingIsForgotten.TestCase
TestNothingIsForgotten.settings = settings(max_examples=100, stateful_step_count=40)


def test_a_message_id_that_comes_again_does_not_displace_an_acknowledged_flight() -> None:
    """Ids are 16 bits and free after the broker's acknowledgement; a receipt may be an hour away."""
    flights = Flights(WINDOW, TIMEOUT_S)
    flights.sent(7, flight(1, 3), 0.0)
    flights.acknowledge(7, 1.0)
    flights.sent(7, flight(4, 6), 1.0)
    flights.sent(7, flight(7, 9), 2.0)
    assert len(flights) == 3
    assert flights.receipt({EPOCHS[0]: RangeSet([(1, 9)])}) == 3


def test_waits_double_up_to_an_hour_and_never_overflow() -> None:
    flights = Flights(WINDOW, TIMEOUT_S)
    waits = []
    for tries in (1, 2, 3, 8, 9, 1000, 1025, 10**6):
        item = flight(1, 1, tries=tries)
        flights.sent(1, item, 0.0)
        waits.append(item.due_at)
    assert waits == [30, 60, 120, 3600, 3600, 3600, 3600, 3600]


def test_an_alert_passes_a_full_window() -> None:
    flights = Flights(2, TIMEOUT_S)
    flights.sent(1, flight(1, 1), 0.0)
    flights.sent(2, flight(2, 2), 0.0)
    assert not flights.has_room(urgent=False)
    assert flights.has_room(urgent=True)


def test_after_a_lost_link_what_the_broker_has_may_still_arrive_and_the_rest_is_overdue() -> None:
    flights = Flights(WINDOW, TIMEOUT_S)
    flights.sent(1, flight(1, 5), 0.0)
    flights.sent(2, flight(6, 9, lane=Lane.ALERT), 0.0)
    flights.acknowledge(1, 1.0)
    flights.lost_link(3.0)
    assert [list(item.ranges) for item in overdue(flights, 3.0)] == [[(6, 9)]]
    assert flights.next_due_at() == TIMEOUT_S
    flights.lost_link(4.0)
    assert len(flights) == 1
    assert flights.acknowledge(1, 1.0) is None  # ids of another connection


def test_a_receipt_for_a_part_leaves_the_rest_under_way() -> None:
    flights = Flights(WINDOW, TIMEOUT_S)
    flights.sent(1, flight(1, 10), 0.0)
    assert flights.receipt({EPOCHS[0]: RangeSet([(3, 4)]), b"stranger": RangeSet([(1, 10)])}) == 0
    (left,) = overdue(flights, math.inf)
    assert list(left.ranges) == [(1, 2), (5, 10)]


def test_postponed_is_not_sent_before_then() -> None:
    flights = Flights(WINDOW, TIMEOUT_S)
    flights.sent(1, flight(1, 1), 0.0)
    flights.postpone(1, 100.0)
    flights.postpone(99, 5.0)
    assert flights.next_due_at() == pytest.approx(100.0)
    assert list(overdue(flights, 99.0)) == []


def test_a_slow_line_is_given_what_it_carries_in_about_a_second() -> None:
    flights = Flights(100, TIMEOUT_S)
    rate, now, number, waits = 4000.0, 0.0, 0, []
    arrivals: list[tuple[int, float]] = []
    while number < 60:
        if flights.line_is_clear(now):
            number += 1
            item = flight(number, number)
            item.size_bytes = 800
            flights.sent(number, item, now)
            begins = max([now, *(until for _, until in arrivals)])
            arrivals.append((number, begins + 800 / rate))
            waits.append(arrivals[-1][1] - now)
        else:
            first, now = arrivals.pop(0)
            flights.acknowledge(first, now)
    assert max(waits[20:]) < 2
    flights = Flights(100, TIMEOUT_S)
    for quick in range(100, 120):
        flights.sent(quick, flight(quick, quick), now)
        flights.acknowledge(quick, now + 0.01)
    big = flight(200, 200)
    big.size_bytes = LINE_BYTES - 1
    flights.sent(200, big, now)
    assert flights.line_is_clear(now)
