"""Whose turn it is: what is urgent first, and every station in turn, however much one of them sends. Pure.

Each topic (a station and a lane) is a queue. What one taking may cost is shared out by lane: half of what is left to
the most urgent lane that has something, half of the rest to the next, and what nobody wanted to whoever has more; each
lane that has something gets one message at least, so that no flood of alerts keeps readings waiting for ever. Within a
lane stations take turns by cost, not by message (surplus round robin: who took more than a turn's share pays it back
before the next), so that a message of 4,096 entries does not count as little as one of a single alert.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from typing import Final

from gateway.contract.topics import ContractError, Lane, parse_up
from ingest.messages import JournalMessage

A_TURN: Final = 64
"""What a station may take in one turn: a few lone alerts, or one larger message that is paid for later."""
_A_MESSAGE: Final = 25
_BYTES_AN_ENTRY: Final = 64

Fetch = Callable[[str, int], JournalMessage | None]
"""The first message of a topic from a number on, if there is one."""


def cost_of(message: JournalMessage, entries: int) -> int:
    """What it costs a sink to take a message of so many entries, in entries: the message itself, the entries, and its
    bytes, for a body may be large and hold nothing."""
    return _A_MESSAGE + entries + len(message.payload) // _BYTES_AN_ENTRY


class _Queue:
    """The unread messages of a topic: how many, the number of the first, and what the station may take yet."""

    __slots__ = ("credit", "first", "topic", "waiting")

    def __init__(self, topic: str, first: int, waiting: int) -> None:
        self.topic = topic
        self.first = first
        self.waiting = waiting
        self.credit = 0


class Turns:
    """What waits in which topic. Only the order is kept here; what is read stays with the caller. For one thread.

    entries: tells how many entries a message holds.
    """

    def __init__(self, entries: Callable[[JournalMessage], int]) -> None:
        self._entries = entries
        self._lanes: dict[Lane, deque[_Queue]] = {lane: deque() for lane in Lane}
        self._queues: dict[str, _Queue] = {}

    def clear(self) -> None:
        """Nothing waits."""
        self._queues.clear()
        for lane in self._lanes.values():
            lane.clear()

    def waiting(self) -> int:
        """How many messages."""
        return sum(queue.waiting for queue in self._queues.values())

    def first(self, topic: str) -> int | None:
        """The lowest number of a topic that waits; None when nothing does."""
        queue = self._queues.get(topic)
        return queue.first if queue is not None else None

    def first_but(self, topics: Container[str]) -> int | None:
        """The lowest number that waits in any other topic than these; None when nothing does."""
        return min((queue.first for queue in self._queues.values() if queue.topic not in topics), default=None)

    def put(self, topic: str, first: int, waiting: int) -> None:
        """So many messages of a topic wait, from this number on, whatever was said before; with none, the topic is
        gone."""
        queue = self._queues.get(topic)
        if not waiting:
            if queue is not None:
                self._lanes[_lane_of(topic)].remove(queue)
                del self._queues[topic]
        elif queue is None:
            self._queues[topic] = queue = _Queue(topic, first, waiting)
            self._lanes[_lane_of(topic)].append(queue)
        else:
            queue.first, queue.waiting = first, waiting

    def more(self, topic: str, first: int, count: int) -> None:
        """Some messages came on top of those that wait, from this number on."""
        queue = self._queues.get(topic)
        self.put(topic, first if queue is None else queue.first, count + (queue.waiting if queue is not None else 0))

    def waiting_of(self, topic: str) -> int:
        """How many messages of a topic."""
        queue = self._queues.get(topic)
        return queue.waiting if queue is not None else 0

    def choose(self, fetch: Fetch, cost: int) -> list[JournalMessage]:
        """Messages of about that cost, the first of each topic in their order. All of them still wait: whoever has
        dealt with them says so by `put`."""
        chosen = _Chosen(fetch, self._entries, cost)
        lanes = [lane for lane in Lane if self._lanes[lane]]
        for lane in lanes:
            chosen.serve(self._lanes[lane], chosen.left if lane == lanes[-1] else chosen.left // 2)
        for lane in lanes:
            if chosen.left > 0:
                chosen.serve(self._lanes[lane], chosen.left)
        return chosen.messages


class _Chosen:
    """What is being chosen. left: what may still be spent."""

    def __init__(self, fetch: Fetch, entries: Callable[[JournalMessage], int], cost: int) -> None:
        self.messages: list[JournalMessage] = []
        self.left = cost
        self._fetch = fetch
        self._entries = entries
        self._taken: dict[str, tuple[int, int]] = {}  # topic: the next number, how many were taken

    def serve(self, lane: deque[_Queue], share: int) -> None:
        """Let the queues of a lane take turns until the share is spent or nothing is left: one message at least."""
        until = self.left - max(share, 1)
        wanting = [queue for queue in lane if self._taken.get(queue.topic, (0, 0))[1] < queue.waiting]
        while wanting and self.left > until:
            turns = max(0, -max(queue.credit for queue in wanting)) // A_TURN + 1
            still: list[_Queue] = []
            for at, queue in enumerate(wanting):
                if self.left <= until:
                    still += wanting[at:]
                    break
                queue.credit = min(A_TURN, queue.credit + turns * A_TURN)
                if self._let_take(queue, until):
                    still.append(queue)
                lane.remove(queue)
                lane.append(queue)
            wanting = still

    def _let_take(self, queue: _Queue, until: int) -> bool:
        """Whether there is more in the queue than it took."""
        first, taken = self._taken.get(queue.topic, (queue.first, 0))
        while queue.credit > 0 and self.left > until and taken < queue.waiting:
            message = self._fetch(queue.topic, first)
            if message is None:
                taken = queue.waiting
                break
            cost = cost_of(message, self._entries(message))
            queue.credit -= cost
            self.left -= cost
            self.messages.append(message)
            first, taken = message.id + 1, taken + 1
        self._taken[queue.topic] = first, taken
        return taken < queue.waiting


def _lane_of(topic: str) -> Lane:
    try:
        return parse_up(topic).lane
    except ContractError:  # of an earlier version that knew a lane which this one does not
        return Lane.MEDIA
