"""What of a lane goes next, from a real outbox: nothing twice, nothing forgotten, the newest day first, no flood before
the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox, Parcel
from gateway.uplink.flights import Flight, Flights
from gateway.uplink.lane_queue import LaneQueue
from tests.gateway.outbox.boxes import SetClock, reading

HOUR_MS = 3_600_000
LIMIT = 40
WINDOW = 4


class Post:
    """An outbox, one lane's queue, messages under way, and a headquarters that stores them when it likes."""

    def __init__(self, directory: Path, lane: Lane = Lane.READING) -> None:
        self.clock = SetClock()
        self.outbox = Outbox(directory / "outbox.db", max_bytes=2**26, memory_bytes=2**24, clock=self.clock)
        self.outbox.open()
        self.lane = lane
        self.queue = LaneQueue(lane, 0.0)
        self.flights = Flights(WINDOW, 30.0)
        self.sent: list[list[tuple[str, int]]] = []
        self.count = 0

    def hear(self, *sensors: str) -> None:
        """One reading of each; numbered through all."""
        items = []
        for sensor in sensors:
            items.append(Accepted(self.lane, self.clock.now(), reading(self.count, sensor=sensor)))
            self.count += 1
        self.outbox.accept(items)
        self.outbox.commit()
        self.queue.due_at = 0.0

    def send(self) -> Parcel | None:
        """The next message, as the sender takes it."""
        parcel = self.queue.take(self.outbox, LIMIT, lambda: self.flights.under_way(self.lane))
        if parcel is not None:
            ranges = RangeSet.of(entry.sequence for entry in parcel.entries)
            number = len(self.sent) + 1
            self.flights.sent(number, Flight(self.lane, parcel.run, parcel.epoch, ranges, 1, 0.0), 0.0)
            self.sent.append([(entry.reading.sensor, entry.reading.steps[-1]) for entry in parcel.entries])
        return parcel

    def receipt(self) -> None:
        """Headquarters has all that was sent."""
        under_way = {self.outbox.state().epoch: ranges for ranges in self.flights.under_way(self.lane).values()}
        self.outbox.forget(under_way)
        self.flights.receipt(under_way)

    def drain(self) -> None:
        while self.send() is not None:
            pass

    def when_sent(self, number: int) -> int:
        """Which message a reading went in."""
        (found,) = [at for at, message in enumerate(self.sent) if any(n == number for _, n in message)]
        return found

    def prove(self) -> None:
        """Everything went, once."""
        assert Counter(n for message in self.sent for _, n in message) == Counter(range(self.count))


@contextmanager
def post_in(directory: Path, lane: Lane = Lane.READING) -> Iterator[Post]:
    post = Post(directory, lane)
    yield post
    post.outbox.close()


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with post_in(tmp_path) as made:
        yield made


def test_without_a_flood_all_goes_in_the_order_of_arrival(post: Post) -> None:
    post.hear(*(f"s{n % 20}" for n in range(10 * LIMIT)))
    post.drain()
    assert [n for message in post.sent for _, n in message] == list(range(10 * LIMIT))
    assert len(post.sent) == 10


def test_a_flood_of_one_sensor_delays_the_others_by_one_message(post: Post) -> None:
    post.hear(*["flood"] * 5000, "rio", *["flood"] * 2000, "clima")
    post.send()
    post.send()
    assert post.sent[1] == [("rio", 5000), ("clima", 7001)]
    post.hear(*["flood"] * 500, "puerta")
    post.send()
    post.send()
    assert post.sent[3] == [("puerta", 7502)]
    post.drain()
    post.prove()


def test_several_floods_at_once_and_a_sensor_that_begins_one(post: Post) -> None:
    post.hear(*["a", "b", "c"] * 1000, "rio", *["d"] * 1000, "clima")
    for _ in range(8):
        post.send()
    assert post.when_sent(3000) <= 3
    assert post.when_sent(4001) <= 7
    post.drain()
    post.prove()


