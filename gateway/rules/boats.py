"""Boats: motors at one sensor after another along a river.

A boat passes a sensor when it is loudest there, or in the middle of its words where no levels are told. Until that is
known, its first word counts: it comes into hearing about as far before one sensor as before the next, so that the time
between first words is about the time that it takes between the sensors. What is told early gets better so, and stays
the same boat. Sensors may hear it at once. Boats of a river rarely overtake each other: of several that fit, the one
whose speed fits best is taken.
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
_MARKS: Final = 6
"""The last sensors that tell how fast it is."""
_LOUD_DECIBELS: Final = 3.0
"""Words so little below the loudest are as near: levels waver."""
_FADED_DECIBELS: Final = 10.0
"""It has passed once a word is so far below the loudest: three times as far away."""
_LOUDER_DECIBELS: Final = 6.0
"""It had not, if it becomes so much louder; one that comes back does not."""
_MOST_LOUD: Final = 64
_NOT_HEARD: Final = 3.0
"""A sensor that hears no boat now is the less likely beginning of one."""
_NOT_BY_SPEED: Final = 100.0
"""Any boat that fits by its speed is likelier."""
_TOGETHER_METRES: Final = 4500.0
"""Sensors no further apart than this may hear one boat at once: a motor is heard 2 km away and more."""


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


class _Call:
    """The words of a boat at a sensor, from its coming into hearing on."""

    def __init__(self, berth: Berth, detection: Detection) -> None:
        self.berth = berth
        self.first = detection
        self.last_ms = detection.at_ms
        self.loud: list[tuple[int, float]] = []  # when, and the level: the loudest word and those nearly as loud
        self.is_passed = False
        self.add(detection)

    def add(self, detection: Detection) -> None:
        """One more word."""
        if detection.at_ms < self.first.at_ms:
            self.first = detection
        self.last_ms = max(self.last_ms, detection.at_ms)
        level = detection.level
        if level is None:
            return
        loudest = max((one[1] for one in self.loud), default=level)
        if self.is_passed and level < loudest + _LOUDER_DECIBELS:
            return
        if level > loudest:
            self.loud = [one for one in self.loud if one[1] >= level - _LOUD_DECIBELS]
        if level < loudest - _FADED_DECIBELS:
            self.is_passed = True
        elif level >= loudest - _LOUD_DECIBELS and len(self.loud) < _MOST_LOUD:
            self.loud.append((detection.at_ms, level))

    @property
    def middle_ms(self) -> float:
        """When it was nearest, as far as was heard until now."""
        if self.loud:
            return sum(one[0] for one in self.loud) / len(self.loud)
        return (self.first.at_ms + self.last_ms) / 2

    @property
    def has_started_there(self) -> bool:
        """It was loudest at once: nobody knows whether it ever was beside the sensor."""
        return self.is_passed and bool(self.loud) and self.loud[0][0] <= self.first.at_ms

    def is_about(self, at_ms: int, passing_ms: int) -> bool:
        """Whether it was heard so shortly before or after."""
        return self.first.at_ms - passing_ms < at_ms < self.last_ms + passing_ms


class _Track:
    """A boat, as far as it was heard. Each sensor is in it once: a boat that comes back is another."""

    def __init__(self, number: int, call: _Call) -> None:
        self.number = number
        self.calls = [call]  # by their first words
        self.marks: list[tuple[float, _Call]] = []  # by the times at which it passes
        self.heard_ms = call.last_ms  # the last word at any sensor
        self.count = 1
        self.lead_ms = 0.0
        self.velocity: float | None = None
        """Metres a second along the river, downstream positive: the last that a boat can have."""

    @property
    def last(self) -> _Call:
        return self.marks[-1][1]

    def call_at(self, berth: Berth) -> _Call | None:
        return next((call for call in self.calls if call.berth == berth), None)

    def add(self, call: _Call, words: int) -> None:
        self.calls.append(call)
        self.calls.sort(key=lambda one: one.first.at_ms)
        self.heard_ms = max(self.heard_ms, call.last_ms)
        self.count += words

    def settle(self, now_ms: int, rule: BoatRule) -> None:
        """When it passes each sensor, and how fast it is."""
        for call in self.calls:
            call.is_passed = call.is_passed or now_ms - call.last_ms >= rule.passing_s * 1000
        are_passed = any(call.is_passed for call in self.calls)
        self.lead_ms = max(
            call.middle_ms - call.first.at_ms for call in self.calls if call.is_passed or call.loud or not are_passed
        )
        self.marks = sorted(((self.mark_ms(call), call) for call in self.calls), key=lambda mark: mark[0])
        come = [mark for mark in self.marks if not mark[1].has_started_there]
        velocity = _velocity((come if len(come) > 1 else self.marks)[-_MARKS:])
        if rule.slowest_metres_per_second <= abs(velocity) <= rule.fastest_metres_per_second:
            self.velocity = velocity

    def mark_ms(self, call: _Call) -> float:
        """When it passes there: known, or as long after the first word as elsewhere."""
        return call.middle_ms if call.is_passed else call.first.at_ms + self.lead_ms

    def misfit(self, call: _Call, now_ms: int, rule: BoatRule) -> float | None:
        """How badly a call at another sensor fits; None when it does not."""
        if self.call_at(call.berth) is not None:
            return None
        off = self._misfit_of_speed(call, now_ms, rule)
        return self._misfit_beside(call, now_ms, rule) if off is None else off

    def _misfit_of_speed(self, call: _Call, now_ms: int, rule: BoatRule) -> float | None:
        velocity = _velocity([self.marks[-1], (self.mark_ms(call), call)])
        if not rule.slowest_metres_per_second <= abs(velocity) <= rule.fastest_metres_per_second:
            return None
        if self.velocity is None:
            is_heard = now_ms - self.heard_ms < rule.passing_s * 1000
            return abs(log(abs(velocity) / _USUAL_METRES_PER_SECOND)) + (1.0 if is_heard else _NOT_HEARD)
        ratio = velocity / self.velocity
        off = abs(1 / ratio - 1) if ratio > 0 else _OFF_AT_MOST + 1
        return off if off <= _OFF_AT_MOST else None

    def _misfit_beside(self, call: _Call, now_ms: int, rule: BoatRule) -> float | None:
        """Of sensors that hear a boat at once, first words tell little: far off it is by chance which is heard, and a
        boat may start between them."""
        metres, beside = min(
            ((abs(one.berth.along_metres - call.berth.along_metres), one) for one in self.calls),
            key=lambda one: one[0],
        )
        is_heard = now_ms - beside.last_ms < rule.passing_s * 1000
        return _NOT_BY_SPEED + metres if is_heard and metres <= _TOGETHER_METRES else None


def _velocity(marks: Sequence[tuple[float, _Call]]) -> float:
    """Metres a second, downstream positive: least squares. 0 for one sensor, or several at one time."""
    mean_s = sum(mark[0] for mark in marks) / len(marks) / 1000
    mean_m = sum(call.berth.along_metres for _, call in marks) / len(marks)
    square = sum((at_ms / 1000 - mean_s) ** 2 for at_ms, _ in marks)
    product = sum((at_ms / 1000 - mean_s) * (call.berth.along_metres - mean_m) for at_ms, call in marks)
    return product / square if square else 0.0


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
        at_ms = detection.at_ms
        tracks[:] = [track for track in tracks if at_ms - track.heard_ms < self._lost_ms]
        self._part(tracks, at_ms)
        for track in reversed(tracks):
            known = track.call_at(berth)
            if known is not None and known.is_about(at_ms, self._passing_ms):
                known.add(detection)
                track.heard_ms = max(track.heard_ms, at_ms)
                track.count += 1
                track.settle(track.heard_ms, self._rule)
                return self._told(course, track, detection)
        call = _Call(berth, detection)
        fitting = [
            (misfit, track.number, track)
            for track in tracks
            if (misfit := track.misfit(call, at_ms, self._rule)) is not None
        ]
        if fitting:
            track = min(fitting, key=lambda one: one[:2])[2]
            track.add(call, 1)
            track.settle(track.heard_ms, self._rule)
            return self._told(course, track, detection)
        self._begin(tracks, call)
        return None

    def _part(self, tracks: list[_Track], now_ms: int) -> None:
        """What was taken for one boat that several sensors hear, and at the speed of none passed them, was several."""
        for track in [track for track in tracks if track.velocity is None and len(track.calls) > 1]:
            track.settle(now_ms, self._rule)
            if track.velocity is None and all(call.is_passed for call in track.calls):
                tracks.remove(track)
                for call in track.calls:
                    self._begin(tracks, call)

    def _begin(self, tracks: list[_Track], call: _Call) -> None:
        self._number += 1
        track = _Track(self._number, call)
        track.settle(call.last_ms, self._rule)
        tracks.append(track)
        if len(tracks) > _MOST_TRACKS:
            del tracks[0]

    def _told(self, course: Course, track: _Track, detection: Detection) -> Match | None:
        velocity = track.velocity
        if velocity is None or len(track.calls) < self._rule.sensors_count:
            return None
        first, last = track.calls[0].first, track.last.first
        told = [call.first.confidence for call in track.calls if call.first.confidence is not None]
        passage = Passage(
            course.name,
            "downstream" if velocity > 0 else "upstream",
            round(abs(velocity), 2),
            _arrivals(course.berths, track, velocity),
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
            frozenset(call.first.label for call in track.calls),
            first.within_ms,
            passage,
        )


def _arrivals(berths: Sequence[Berth], track: _Track, velocity: float) -> tuple[tuple[str, int], ...]:
    """When it is expected at what lies ahead, nearest first."""
    at_ms, last = track.marks[-1]
    wall_ms = last.first.wall_ms + at_ms - last.first.at_ms
    ahead = [
        (seconds, berth.name)
        for berth in berths
        if (seconds := (berth.along_metres - last.berth.along_metres) / velocity) > 0
    ]
    return tuple((name, round(wall_ms + seconds * 1000)) for seconds, name in sorted(ahead))
