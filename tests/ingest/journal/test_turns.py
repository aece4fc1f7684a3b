"""Whose turn it is: urgent first, stations in turn by what their messages cost, and nobody kept waiting for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane, up
from ingest.journal.turns import A_TURN, Turns, cost_of
from ingest.messages import JournalMessage

COST = 2_000


class Waiting:
    """Messages that wait, of so many entries each, and the turns of their topics."""

    def __init__(self, entries: Mapping[str, list[int]]) -> None:
        self.turns = Turns(lambda message: self.sizes[message.topic][message.id])
        self.sizes: dict[str, dict[int, int]] = {}
        number = 0
        for topic, each in entries.items():
            self.sizes[topic] = {}
            for size in each:
                number += 1
                self.sizes[topic][number] = size
            if each:
                self.turns.put(topic, min(self.sizes[topic]), len(each))
        self.left = {topic: sorted(sizes) for topic, sizes in self.sizes.items()}

    def fetch(self, topic: str, number: int) -> JournalMessage | None:
        found = next((n for n in self.left[topic] if n >= number), None)
        return None if found is None else JournalMessage(found, 0, topic, topic.split("/")[2], b"", RangeSet())

    def take(self, cost: int = COST) -> list[JournalMessage]:
        """One taking, dealt with."""
        chosen = self.turns.choose(self.fetch, cost)
        for message in chosen:
            assert self.left[message.topic].pop(0) == message.id, "not the first of its topic"
            left = self.left[message.topic]
            self.turns.put(message.topic, left[0] if left else 0, len(left))
        return chosen

    def cost(self, message: JournalMessage) -> int:
        return cost_of(message, self.sizes[message.topic][message.id])


def stations(messages: list[JournalMessage], lane: Lane | None = None) -> list[str]:
    return [m.station for m in messages if lane is None or m.topic == up(m.station, lane)]


def test_alerts_go_before_readings_that_came_earlier() -> None:
    waiting = Waiting({up("a", Lane.READING): [500] * 50, up("b", Lane.ALERT): [1], up("c", Lane.DETECTION): [1]})
    assert stations(waiting.take())[:3] == ["b", "c", "a"]


def test_a_flood_of_one_station_delays_the_first_message_of_no_other() -> None:
    flood = {up("flood", lane): [4096] * 100 for lane in Lane}
    for one in ("alone-1", "alone-2"):
        flood |= {up(one, Lane.ALERT): [1], up(one, Lane.READING): [100]}
    waiting = Waiting(flood)
    waiting.take()
    waiting.take()
    assert (
        waiting.turns.waiting_of(up("alone-1", Lane.ALERT)) == waiting.turns.waiting_of(up("alone-2", Lane.ALERT)) == 0
    )
    waiting.take()
    assert not waiting.turns.waiting_of(up("alone-2", Lane.READING))


def test_within_a_lane_stations_share_by_cost_not_by_message() -> None:
    waiting = Waiting({up("large", Lane.READING): [4096] * 200, up("small", Lane.READING): [100] * 4000})
    spent: Counter[str] = Counter()
    for _ in range(100):
        for message in waiting.take():
            spent[message.station] += waiting.cost(message)
    assert 0.9 < spent["large"] / spent["small"] < 1.1


def test_a_flood_of_alerts_leaves_half_to_what_is_less_urgent() -> None:
    waiting = Waiting({up("flood", Lane.ALERT): [1] * 5000, up("quiet", Lane.READING): [100] * 500})
    spent: Counter[str] = Counter()
    for _ in range(20):
        for message in waiting.take():
            spent[message.station] += waiting.cost(message)
    assert 0.9 < spent["flood"] / spent["quiet"] < 1.1


def test_what_a_lane_does_not_want_another_may_have() -> None:
    waiting = Waiting({up("a", Lane.ALERT): [1], up("b", Lane.READING): [100] * 100, up("c", Lane.HEALTH): [1]})
    taken = waiting.take()
    assert sum(map(waiting.cost, taken)) >= COST
    assert Counter(stations(taken))["b"] > 10


def test_every_lane_that_has_something_gets_a_message_whatever_the_others_cost() -> None:
    waiting = Waiting({up(lane.slug, lane): [4096] * 3 for lane in Lane})
    assert sorted(stations(waiting.take(1))) == sorted(lane.slug for lane in Lane)


def test_many_stations_of_few_alerts_take_turns() -> None:
    waiting = Waiting({up(f"p{n}", Lane.ALERT): [1] * 400 for n in range(20)})
    taken: Counter[str] = Counter()
    for _ in range(10):
        taken.update(stations(waiting.take()))
    assert max(taken.values()) - min(taken.values()) <= A_TURN


_topics = st.sampled_from([up(station, lane) for station in ("a", "b", "c", "d") for lane in Lane])
_entries = st.lists(st.sampled_from([1, 3, 60, 500, 4096]), max_size=12)


@given(st.dictionaries(_topics, _entries, max_size=12), st.integers(1, 6_000))
def test_whatever_waits_all_of_it_is_taken_once_within_bounds(entries: dict[str, list[int]], cost: int) -> None:
    waiting = Waiting(entries)
    total = sum(map(len, entries.values()))
    taken: list[int] = []
    while waiting.turns.waiting():
        messages = waiting.take(cost)
        assert messages
        largest = max(map(waiting.cost, messages))
        assert sum(map(waiting.cost, messages)) <= cost + largest * len(Lane)
        taken += [message.id for message in messages]
    assert sorted(taken) == list(range(1, total + 1))
    assert waiting.take(cost) == []
