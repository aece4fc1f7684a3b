"""Sensors that are not heard: each for several of its own intervals, declared or learned.

An interval is learned from what a sensor says by itself (measurements, status), not from detections, which come when
they come: the fourth fifth of its last sixteen gaps, once there are four.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import inf
from typing import Final, NamedTuple

from gateway.place.place import Place
from gateway.rules.book import SilentRule

_GAPS: Final = 16
_LEAST_GAPS: Final = 4
_SHORTEST_MS: Final = 10_000
_LONGEST_MS: Final = 86_400_000
_SAME_WORD_MS: Final = 1000
"""Readings no further apart than this are one word of the sensor."""
_MOST_SENSORS: Final = 4096
LEARNING_MS: Final = _LONGEST_MS
"""How far back it matters what was heard, where intervals are learned."""


class Silent(NamedTuple):
    """A sensor has been silent for too long. last_*: its last word, or the start of the post."""

    rule: SilentRule
    sensor: str
    last_ms: int
    last_wall_ms: int


class _Sensor:
    def __init__(self, at_ms: int, wall_ms: int) -> None:
        self.last_ms = at_ms
        self.last_wall_ms = wall_ms
        self.regular_ms: int | None = None
        self.gaps: deque[int] = deque(maxlen=_GAPS)

    @property
    def learned_ms(self) -> int | None:
        if len(self.gaps) < _LEAST_GAPS:
            return None
        return min(_LONGEST_MS, max(_SHORTEST_MS, sorted(self.gaps)[len(self.gaps) * 4 // 5]))


class Silences:
    """rules: each with whether a sensor is its own. Times in steady milliseconds."""

    def __init__(self, rules: Iterable[tuple[SilentRule, Callable[[str], bool]]], place: Place) -> None:
        self._rules = [(rule, has, round((rule.interval_s or 0) * 1000)) for rule, has in rules]
        self._declared = {
            sensor.name: round(sensor.expected_interval_s * 1000) if sensor.expected_interval_s else None
            for sensor in place.sensors.values()
        }
        self._sensors: dict[str, _Sensor] = {}
        self._due: list[tuple[int, int, int, str]] = []  # when, order, number of the rule, sensor
        self._order = 0
        self._pending: set[tuple[int, str]] = set()
        self._silent: set[tuple[int, str]] = set()

    @property
    def window_ms(self) -> int:
        """How far back anything matters."""
        if not self._rules:
            return 0
        declared = [ms for ms in self._declared.values() if ms]
        return max(LEARNING_MS, *(round(rule.times * ms) for rule, _, own in self._rules for ms in [*declared, own]))

    @property
    def due_ms(self) -> float:
        """When the next look is due; infinity for never."""
        return self._due[0][0] if self._due else inf

    @property
    def sensors(self) -> Iterable[str]:
        """Those that are known."""
        return self._sensors

    def begin(self, at_ms: int, wall_ms: int) -> None:
        """The post begins to listen: from now on the sensors of the map are expected."""
        for name in self._declared if self._rules else ():
            self._sensors[name] = _Sensor(at_ms, wall_ms)
            self._expect(name)

    def heard(self, sensor: str, at_ms: int, wall_ms: int, *, is_regular: bool) -> list[SilentRule]:
        """A sensor said something; the rules whose silence of it is over."""
        if not self._rules:
            return []
        held = self._sensors.get(sensor)
        if held is None:
            if len(self._sensors) >= _MOST_SENSORS:
                return []
            held = self._sensors[sensor] = _Sensor(at_ms, wall_ms)
        if at_ms >= held.last_ms:
            held.last_ms, held.last_wall_ms = at_ms, wall_ms
        if is_regular:
            if held.regular_ms is not None and at_ms - held.regular_ms > _SAME_WORD_MS:
                held.gaps.append(at_ms - held.regular_ms)
            held.regular_ms = max(at_ms, held.regular_ms or at_ms)
        over = [rule for number, (rule, _, _) in enumerate(self._rules) if (number, sensor) in self._silent]
        if over:
            self._silent = {one for one in self._silent if one[1] != sensor}
        self._expect(sensor)
        return over

    def look(self, now_ms: int, holds: Callable[[SilentRule], bool]) -> list[Silent]:
        """What is due by now. holds: whether the rule's hours hold."""
        found = []
        while self._due and self._due[0][0] <= now_ms:
            _, _, number, name = heappop(self._due)
            self._pending.discard((number, name))
            due_ms = self._due_of(number, name)
            if due_ms is None or (number, name) in self._silent:
                continue
            rule = self._rules[number][0]
            if due_ms > now_ms or not holds(rule):
                self._push(max(due_ms, now_ms + 600_000) if due_ms <= now_ms else due_ms, number, name)
                continue
            sensor = self._sensors[name]
            self._silent.add((number, name))
            found.append(Silent(rule, name, sensor.last_ms, sensor.last_wall_ms))
        return found

    def resume(self, deaf_ms: int, known: Callable[[str, str], bool]) -> None:
        """The post listens again after it was deaf for so long, which is no sensor's fault. known: whether the silence
        of a sensor by a rule (names) has been told and is not over."""
        for sensor in self._sensors.values():
            sensor.last_ms += deaf_ms
            if sensor.regular_ms is not None:
                sensor.regular_ms += deaf_ms
        self._due, self._pending = [], set()
        self._silent = {
            (number, name)
            for number, (rule, _, _) in enumerate(self._rules)
            for name in self._sensors
            if known(rule.name, name)
        }
        for name in self._sensors:
            self._expect(name)

    def _expect(self, name: str) -> None:
        for number, (_, has, _) in enumerate(self._rules):
            one = (number, name)
            if one not in self._pending and one not in self._silent and has(name):
                due_ms = self._due_of(number, name)
                if due_ms is not None:
                    self._push(due_ms, number, name)

    def _push(self, due_ms: int, number: int, name: str) -> None:
        self._order += 1
        self._pending.add((number, name))
        heappush(self._due, (due_ms, self._order, number, name))

    def _due_of(self, number: int, name: str) -> int | None:
        rule, _, own_ms = self._rules[number]
        sensor = self._sensors[name]
        interval_ms = own_ms or self._declared.get(name) or sensor.learned_ms
        return sensor.last_ms + round(rule.times * interval_ms) if interval_ms else None
