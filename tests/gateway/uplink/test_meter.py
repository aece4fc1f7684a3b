"""Whose bytes went over a connection: nothing is counted twice, nothing is left out, no count ever falls."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.uplink.meter import HEADERS, LINK, RECEIVED, SENT, Meter, publish_bytes
from gateway.uplink.wire import Wire


class EveryByteIsSomebodys(RuleBasedStateMachine):
    """A connection that carries messages and other things; the kernel's counts are what is true."""

    def __init__(self) -> None:
        super().__init__()
        self.meter = Meter()
        self.taken: Counter[tuple[str, str]] = Counter()
        self.sent = self.received = self.messages = 0
        self.unsent: list[tuple[int, str, int]] = []
        self.unacknowledged: list[tuple[int, str, int]] = []
        self.acknowledged: Counter[str] = Counter()

    @rule(name=st.sampled_from(("alert", "reading", "media")), size=st.integers(5, 5000))
    def hand_over(self, name: str, size: int) -> None:
        self.messages += 1
        self.meter.handed(self.messages, name, size)
        self.unsent.append((self.messages, name, size))

    @rule()
    def it_leaves(self) -> None:
        if self.unsent:
            self.unacknowledged.append(self.unsent.pop(0))
            self.sent += self.unacknowledged[-1][2]

    @rule()
    def the_broker_answers(self) -> None:
        if self.unacknowledged:
            message_id, name, size = self.unacknowledged.pop(0)
            self.received += 4
            self.acknowledged[name] += size
            self.meter.acknowledged(message_id)
            self.meter.measured(Wire(self.sent, self.received, 52, 52))  # it cannot answer what was not sent

    @rule(up=st.integers(0, 300), down=st.integers(0, 300))
    def something_else(self, up: int, down: int) -> None:
        self.sent += up
        self.received += down

    @rule()
    def measure(self) -> None:
        self.meter.measured(Wire(self.sent, self.received, 52, 52))
        self.take()

    def take(self) -> None:
        since = self.meter.take()
        assert all(count > 0 for count in since.values())
        self.taken += since

    @invariant()
    def nothing_handed_over_is_out_of_sight(self) -> None:
        told = sum(n for (place, name), n in self.taken.items() if place == SENT and name not in (LINK, HEADERS))
        on_the_way = sum(size for _, _, size in self.unsent + self.unacknowledged)
        assert self.meter.not_taken() + told == sum(self.acknowledged.values()) + on_the_way

    def teardown(self) -> None:
        self.meter.measured(Wire(self.sent, self.received, 104, 156))
        self.meter.ended()
        self.take()
        of_lanes = Counter({name: n for (place, name), n in self.taken.items() if place == SENT})
        assert sum(of_lanes.values()) - of_lanes.pop(HEADERS, 0) == self.sent
        assert self.taken[RECEIVED, LINK] == self.received
        assert (self.taken[SENT, HEADERS], self.taken[RECEIVED, HEADERS]) == (104, 156)
        left = sum(size for _, _, size in self.unacknowledged)
        for name, count in self.acknowledged.items():
            assert count <= of_lanes[name] <= count + left + sum(size for _, _, size in self.unsent)


TestEveryByteIsSomebodys = EveryByteIsSomebodys.TestCase
TestEveryByteIsSomebodys.settings = settings(max_examples=60, stateful_step_count=30)


@given(st.integers(0, 300_000))
def test_the_size_of_a_publish_is_as_the_specification_says(size: int) -> None:
    topic = "vigia/1/puesto-ñ/up/reading"
    rest = 2 + len(topic.encode()) + 2 + 1 + size
    length = b""
    left = rest
    while True:  # MQTT 5, section 1.5.5
        left, digit = divmod(left, 128)
        length += bytes((digit | (0x80 if left else 0),))
        if not left:
            break
    assert publish_bytes(topic, size) == 1 + len(length) + rest
