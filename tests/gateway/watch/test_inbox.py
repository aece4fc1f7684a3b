"""Nobody who hands something in waits; what is left out is counted, and no alert goes unnoticed."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted
from gateway.watch.inbox import Inbox
from tests.gateway.watch.facts_made import heard


def accepted(number: int, *, alert: bool, sensor: str = "norte") -> Accepted:
    lane = Lane.ALERT if alert else Lane.READING
    return Accepted(lane, Moment(number, number, TimeQuality.NTP, 0), heard(sensor=sensor))


def test_what_came_first_goes_first() -> None:
    inbox = Inbox()
    inbox.put([accepted(n, alert=n % 2 == 0) for n in range(10)])
    assert [item.moment.boot_ms for item in inbox.take(4, 0.0)] == [0, 1, 2, 3]
    assert [item.moment.boot_ms for item in inbox.take(99, 0.0)] == [4, 5, 6, 7, 8, 9]
    assert inbox.take(99, 0.0) == []
    assert not inbox.left_out()


def test_a_flood_of_alerts_is_bounded_and_each_sensor_is_still_heard() -> None:
    inbox = Inbox(100)
    for n in range(5000):
        inbox.put([accepted(n, alert=True, sensor=f"s{n % 7}")])
    inbox.put([accepted(5000, alert=False)])
    taken = inbox.take(10_000, 0.0) + inbox.take(10_000, 0.0)
    assert len(taken) == 200 + 7
    assert [item.moment.boot_ms for item in taken[-7:]] == list(range(4993, 5000))
    assert inbox.left_out() == {("watch", "alerts_merged"): 4793, ("watch", "watch_overflow"): 1}
    assert not inbox.left_out()


@given(st.lists(st.one_of(st.booleans(), st.integers(0, 6)), max_size=200))
def test_all_is_taken_or_counted(steps: list[bool | int]) -> None:
    inbox = Inbox(5)
    put = 0
    taken: list[Accepted] = []
    left_out: Counter[tuple[str, str]] = Counter()
    for step in steps:
        if isinstance(step, bool):
            inbox.put([accepted(put, alert=step, sensor=f"s{put % 3}")])
            put += 1
        else:
            taken += inbox.take(step, 0.0)
            left_out += inbox.left_out()
    while rest := inbox.take(3, 0.0):
        taken += rest
    left_out += inbox.left_out()
    numbers = [item.moment.boot_ms for item in taken]
    assert numbers == sorted(set(numbers))
    assert len(taken) + sum(left_out.values()) == put
