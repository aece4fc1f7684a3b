"""Detections, as the rules look at them, and when they match."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple, Protocol

from gateway.place.geometry import distance_metres
from gateway.place.place import Place
from gateway.rules.book import HeardRule, NearRule
from gateway.rules.facts import Passage

_MOST_SCOPES: Final = 4096
"""Sensors, or groups of them, that a rule counts for; the longest known goes first."""


_KEPT_FOR_LATE: Final = 64
"""Detections kept beyond those that count, for those that come late."""


class Detection(NamedTuple):
    """at_ms: steady time at which it happened (its age is off), wall_ms: Unix time, within_ms: its bounds, None where
    nobody knows. confidence: None where none was told; level: of the sound, decibels, None where none was told."""

    at_ms: int
    wall_ms: int
    sensor: str
    label: str
    confidence: float | None
    within_ms: int | None
    level: float | None = None


class Match(NamedTuple):
    """A rule matched. key: what is one incident of the rule. label: of the last detection in it, labels: of all.
    sensors: in the order of their first word. first_*: of the first detection, at_ms and wall_ms of the last.
    detections: how many."""

    key: Hashable
    label: str
    sensors: tuple[str, ...]
    first_ms: int
    first_wall_ms: int
    at_ms: int
    wall_ms: int
    detections: int
    confidence: float | None
    labels: frozenset[str]
    first_within_ms: int | None
    passage: Passage | None = None


class Matcher(Protocol):
    """What a rule remembers. is_own: the label and the confidence are the rule's; others are told to those that count
    them."""

    def hear(self, detection: Detection, is_own: bool) -> Match | None:
        """One detection at a sensor of the rule."""

    @property
    def window_ms(self) -> int:
        """How far back anything matters."""


class ScopeOf:
    """What is counted together: the first group of a sensor that the rule names, its first group, or itself."""

    def __init__(self, place: Place, together: str, groups: list[str]) -> None:
        self._place = place
        self._together = together
        self._groups = frozenset(groups)
        self._known = {name: self._scope(name) for name in place.sensors}

    def __call__(self, sensor: str) -> str:
        return self._known.get(sensor) or self._scope(sensor)

    def _scope(self, sensor: str) -> str:
        if self._together == "post":
            return ""
        placed = self._place.sensors.get(sensor)
        if self._together == "sensor" or placed is None or not placed.groups:
            return sensor
        return next((group for group in placed.groups if group in self._groups), placed.groups[0])


class _Counted(NamedTuple):
    at_ms: int
    order: int
    is_own: bool
    detection: Detection


class HeardMatcher:
    """k of n: at least `count` of the detections of a scope within (at - within_s, at], of the last `of` of them if
    that is told. With `count` 1 and no `of` nothing is remembered."""

    def __init__(self, rule: HeardRule, scope_of: Callable[[str], str]) -> None:
        self._count = rule.count
        self._most = rule.of if rule.of is not None else rule.count
        self.counts_others = rule.of is not None and rule.count > 1
        """Whether detections that are not its own matter to it."""
        self._within_ms = round(rule.within_s * 1000)
        self._scope_of = scope_of
        self._heard: dict[str, list[_Counted]] = {}
        self._order = 0

    @property
    def window_ms(self) -> int:
        return self._within_ms if self._count > 1 else 0

    def hear(self, detection: Detection, is_own: bool) -> Match | None:
        scope = self._scope_of(detection.sensor)
        if self._count == 1:
            return _match(scope, [detection]) if is_own else None
        if not (is_own or self.counts_others):
            return None
        heard = self._heard.get(scope)
        if heard is None:
            if len(self._heard) >= _MOST_SCOPES:
                del self._heard[next(iter(self._heard))]
            heard = self._heard[scope] = []
        self._order += 1
        counted = _Counted(detection.at_ms, self._order, is_own, detection)
        until = 0  # of the latest, which it mostly is; one that was long under way belongs before
        if not heard or heard[-1].at_ms <= counted.at_ms:
            heard.append(counted)
        else:
            insort(heard, counted, key=lambda one: one[:2])
            until = heard.index(counted) + 1 - len(heard)
        if len(heard) > self._most + _KEPT_FOR_LATE:
            del heard[0]
        if not is_own:
            return None
        last = len(heard) + until
        since_ms = detection.at_ms - self._within_ms
        within = heard[max(0, last - self._most) : last]
        matched = [one.detection for one in within if one.is_own and one.at_ms > since_ms]
        return _match(scope, matched) if len(matched) >= self._count else None


class NearMatcher:
    """Several sensors within some metres of the one that heard last, each within a time before it."""

    def __init__(self, rule: NearRule, place: Place) -> None:
        self._count = rule.sensors_count
        self._metres = rule.metres
        self._within_ms = round(rule.within_s * 1000)
        self._quiet_ms = round(rule.quiet_s * 1000)
        self._place = place
        self._near: dict[str, tuple[str, ...]] = {}
        self._last: dict[str, Detection] = {}
        self._clusters: dict[str, tuple[str, int]] = {}  # sensor to its incident's key, and when it was last in it

    @property
    def window_ms(self) -> int:
        return self._within_ms

    def hear(self, detection: Detection, is_own: bool) -> Match | None:
        sensor = detection.sensor
        if not is_own or sensor not in self._place.sensors:
            return None
        held = self._last.get(sensor)
        if held is None or held.at_ms <= detection.at_ms:
            self._last[sensor] = detection
        about = [
            other
            for name in self._neighbours(sensor)
            if (other := self._last.get(name)) is not None and 0 <= detection.at_ms - other.at_ms < self._within_ms
        ]
        if len(about) + 1 < self._count:
            return None
        together = sorted([*about, detection], key=lambda one: one.at_ms)
        known = [
            cluster
            for one in together
            if (cluster := self._clusters.get(one.sensor)) is not None and detection.at_ms - cluster[1] < self._quiet_ms
        ]
        key = max(known, key=lambda cluster: cluster[1])[0] if known else together[0].sensor
        for one in together:
            self._clusters[one.sensor] = key, detection.at_ms
        return _match(key, together)

    def _neighbours(self, sensor: str) -> tuple[str, ...]:
        if sensor not in self._near:
            here = self._place.sensors[sensor].position
            self._near[sensor] = tuple(
                other.name
                for other in self._place.sensors.values()
                if here is not None
                and other.position is not None
                and other.name != sensor
                and distance_metres(here, other.position) <= self._metres
            )
        return self._near[sensor]


def _match(key: str, detections: list[Detection]) -> Match:
    first, last = detections[0], detections[-1]
    told = [one.confidence for one in detections if one.confidence is not None]
    return Match(
        key,
        last.label,
        tuple(dict.fromkeys(one.sensor for one in detections)),
        first.at_ms,
        first.wall_ms,
        last.at_ms,
        last.wall_ms,
        len(detections),
        max(told, default=None),
        frozenset(one.label for one in detections),
        first.within_ms,
    )
