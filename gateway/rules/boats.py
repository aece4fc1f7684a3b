"""Boats: motors at one sensor after another along a river.

The first word of a passage at each sensor is when the boat comes into hearing, about as far before one sensor as before
the next, so that the time between first words is the time that it takes between the sensors. Boats of a river rarely
overtake each other: of several that fit, the one whose speed fits best is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Final, NamedTuple

from gateway.place.geometry import River
from gateway.place.place import Place
from gateway.rules.book import BoatRule
from gateway.rules.facts import Passage
from gateway.rules.matches import Detection, Match

_USUAL_METRES_PER_SECOND: Final = 4.0
"""A loaded canoe with a peque-peque; which of two boats that fit as well is the likelier."""
_OFF_AT_MOST: Final = 0.5
"""How far the time to the next sensor may be from that expected by the speed so far, as a part of it."""
_MOST_TRACKS: Final = 64


class Berth(NamedTuple):
    """A sensor, or the post (""), on a river."""

    name: str
    along_metres: float


class Course(NamedTuple):
    """A river and what is on it, from source to mouth."""

    name: str
    berths: tuple[Berth, ...]


def courses_of(rule: BoatRule, place: Place) -> tuple[Course, ...]:
    """The rivers of a rule with the sensors and the post on their banks."""
    return tuple(
        Course(river.name, _berths(river, rule, place))
        for river in place.rivers
        if not rule.rivers or river.name in rule.rivers
    )


def _berths(river: River, rule: BoatRule, place: Place) -> tuple[Berth, ...]:
    positions = [(sensor.name, sensor.position) for sensor in place.sensors.values()]
    found = []
    for name, position in [*positions, ("", place.post)]:
        if position is not None:
            along, off = river.along_metres(*position)
            if off <= rule.bank_metres:
                found.append(Berth(name, along))
    return tuple(sorted(found, key=lambda berth: (berth.along_metres, berth.name)))


class _Call(NamedTuple):
    """The first word of a boat at a sensor."""

    berth: Berth
    detection: Detection


class _Track:
    def __init__(self, number: int, call: _Call) -> None:
        self.number = number
        self.calls = [call]
        self.heard_ms = call.detection.at_ms  # the last word at the last sensor
        self.count = 1

    @property
    def last(self) -> _Call:
        return self.calls[-1]

    @property
    def velocity(self) -> float:
        """Metres a second along the river, downstream positive: least squares over the last calls."""
        calls = self.calls[-6:]
        mean_s = sum(call.detection.at_ms for call in calls) / len(calls) / 1000
        mean_m = sum(call.berth.along_metres for call in calls) / len(calls)
        square = sum((call.detection.at_ms / 1000 - mean_s) ** 2 for call in calls)
        product = sum((call.detection.at_ms / 1000 - mean_s) * (call.berth.along_metres - mean_m) for call in calls)
        return product / square if square else 0.0

    def misfit(self, call: _Call, rule: BoatRule) -> float | None:
        """How badly a call at another sensor fits as the next; None when it does not."""
        seconds = (call.detection.at_ms - self.last.detection.at_ms) / 1000
        if seconds <= 0:
            return None
        velocity = (call.berth.along_metres - self.last.berth.along_metres) / seconds
        if not rule.slowest_metres_per_second <= abs(velocity) <= rule.fastest_metres_per_second:
            return None
        if len(self.calls) == 1:
            return 1.0 + abs(log(abs(velocity) / _USUAL_METRES_PER_SECOND))
        ratio = velocity / self.velocity
        off = abs(1 / ratio - 1) if ratio > 0 else _OFF_AT_MOST + 1
        return off if off <= _OFF_AT_MOST else None


class BoatMatcher:
    """The boats on the rivers of one rule."""

    def __init__(self, rule: BoatRule, place: Place) -> None:
        self._rule = rule
        self._courses = courses_of(rule, place)
        self._passing_ms = round(rule.passing_s * 1000)
        self._lost_ms = round(rule.quiet_s * 1000)
        self._places: dict[str, list[tuple[Course, Berth]]] = {}
        for course in self._courses:
            for berth in course.berths:
                if berth.name:
                    self._places.setdefault(berth.name, []).append((course, berth))
        self._tracks: dict[str, list[_Track]] = {course.name: [] for course in self._courses}
        self._number = 0

    @property
    def window_ms(self) -> int:
        return 2 * self._lost_ms  # the last two calls tell way and speed

    def hear(self, detection: Detection, is_own: bool) -> Match | None:
        if not is_own:
            return None
        found: Match | None = None
        for course, berth in self._places.get(detection.sensor, ()):
            match = self._on(course, berth, detection)
            found = found or match
        return found

    def _on(self, course: Course, berth: Berth, detection: Detection) -> Match | None:
        tracks = self._tracks[course.name]
        tracks[:] = [track for track in tracks if detection.at_ms - track.heard_ms < self._lost_ms]
        for track in reversed(tracks):
            since = detection.at_ms - track.heard_ms
            if track.last.berth == berth and since < self._passing_ms:
                track.heard_ms = max(track.heard_ms, detection.at_ms)
                track.count += 1
                return self._told(course, track, detection)
        call = _Call(berth, detection)
        fitting = [
            (misfit, track.number, track)
            for track in tracks
            if track.last.berth != berth and (misfit := track.misfit(call, self._rule)) is not None
        ]
        if fitting:
            track = min(fitting, key=lambda one: one[:2])[2]
            track.calls.append(call)
            track.heard_ms = detection.at_ms
            track.count += 1
            return self._told(course, track, detection)
        self._number += 1
        tracks.append(_Track(self._number, call))
        if len(tracks) > _MOST_TRACKS:
            del tracks[0]
        return None

    def _told(self, course: Course, track: _Track, detection: Detection) -> Match | None:
        if len(track.calls) < self._rule.sensors_count:
            return None
        first, last = track.calls[0].detection, track.last.detection
        told = [c.detection.confidence for c in track.calls if c.detection.confidence is not None]
        velocity = track.velocity
        passage = Passage(
            course.name,
            "downstream" if velocity > 0 else "upstream",
            round(abs(velocity), 2),
            _arrivals(course.berths, track.last, velocity),
        )
        return Match(
            (course.name, track.number),
            last.label,
            tuple(dict.fromkeys(call.berth.name for call in track.calls)),
            first.at_ms,
            first.wall_ms,
            detection.at_ms,
            detection.wall_ms,
            track.count,
            max(told, default=None),
            frozenset(call.detection.label for call in track.calls),
            first.within_ms,
            passage,
        )


def _arrivals(berths: Sequence[Berth], last: _Call, velocity: float) -> tuple[tuple[str, int], ...]:
    """When it is expected at what lies ahead, nearest first."""
    ahead = [
        (seconds, berth.name)
        for berth in berths
        if (seconds := (berth.along_metres - last.berth.along_metres) / velocity) > 0
    ]
    return tuple((name, last.detection.wall_ms + round(seconds * 1000)) for seconds, name in sorted(ahead))
