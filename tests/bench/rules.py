"""What a reading costs the rules of a post: 50 sensors and 200 rules, beside asking every rule about everything.

The readings are a rainy night: nine of ten detections are rain, wind and animals, the rest motors, saws and voices; a
third of all readings are status. Both are given the same readings in the same run.
"""

from __future__ import annotations

import random
import time
from collections import deque
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from firmware_bridge.readings import LABELS, Kind, Reading, make_reading
from gateway.contract.entries import TimeQuality
from gateway.place.geometry import River, distance_metres
from gateway.place.place import Place, PlacedSensor
from gateway.rules.book import DetectionRuleBase, HeardRule, NearRule, Rule, RuleBook
from gateway.rules.engine import Engine
from gateway.rules.facts import DETECTIONS, Fact
from gateway.rules.hours import Almanac, Hours
from tests.bench.harness import Options, Result, Row, median, percentile, repeated, say, verdict

SENSORS: Final = 50
RULES: Final = 200
_READINGS: Final = 20_000
_NAIVE_READINGS: Final = 1500
_TARGET_US: Final = 1000.0
_START_MS: Final = 1_790_000_000_000


def run(_directory: Path, options: Options) -> Result:
    """See the module."""
    place, book, facts = a_place(), a_book(), some_facts(_READINGS)
    each: list[float] = []

    def ours(_number: int) -> float:
        engine = Engine(book, place, ZoneInfo("America/Lima"))
        each.clear()
        begun = time.perf_counter()
        for fact in facts:
            at = time.perf_counter()
            engine.hear(fact)
            each.append(time.perf_counter() - at)
        return (time.perf_counter() - begun) / len(facts) * 1e6

    def naive(_number: int) -> float:
        asker = Naive(book, place)
        begun = time.perf_counter()
        for fact in facts[:_NAIVE_READINGS]:
            asker.hear(fact)
        return (time.perf_counter() - begun) / _NAIVE_READINGS * 1e6

    ours_us = repeated(options.repeat, "indexed, microseconds a reading", ours, "{:.1f}")
    naive_us = repeated(options.repeat, "every rule asked, microseconds a reading", naive, "{:.1f}")
    worst_us = percentile(each, 0.999) * 1e6
    say(f"99.9th percentile {worst_us:.0f} microseconds")
    begun = time.perf_counter()
    Engine(book, place, ZoneInfo("America/Lima")).recall([], facts, facts[-1].steady_ms, _START_MS, TimeQuality.NTP)
    recalled_s = time.perf_counter() - begun
    return Result(
        [
            Row(
                f"rules at the post, {SENSORS} sensors and {RULES} rules, a reading",
                f"{median(ours_us):.0f} µs, p99.9 {worst_us:.0f} µs",
                "1 ms",
                f"every rule asked about everything: {median(naive_us):.0f} µs",
                verdict(max(ours_us) < _TARGET_US),
            )
        ],
        [
            "A rule is asked about its own labels at its own sensors; sun, moon and hour are reckoned once a minute.",
            f"After a restart the rules are made of what was heard: {len(facts):,} facts in {recalled_s:.1f} s.",
        ],
    )


