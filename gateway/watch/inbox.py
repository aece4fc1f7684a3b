"""What waits for the watch: bounded, and whoever hands something in never waits."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Final

from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted

MAX_WAITING: Final = 4096
"""Of all readings; alerts may be as many more."""


class Inbox:
    """From any thread in, by one thread out, in their order. When full: a reading that is no alert is left out; of
    alerts, the latest of each sensor and label stands for those before it, so that none goes unnoticed."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._news = threading.Condition()  # guards all that follows
        self._waiting: deque[Accepted] = deque()
        self._beyond: dict[tuple[str, str], Accepted] = {}
        self._left_out: Counter[tuple[str, str]] = Counter()

    def put(self, accepted: list[Accepted]) -> None:
        """Hand in."""
        with self._news:
            for item in accepted:
                room = self._max_waiting * (2 if item.lane is Lane.ALERT else 1)
                if len(self._waiting) < room and not self._beyond:
                    self._waiting.append(item)
                elif item.lane is Lane.ALERT:
                    key = item.reading.sensor, item.reading.label
                    if self._beyond.pop(key, None) is not None:
                        self._left_out["watch", "alerts_merged"] += 1
                    self._beyond[key] = item
                else:
                    self._left_out["watch", "watch_overflow"] += 1
            self._news.notify()

    def take(self, limit: int, timeout_s: float) -> list[Accepted]:
        """The oldest, as soon as there is one; nothing when the time is up first."""
        with self._news:
            if not self._waiting and not self._beyond:
                self._news.wait(timeout_s)
            if not self._waiting:
                self._waiting.extend(self._beyond.values())
                self._beyond.clear()
            return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    @property
    def is_empty(self) -> bool:
        """Whether all that was handed in is taken."""
        with self._news:
            return not self._waiting and not self._beyond

    def left_out(self) -> Counter[tuple[str, str]]:
        """What was left out since last asked, as counts by place and reason."""
        with self._news:
            left_out, self._left_out = self._left_out, Counter()
            return left_out
