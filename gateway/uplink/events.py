"""What happens to the uplink, from any thread, in one queue that no broker can fill without end."""

from __future__ import annotations

import queue
import threading
from typing import Final, NamedTuple, TypeAlias

from gateway.contract import topics

MOST_WAITING_BYTES: Final = 1024 * 1024
"""Of what comes from the broker and is not looked at yet. What is over is dropped: headquarters sends receipts and
commands again."""
_OVERHEAD_BYTES: Final = 200  # of a message that says nothing, in memory


class Connected(NamedTuple):
    """The broker let us in."""


class Lost(NamedTuple):
    """The connection ended, or was not let in; why. refused: it will be so again until somebody mends something.
    taken_over: somebody else came with our name."""

    reason: str
    refused: bool = False
    taken_over: bool = False


class Denied(NamedTuple):
    """The broker says that who we are may not have our receipts; its words."""

    words: str


class Acknowledged(NamedTuple):
    """The broker answered a message. reason: 0 taken, 16 nobody to give it to, 128 and more refused."""

    message_id: int
    reason: int
    words: str


class Received(NamedTuple):
    """A message for this post."""

    topic: str
    payload: bytes


class Wake(NamedTuple):
    """Something new in the outbox: entries by lane."""

    lanes: dict[topics.Lane, int]


Event: TypeAlias = Connected | Denied | Lost | Acknowledged | Received | Wake


class Events:
    """The queue."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._dropped = 0

    def put(self, event: Event) -> None:
        """Take one in, or drop it: only what a broker can send as often as it likes is."""
        size = _size_of(event)
        with self._lock:
            if size and self._waiting_bytes + size > MOST_WAITING_BYTES:
                self._dropped += 1
                return
            self._waiting_bytes += size
        self._queue.put(event)

    def get(self, timeout_s: float = 0.0) -> Event:
        """The next one. Raises queue.Empty when none comes in that time."""
        event = self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait()
        with self._lock:
            self._waiting_bytes -= _size_of(event)
        return event

    def take_dropped(self) -> int:
        """How many were dropped since this was last asked."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        return dropped


def _size_of(event: Event) -> int:
    """In memory; 0 for what we bring about ourselves, or what comes once a connection or once a message of ours."""
    match event:
        case Received(topic, payload):
            return _OVERHEAD_BYTES + len(topic) + len(payload)
        case Connected() | Denied():
            return _OVERHEAD_BYTES
        case _:
            return 0