def test_others_that_have_a_backlog_of_their_own_get_through_it(post: Post) -> None:
    post.hear(*(["flood"] * 30 + ["rio", "clima"]) * 100)
    for _ in range(3 * 200 // LIMIT + 3):
        post.send()
    went = Counter(sensor for message in post.sent for sensor, _ in message)
    assert went["rio"] == went["clima"] == 100
    post.drain()
    post.prove()


def test_what_went_ahead_is_not_sent_twice_before_its_receipt_nor_after(post: Post) -> None:
    post.hear(*(["flood"] * 20 + ["rio"]) * 20)
    post.send()
    post.send()
    assert {sensor for sensor, _ in post.sent[1]} == {"rio"}
    post.send()
    post.receipt()
    post.drain()
    post.receipt()
    post.prove()
    assert post.outbox.state().entries == 0


def test_the_newest_day_goes_first_and_the_older_ones_after_it(post: Post) -> None:
    post.hear(*["a", "b"] * 50)
    post.clock.pass_ms(25 * HOUR_MS)
    post.hear(*["a", "b"] * 30)
    post.queue.link_up(post.outbox)
    post.drain()
    assert [n for message in post.sent for _, n in message] == [*range(100, 160), *range(100)]


def test_alerts_keep_their_order(tmp_path: Path) -> None:
    with post_in(tmp_path, Lane.ALERT) as post:
        post.hear(*["a", "b"] * 10)
        post.clock.pass_ms(48 * HOUR_MS)
        post.hear(*["a", "b"] * 5)
        post.queue.link_up(post.outbox)
        post.drain()
        assert [n for message in post.sent for _, n in message] == list(range(30))


def test_of_a_clock_that_was_never_set_the_newest_day_is_known_too(tmp_path: Path) -> None:
    with post_in(tmp_path) as post:
        post.clock.trusted = False
        post.hear("old")
        post.clock.pass_ms(30 * HOUR_MS)
        post.hear("new")
        post.clock.wall_ms += 10_000 * HOUR_MS  # somebody set it now
        post.clock.trusted = True
        post.queue.link_up(post.outbox)
        post.drain()
        assert [sensor for message in post.sent for sensor, _ in message] == ["new", "old"]


def test_a_link_that_comes_and_goes_forgets_nothing(post: Post) -> None:
    for hours in (30, 20, 10, 30, 0, 26):
        post.hear(*["flood"] * 70, "rio")
        post.clock.pass_ms(hours * HOUR_MS)
        post.queue.link_up(post.outbox)
        post.send()
        post.send()
    post.drain()
    post.prove()


def test_what_is_given_back_comes_again(post: Post) -> None:
    post.hear(*["flood"] * 200, "rio")
    for _ in range(4):
        taken = post.queue.take(post.outbox, LIMIT, lambda: post.flights.under_way(Lane.READING))
        post.queue.give_back()
        again = post.send()
        assert taken == again
    post.drain()
    post.prove()


FLOODS = ("x", "y", "z")
QUIET = tuple(f"quiet-{n}" for n in range(5))
EVENTS = st.one_of(
    st.tuples(st.just("flood"), st.sampled_from(FLOODS), st.integers(1, 150)),
    st.tuples(st.just("quiet"), st.sampled_from(QUIET), st.just(1)),
    st.tuples(st.just("send"), st.just(""), st.integers(1, 3)),
    st.tuples(st.just("receipt"), st.just(""), st.just(0)),
    st.tuples(st.just("link"), st.just(""), st.integers(0, 30)),
)


@settings(max_examples=40)
@given(st.lists(EVENTS, min_size=5, max_size=60), st.integers(1, 12))
def test_whatever_arrives_a_quiet_sensor_waits_for_few_messages(events: list[tuple[str, str, int]], first: int) -> None:
    """The bound: a flood is seen in the message after it began, and so is each of the few that can flood beside it;
    every second message is for the others then. A message holds LIMIT of them."""
    with TemporaryDirectory() as directory, post_in(Path(directory)) as post:
        heard_at: dict[int, int] = {}
        quiet_waiting = 0
        for what, sensor, count in [("flood", "x", 100 * first), *events]:
            if what == "flood":
                post.hear(*[sensor] * count)
            elif what == "quiet":
                heard_at[post.count] = len(post.sent)
                quiet_waiting += 1
                post.hear(sensor)
            elif what == "send":
                for _ in range(count):
                    post.send()
            elif what == "receipt":
                post.receipt()
            else:
                post.queue.link_up(post.outbox)
        post.drain()
        post.prove()
        bound = 2 * (len(FLOODS) + 1 + -(-quiet_waiting // LIMIT))
        late = {number: post.when_sent(number) - begun for number, begun in heard_at.items()}
        assert all(messages <= bound for messages in late.values()), late
