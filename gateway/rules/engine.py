"""The rules of a post at work: facts in, changes of incidents out.

Pure: no clock, no disk, nothing random. The same facts give the same changes, however they are handed over and however
often `tick` is called between them; a `tick` only tells earlier what the next fact would have brought with it.

After a restart `recall` makes the engine what it was, from the incidents that the history keeps and from the facts of
the last `longest_window_ms`:

    engine = Engine(book, place, zone)
    changes = engine.recall(incidents, facts, steady_ms, wall_ms, quality)   # what nobody was told of: mostly none
    changes = engine.hear(fact)                                              # for each fact
    changes = engine.tick(steady_ms, wall_ms, quality)                       # about once a second
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from firmware_bridge.readings import QUANTITIES, Kind, Reading
from gateway.contract.entries import TimeQuality
from gateway.place.geometry import Point
from gateway.place.place import Place
from gateway.rules.boats import BoatMatcher
from gateway.rules.book import LATE, SILENCE, BoatRule, HeardRule, NearRule, RuleBase, RuleBook, SilentRule
from gateway.rules.facts import DETECTIONS, NOT_SENSORS, Change, Fact, Incident, Step
from gateway.rules.holding import Holding, PatrolOut
from gateway.rules.hours import Almanac, Hours
from gateway.rules.ledger import Ledger
from gateway.rules.matches import Detection, HeardMatcher, Match, Matcher, NearMatcher, ScopeOf
from gateway.rules.silences import Silences

_CONFIDENCE: Final = QUANTITIES["confidence_ratio"]
_LEVEL: Final = QUANTITIES["sound_level_decibels"]
_NUMBER: Final = QUANTITIES["incident_number"].code
_STEP: Final = QUANTITIES["incident_step"].code
_DEAF_MS: Final = 60_000
"""A post that heard nothing for longer before it started again may have been off."""
_MOST_CACHED: Final = 8192


class _Compiled:
    """A rule, ready to be asked."""

    def __init__(self, rule: RuleBase, place: Place) -> None:
        self.rule = rule
        groups = place.groups()
        named = [*rule.sensors, *(sensor for group in rule.groups for sensor in groups.get(group, ()))]
        self._sensors = frozenset(named) if rule.sensors or rule.groups else None
        self.hours = Hours(rule.spans, frozenset(rule.sun), rule.moon, rule.untrusted_time == "warn")
        self.has_hours = bool(rule.spans or rule.sun or rule.moon)
        self.max_age_ms = round(rule.max_age_s * 1000)

    def has(self, sensor: str) -> bool:
        """Whether a sensor is the rule's."""
        return self._sensors is None or sensor in self._sensors


class _Asked(_Compiled):
    """A rule about detections."""

    def __init__(self, rule: HeardRule | NearRule | BoatRule, matcher: Matcher, place: Place) -> None:
        super().__init__(rule, place)
        self.matcher = matcher
        self.labels = frozenset(rule.labels)
        self.confidence = rule.confidence
        self.counts_others = isinstance(matcher, HeardMatcher) and matcher.counts_others


