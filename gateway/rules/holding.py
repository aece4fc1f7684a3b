"""What holds a warning back: weather at the same sensors, a patrol of ours that is out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from firmware_bridge.readings import QUANTITIES, Reading
from gateway.place.place import Place
from gateway.rules.book import NEVER_HELD_BACK, PatrolSuppression, RuleBook, Suppression, WeatherSuppression
from gateway.rules.matches import Detection, Match

_RAINFALL: Final = QUANTITIES["rainfall_millimetres"]
_WIND: Final = QUANTITIES["wind_speed_metres_per_second"]
_DURATION: Final = QUANTITIES["duration_seconds"]
_MOST: Final = 4096


class PatrolOut(NamedTuple):
    """Since when, and until when at the latest, in steady milliseconds. until_ms: None when nobody told."""

    since_ms: int
    until_ms: int | None


class Holding:
    """The suppressions of a rule book, and what they remember."""

    def __init__(self, book: RuleBook, place: Place) -> None:
        self._place = place
        self._suppressions = [(one, _Scope(one, place)) for one in book.suppressions]
        self._weather: dict[tuple[str, str], int] = {}  # suppression and scope to when it was last noted
        self._patrols: dict[str, PatrolOut] = {}
        self._weather_by_label: dict[str, list[WeatherSuppression]] = {}
        for one in book.suppressions:
            if isinstance(one, WeatherSuppression):
                for label in one.labels:
                    self._weather_by_label.setdefault(label, []).append(one)
        self._gauges = [one for one in book.suppressions if isinstance(one, WeatherSuppression) and one.has_gauges]

    @property
    def window_ms(self) -> int:
        """How far back anything matters."""
        lasting = (
            one.longest_s if isinstance(one, PatrolSuppression) else one.within_s for one, _ in self._suppressions
        )
        return round(max(lasting, default=0.0) * 1000)

    @property
    def patrols(self) -> Mapping[str, PatrolOut]:
        """Who is out, as far as anybody ticked."""
        return self._patrols

    def patrol(self, reading: Reading, at_ms: int) -> None:
        """A patrol went out (duration_seconds: for how long) or came back."""
        if reading.label != "out":
            self._patrols.pop(reading.sensor, None)
            return
        seconds = _value(reading, _DURATION.code, _DURATION.per_unit)
        if len(self._patrols) >= _MOST and reading.sensor not in self._patrols:
            del self._patrols[next(iter(self._patrols))]
        self._patrols[reading.sensor] = PatrolOut(at_ms, at_ms + round(seconds * 1000) if seconds else None)

    def heard(self, detection: Detection) -> None:
        """A sound, which may be of weather."""
        for one in self._weather_by_label.get(detection.label, ()):
            if detection.confidence is None or detection.confidence >= one.confidence:
                self._note(one, detection.sensor, detection.at_ms)

    def measured(self, reading: Reading, at_ms: int) -> None:
        """Measurements, which may be of weather."""
        for one in self._gauges:
            for least, quantity in (
                (one.rainfall_millimetres, _RAINFALL),
                (one.wind_speed_metres_per_second, _WIND),
            ):
                value = _value(reading, quantity.code, quantity.per_unit) if least is not None else None
                if least is not None and value is not None and value >= least:
                    self._note(one, reading.sensor, at_ms)

    def reason(self, rule: str, match: Match) -> str:
        """The name of the first suppression that holds this match back; "" for none."""
        for one, scope in self._suppressions:
            if scope.has(rule, match) and (
                self._is_out(one, match.at_ms) if isinstance(one, PatrolSuppression) else self._is_wet(one, match)
            ):
                return one.name
        return ""

    def _note(self, one: WeatherSuppression, sensor: str, at_ms: int) -> None:
        for scope in self._scopes(one, sensor):
            key = one.name, scope
            held = self._weather.pop(key, None)
            if len(self._weather) >= _MOST:
                del self._weather[next(iter(self._weather))]
            self._weather[key] = at_ms if held is None else max(held, at_ms)

    def _is_wet(self, one: WeatherSuppression, match: Match) -> bool:
        """Every sensor of the match has weather: one that hears a chainsaw without rain is to be believed."""
        within_ms = one.within_s * 1000
        return all(
            any(
                (at_ms := self._weather.get((one.name, scope))) is not None and 0 <= match.at_ms - at_ms < within_ms
                for scope in self._scopes(one, sensor)
            )
            for sensor in match.sensors
        )

    def _is_out(self, one: PatrolSuppression, at_ms: int) -> bool:
        return any(
            patrol.since_ms <= at_ms < patrol.since_ms + one.longest_s * 1000
            and (patrol.until_ms is None or at_ms < patrol.until_ms)
            for patrol in self._patrols.values()
        )

    def _scopes(self, one: WeatherSuppression, sensor: str) -> tuple[str, ...]:
        if one.scope == "post":
            return ("",)
        placed = self._place.sensors.get(sensor)
        if one.scope == "sensor" or placed is None or not placed.groups:
            return (f"sensor {sensor}",)
        return tuple(f"group {group}" for group in placed.groups)


class _Scope:
    """Which matches a suppression is for."""

    def __init__(self, one: Suppression, place: Place) -> None:
        self._labels = frozenset(one.holds_back)
        self._rules = frozenset(one.rules)
        groups = place.groups()
        named = [*one.sensors, *(sensor for group in one.groups for sensor in groups.get(group, ()))]
        self._sensors = frozenset(named) if one.sensors or one.groups else None

    def has(self, rule: str, match: Match) -> bool:
        if not match.labels <= self._labels and (self._labels or match.labels & NEVER_HELD_BACK):
            return False
        if self._rules and rule not in self._rules:
            return False
        return self._sensors is None or self._sensors.issuperset(match.sensors)


def _value(reading: Reading, code: int, per_unit: int) -> float | None:
    for one, steps in zip(reading.codes, reading.steps, strict=False):
        if one == code:
            return steps / per_unit
    return None