def a_place() -> Place:
    """Sensors in ten groups, along a river and around it."""
    random_places = random.Random(5)
    river = [(-3.0 - 0.002 * n, -72.0 + 0.01 * n) for n in range(40)]
    sensors = {}
    for number in range(SENSORS):
        latitude, longitude = river[number * 40 // SENSORS]
        off = 0.0 if number % 2 else random_places.uniform(-0.05, 0.05)
        name = f"sensor-{number:02}"
        sensors[name] = PlacedSensor(name, name, latitude + off, longitude, (f"grupo {number // 5}",), 600.0)
    return Place(sensors, (River("Río", river),))


def a_book() -> RuleBook:
    """What a post with much to say has: most rules are for one group or label."""
    labels = [label.name for label in LABELS.values() if label.alert]
    rules: list[dict[str, object]] = []
    for number in range(RULES):
        label = labels[number % len(labels)]
        rule: dict[str, object] = {"name": f"rule {number}", "when": "heard", "labels": [label]}
        if number % 4:
            rule["groups"] = [f"grupo {number % 10}"]
        match number % 10:
            case 0:
                rule |= {"count": 3, "of": 6}
            case 1 | 2:
                rule |= {"count": 3, "within_s": 600}
            case 3:
                rule |= {"when": "near", "metres": 4000}
            case 4:
                rule |= {"sun": ["night"], "moon": "dark"}
            case 5:
                rule |= {"hours": ["18:00-06:00"]}
            case 6 if number < 20:
                rule = {"name": rule["name"], "when": "boat"}
            case 7 if number < 40:
                rule = {"name": rule["name"], "when": "silent"}
            case _:
                pass
        rules.append(rule)
    suppressions = [{"name": "lluvia", "when": "weather"}, {"name": "patrulla", "when": "patrol"}]
    return RuleBook.model_validate({"rules": rules, "suppressions": suppressions})


def some_facts(count: int) -> list[Fact]:
    """A reading every half second, see the module."""
    chance = random.Random(9)
    quiet = [label.name for label in LABELS.values() if not label.alert]
    alerts = [label.name for label in LABELS.values() if label.alert]
    facts = []
    for number in range(count):
        sensor = f"sensor-{chance.randrange(SENSORS):02}"
        if number % 3 == 0:
            reading = make_reading(Kind.DEVICE_STATUS, sensor, {"battery_volts": 3.7})
        else:
            label = chance.choice(quiet) if chance.random() < 0.9 else chance.choice(alerts)
            values = {"confidence_ratio": round(chance.random(), 3)}
            reading = make_reading(Kind.ACOUSTIC_DETECTION, sensor, values, label=label)
        facts.append(Fact(number * 500, _START_MS + number * 500, int(TimeQuality.NTP), reading))
    return facts


class Naive:
    """Every rule is asked about every reading, and looks through all that was heard in the longest window."""

    def __init__(self, book: RuleBook, place: Place) -> None:
        self._rules = [rule for rule in book.rules if isinstance(rule, DetectionRuleBase)]
        self._place = place
        self._heard: deque[Fact] = deque()
        self.matched = 0

    def hear(self, fact: Fact) -> None:
        """One reading."""
        self._heard.append(fact)
        while self._heard[0].steady_ms < fact.steady_ms - 600_000:
            self._heard.popleft()
        if fact.reading.kind in DETECTIONS:
            self.matched += sum(self._matches(rule, fact) for rule in self._rules)  # type: ignore[arg-type]  # each is a Rule

    def _matches(self, rule: Rule, fact: Fact) -> bool:
        if not (isinstance(rule, DetectionRuleBase) and self._is_own(rule, fact.reading)):
            return False
        almanac = Almanac(ZoneInfo("America/Lima"), (-3.0, -72.0))
        if not Hours(rule.spans, frozenset(rule.sun), rule.moon, True).hold(almanac.at(fact.wall_ms, fact.quality)):
            return False
        within_ms = getattr(rule, "within_s", 0.0) * 1000
        recent = [one for one in self._heard if one.steady_ms > fact.steady_ms - within_ms]
        own = [one for one in recent if self._is_own(rule, one.reading)]
        if isinstance(rule, HeardRule):
            return len(own) >= rule.count
        if isinstance(rule, NearRule):
            here = self._place.sensors[fact.reading.sensor].position
            others = {one.reading.sensor for one in own} - {fact.reading.sensor}
            there = [self._place.sensors[name].position for name in others]
            return any(here and one and distance_metres(here, one) <= rule.metres for one in there)
        return True

    def _is_own(self, rule: DetectionRuleBase, reading: Reading) -> bool:
        if reading.label not in rule.labels:
            return False
        groups = self._place.sensors[reading.sensor].groups
        return not rule.groups or any(group in rule.groups for group in groups)
