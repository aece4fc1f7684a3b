"""A source that runs on a thread of its own: what it delivered, and its end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec

from firmware_bridge.delivery import Deliver, Delivery, ReplayState, SensorAnswer, Source
from firmware_bridge.readings import Reading


class RunningSource:
    """A context manager: runs the source, collects its deliveries, stops it and sees that it stops in time."""

    def __init__(self, source: Source, deliver: Deliver | None = None) -> None:
        self.source = source
        self.readings: list[Reading] = []
        self.reasons: Counter[str] = Counter()
        self.answers: list[SensorAnswer] = []  # without how long each took
        self.took_s: list[float] = []
        self.replay: dict[str, ReplayState] = {}
        self._also = deliver
        self._stop = threading.Event()
        self._thread = threading.Thread(target=source.run, args=(self._deliver, self._stop))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(1.0)
        assert not self._thread.is_alive(), "the source did not stop within a second"

    def has(self, readings: int) -> Callable[[], bool]:
        """Whether so many readings came, to be waited for."""
        return lambda: len(self.readings) >= readings

    def _deliver(self, delivery: Delivery) -> None:
        if self._also is not None:
            self._also(delivery)
        self.replay |= delivery.replay
        self.reasons.update({item.reason: item.count for item in delivery.rejected})
        self.took_s += [answer.took_s for answer in delivery.answers]
        self.answers += [msgspec.structs.replace(answer, took_s=0.0) for answer in delivery.answers]
        self.readings += delivery.readings
