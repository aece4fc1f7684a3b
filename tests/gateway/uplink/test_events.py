"""What comes from a broker fills no memory, and what we bring about ourselves is never dropped for it."""

from __future__ import annotations

import queue

import pytest

from gateway.contract.topics import Lane
from gateway.uplink.events import (
    MOST_WAITING_BYTES,
    Acknowledged,
    Connected,
    Denied,
    Event,
    Events,
    Lost,
    Received,
    Wake,
)


def taken(events: Events) -> list[Event]:
    found: list[Event] = []
    try:
        while True:
            found.append(events.get())
    except queue.Empty:
        return found


@pytest.mark.parametrize(
    "flood", [Received("vigia/1/p/receipt", b""), Received("t", bytes(100_000)), Connected(), Denied("no")]
)
def test_a_broker_fills_it_only_so_far_and_there_is_room_again_when_it_is_looked_at(flood: Event) -> None:
    events = Events()
    for _ in range(2):
        for _ in range(10_000):
            events.put(flood)
        ours: list[Event] = [Wake({Lane.ALERT: 1}), Acknowledged(1, 0, ""), Lost("gone")]
        for event in ours:
            events.put(event)
        found = taken(events)
        assert found[-3:] == ours
        kept = len(found) - 3
        payload = flood.payload if isinstance(flood, Received) else b""
        assert 0 < kept * max(100, len(payload)) <= MOST_WAITING_BYTES
        assert events.take_dropped() == 10_000 - kept
        assert events.take_dropped() == 0