class Engine:
    """See the module. zone: of the post, for hours of the day."""

    def __init__(self, book: RuleBook, place: Place, zone: dt.tzinfo = dt.UTC) -> None:
        self._book = book
        self._ledger = Ledger(book.storm)
        self._holding = Holding(book, place)
        self._almanac = Almanac(zone, where_is(place))
        self._asked = [
            _Asked(rule, _matcher(rule, place), place) for rule in book.rules if not isinstance(rule, SilentRule)
        ]
        silent = [_Compiled(rule, place) for rule in book.rules if isinstance(rule, SilentRule)]
        self._silences = Silences([(one.rule, one.has) for one in silent if isinstance(one.rule, SilentRule)], place)
        self._silent_hours = {one.rule.name: one.hours for one in silent}
        self._silent_has = [(one.rule.name, one.has) for one in silent]
        self._rules_for: dict[tuple[str, str], tuple[tuple[_Asked, bool], ...]] = {}
        self._now_ms: int | None = None
        self._wall_offset_ms = 0
        self._quality: int = TimeQuality.UNTRUSTED
        self._heard = 0
        self._place = place

    @property
    def longest_window_ms(self) -> int:
        """How far back facts matter: what `recall` needs of the history."""
        rules = [round(max(rule.quiet_s, getattr(rule, "within_s", 0.0)) * 1000) for rule in self._book.rules]
        return max(
            round(self._book.storm.within_s * 1000),
            self._holding.window_ms,
            self._silences.window_ms,
            *(asked.matcher.window_ms for asked in self._asked),
            *rules,
            60_000,
        )

    def hear(self, fact: Fact) -> list[Change]:
        """One fact. steady_ms below that of an earlier one counts as that one's."""
        changes = self._advance(fact.steady_ms, fact.wall_ms)
        assert self._now_ms is not None
        self._wall_offset_ms, self._quality = fact.wall_ms - self._now_ms, fact.quality
        reading = fact.reading
        kind = reading.kind
        age_ms = max(0, reading.age_ms)
        at_ms, wall_ms = self._now_ms - age_ms, fact.wall_ms - age_ms
        if kind not in NOT_SENSORS:
            is_detection = kind in DETECTIONS
            for rule in self._silences.heard(reading.sensor, self._now_ms, fact.wall_ms, is_regular=not is_detection):
                changes += self._ledger.heard_again(rule.name, reading.sensor)
            if is_detection:
                changes += self._detected(reading, at_ms, wall_ms, fact.within_ms)
            else:
                self._holding.measured(reading, at_ms)
        elif kind == Kind.PATROL:
            self._holding.patrol(reading, at_ms)
        elif kind == Kind.INCIDENT:
            changes += self._acted(reading, wall_ms)
        return changes

    def tick(self, steady_ms: int, wall_ms: int, quality: int) -> list[Change]:
        """Time has passed: what was due in it."""
        changes = self._advance(steady_ms, wall_ms)
        assert self._now_ms is not None
        self._wall_offset_ms, self._quality = wall_ms - self._now_ms, quality
        return changes

    def recall(
        self,
        known: Iterable[Incident],
        facts: Iterable[Fact],
        steady_ms: int,
        wall_ms: int,
        quality: int,
        *,
        last_number: int = 0,
    ) -> list[Change]:
        """Become what it was. Call it once, before anything else.

        known: every incident that the history keeps, as it stood last. facts: of the last `longest_window_ms` at least,
        in order. steady_ms, wall_ms, quality: of this moment. last_number: the highest that an incident had, as far as
        anybody else knows: the history may have been lost. Returns the changes that nobody was told of, because the
        post went off first. A post that was off heard nothing: that time makes no sensor silent.
        """
        self._ledger.number_seen(last_number)
        self._ledger.recall(known, {rule.name: rule for rule in self._book.rules})
        changes: list[Change] = []
        for fact in facts:
            changes += self.hear(fact)
        deaf_ms = 0 if self._now_ms is None else max(0, steady_ms - self._now_ms)
        self._silences.resume(deaf_ms if deaf_ms > _DEAF_MS else 0, self._ledger.is_silent)
        changes += self._ledger.recalled(steady_ms)
        watched = [
            (name, sensor)
            for name, has in self._silent_has
            for sensor in {*self._silences.sensors, *self._place.sensors}
            if has(sensor)
        ]
        changes += self._ledger.forget_silences(watched)
        return changes + self.tick(steady_ms, wall_ms, quality)

    def open_incidents(self) -> tuple[Incident, ...]:
        """Those that people were warned of and that are not closed, by number."""
        return self._ledger.incidents(held_back=False)

    def held_back(self) -> tuple[Incident, ...]:
        """Those that a suppression holds back now, by number."""
        return self._ledger.incidents(held_back=True)

    def patrols(self) -> Mapping[str, PatrolOut]:
        """Patrols that were ticked out and not back, by name."""
        return self._holding.patrols

    def _advance(self, steady_ms: int, wall_ms: int) -> list[Change]:
        """Do what is due until then, in the order of time."""
        if self._now_ms is None:
            self._now_ms, self._wall_offset_ms = steady_ms, wall_ms - steady_ms
            self._silences.begin(steady_ms, wall_ms)
        changes: list[Change] = []
        to_ms = max(steady_ms, self._now_ms)
        while (due_ms := min(self._ledger.due_ms, self._silences.due_ms)) <= to_ms:
            now_ms = self._now_ms = max(self._now_ms, int(due_ms))
            changes += self._ledger.run(now_ms)
            for silent in self._silences.look(now_ms, self._silence_counts):
                match = Match(
                    silent.sensor,
                    SILENCE,
                    (silent.sensor,),
                    silent.last_ms,
                    silent.last_wall_ms,
                    silent.last_ms,
                    silent.last_wall_ms,
                    0,
                    None,
                    frozenset((SILENCE,)),
                    None,
                )
                changes += self._ledger.matched(silent.rule, match, "", now_ms, 0)
        self._now_ms = to_ms
        return changes

    def _silence_counts(self, rule: SilentRule) -> bool:
        hours = self._silent_hours[rule.name]
        return hours.hold(self._almanac.at((self._now_ms or 0) + self._wall_offset_ms, self._quality))

    def _detected(self, reading: Reading, at_ms: int, wall_ms: int, within_ms: int | None) -> list[Change]:
        confidence = level = None
        for code, steps in zip(reading.codes, reading.steps, strict=False):
            if code == _CONFIDENCE.code:
                confidence = steps / _CONFIDENCE.per_unit
            elif code == _LEVEL.code:
                level = steps / _LEVEL.per_unit
        detection = Detection(at_ms, wall_ms, reading.sensor, reading.label, confidence, within_ms, level)
        self._holding.heard(detection)
        self._heard += 1
        changes: list[Change] = []
        for asked, is_label in self._asked_about(reading.label, reading.sensor):
            is_own = is_label and (confidence is None or confidence >= asked.confidence)
            if is_own and asked.has_hours:
                is_own = asked.hours.hold(self._almanac.at(wall_ms, self._quality))
            if not (is_own or asked.counts_others):
                continue
            match = asked.matcher.hear(detection, is_own)
            if match is not None:
                assert self._now_ms is not None
                is_late = self._now_ms - match.at_ms > asked.max_age_ms
                held_by = LATE if is_late else self._holding.reason(asked.rule.name, match)
                changes += self._ledger.matched(asked.rule, match, held_by, self._now_ms, self._heard)
        return changes

    def _asked_about(self, label: str, sensor: str) -> tuple[tuple[_Asked, bool], ...]:
        """The rules that a detection may matter to, each with whether the label is its own."""
        found = self._rules_for.get((label, sensor))
        if found is None:
            if len(self._rules_for) >= _MOST_CACHED:
                self._rules_for.clear()
            found = self._rules_for[label, sensor] = tuple(
                (asked, label in asked.labels)
                for asked in self._asked
                if (label in asked.labels or asked.counts_others) and asked.has(sensor)
            )
        return found

    def _acted(self, reading: Reading, wall_ms: int) -> list[Change]:
        told = dict(zip(reading.codes, reading.steps, strict=False))
        number = told.get(_NUMBER, 0)
        self._ledger.number_seen(number)
        if told.get(_STEP) != Step.ACKNOWLEDGED or self._now_ms is None:
            return []
        return self._ledger.acknowledge(number, reading.note, self._now_ms, wall_ms)


def where_is(place: Place) -> Point | None:
    """Where the sun is asked about: at the post, or else at the first sensor whose place is known."""
    if place.post is not None:
        return place.post
    return next((sensor.position for sensor in place.sensors.values() if sensor.position is not None), None)


def _matcher(rule: HeardRule | NearRule | BoatRule, place: Place) -> Matcher:
    if isinstance(rule, HeardRule):
        return HeardMatcher(rule, ScopeOf(place, rule.together, rule.groups))
    if isinstance(rule, BoatRule):
        return BoatMatcher(rule, place)
    return NearMatcher(rule, place)
