"""A rules file: what makes an alert, what holds one back, when many are one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from firmware_bridge.readings import LABELS
from gateway.label_names import LabelName
from gateway.rules.hours import Span, span_of
from gateway.section import Section

STORM: Final = "storm"
"""The rule of an incident that stands for many."""
SILENCE: Final = "silence"
"""The label of an incident of a sensor that is not heard."""
LATE: Final = "late"
"""What holds back a match whose readings came too late to act on."""
BOATS: Final = ("long_tail_motor", "outboard_motor", "boat")
NEVER_HELD_BACK: Final = frozenset({"gunshot", "explosion"})
"""Held back only by a suppression that names them, and never in one incident with anything else."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("value_error", "a name is of characters that print")
    if text in (STORM, LATE):
        raise PydanticCustomError("value_error", "{name} is a word of our own; choose another name", {"name": text})
    return text


def _hours(text: str) -> str:
    span_of(text)
    return text


Name = Annotated[str, Field(min_length=1, max_length=48), AfterValidator(_printable)]
Hours = Annotated[str, AfterValidator(_hours)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class RuleBase(Section):
    """What every rule has: where and when it holds, and how it warns."""

    name: Name = Field(description="Name of the rule, as incidents tell it; each has its own.")
    level: Literal["alert", "notice"] = Field(
        "alert", description='"alert" wakes people (siren, radios); "notice" is shown on the page.'
    )
    sensors: list[str] = Field(default_factory=list, max_length=1000, description="Only these sensors.")
    groups: list[str] = Field(
        default_factory=list, max_length=100, description="Only sensors of these groups; all sensors if both are empty."
    )
    hours: list[Hours] = Field(
        default_factory=list, max_length=24, description='Only at these hours of the post: "18:00-06:00".'
    )
    sun: list[Literal["day", "twilight", "night"]] = Field(
        default_factory=list, description="Only then, by the sun at the post; twilight is civil twilight."
    )
    moon: Literal["bright", "dark"] | None = Field(
        None, description="Only when at least half of the moon is lit (bright), or less (dark)."
    )
    untrusted_time: Literal["warn", "ignore"] = Field(
        "warn", description="While nobody vouches for the clock: warn as if it were such an hour, or ignore."
    )
    quiet_s: Seconds = Field(
        300.0,
        description="After a warning, more of the same within this time of the last makes it grow; no new warning.",
    )
    open_s: Annotated[float, Field(gt=0, le=604_800)] = Field(
        43_200.0, description="An incident that nobody acknowledges stays open so long after its last reading."
    )
    max_age_s: Annotated[float, Field(gt=0, le=31_536_000)] = Field(
        3600.0, description="What is older than this when it arrives is shown and wakes nobody."
    )

    @property
    def spans(self) -> tuple[Span, ...]:
        """The hours, in minutes of the day."""
        return tuple(span_of(text) for text in self.hours)


class DetectionRuleBase(RuleBase):
    """A rule about what is detected."""

    labels: list[LabelName] = Field(min_length=1, description="What is heard or seen: labels such as chainsaw.")
    confidence: float = Field(
        0.5, ge=0, le=1, description="Least confidence; a detection that tells none counts as sure."
    )


class HeardRule(DetectionRuleBase):
    """when = "heard": a label is detected, or `count` times, or `count` of the last `of` detections."""

    when: Literal["heard"] = Field(description='"heard": something is detected.')
    together: Literal["group", "sensor", "post"] = Field(
        "group", description="What is counted together, and is one incident: a group of sensors, a sensor, the post."
    )
    count: int = Field(1, ge=1, le=1000, description="So many detections ...")
    of: int | None = Field(None, ge=1, le=1000, description="... of so many last ones of any label ...")
    within_s: Seconds = Field(300.0, description="... within this time.")

    @model_validator(mode="after")
    def _possible(self) -> HeardRule:
        if self.of is not None and self.of < self.count:
            raise PydanticCustomError("value_error", "`of` must be at least `count`")
        return self


class NearRule(DetectionRuleBase):
    """when = "near": several sensors, near each other, detect it about the same time."""

    when: Literal["near"] = Field(description='"near": several sensors near each other detect it.')
    sensors_count: int = Field(2, ge=2, le=100, description="So many different sensors ...")
    metres: float = Field(
        3000.0, gt=0, le=100_000, description="... within so many metres of the one that heard last ..."
    )
    within_s: Seconds = Field(120.0, description="... within this time.")


class SilentRule(RuleBase):
    """when = "silent": a sensor says nothing for several of its own intervals."""

    when: Literal["silent"] = Field(description='"silent": a sensor is not heard.')
    level: Literal["alert", "notice"] = Field("notice", description='"alert" wakes people; "notice" is shown.')
    times: float = Field(3.0, ge=1.5, le=100, description="Silent after so many of its intervals.")
    interval_s: float | None = Field(
        None, ge=1, le=604_800, description="The interval; that of the map, or as learned from the sensor, if left out."
    )


class BoatRule(DetectionRuleBase):
    """when = "boat": motors at one sensor after another along a river."""

    when: Literal["boat"] = Field(description='"boat": a motor passes one sensor after another along a river.')
    labels: list[LabelName] = Field(
        default_factory=lambda: list(BOATS), min_length=1, description="Sounds and sights of a boat."
    )
    rivers: list[str] = Field(default_factory=list, max_length=100, description="Only on these rivers of the map.")
    sensors_count: int = Field(2, ge=2, le=20, description="Told once it has passed so many sensors.")
    bank_metres: float = Field(
        1000.0, gt=0, le=20_000, description="A sensor (or the post) so near to the river's line is on it."
    )
    slowest_metres_per_second: float = Field(0.5, ge=0.1, le=10, description="No boat is slower over ground.")
    fastest_metres_per_second: float = Field(20.0, ge=1, le=60, description="No boat is faster over ground.")
    passing_s: Seconds = Field(
        180.0, description="Detections at one sensor that are no further apart than this are one passage."
    )
    quiet_s: Seconds = Field(10_800.0, description="How long after a sensor the boat may be heard at the next.")

    @model_validator(mode="after")
    def _possible(self) -> BoatRule:
        if self.slowest_metres_per_second >= self.fastest_metres_per_second:
            raise PydanticCustomError("value_error", "the slowest boat is not slower than the fastest")
        return self


Rule = HeardRule | NearRule | SilentRule | BoatRule
AnyRule = Annotated[Rule, Field(discriminator="when")]


class SuppressionBase(Section):
    """What every suppression has: which matches it holds back. They are counted and shown, and wake nobody."""

    name: Name = Field(description="Name of the suppression: the reason that is shown.")
    holds_back: list[LabelName] = Field(
        default_factory=list,
        description="The labels that it holds back; all but gunshot and explosion if empty: those must be named.",
    )
    rules: list[str] = Field(default_factory=list, max_length=500, description="Only matches of these rules.")
    sensors: list[str] = Field(default_factory=list, max_length=1000, description="Only at these sensors.")
    groups: list[str] = Field(default_factory=list, max_length=100, description="Only at sensors of these groups.")


class WeatherSuppression(SuppressionBase):
    """when = "weather": rain or wind shortly before, at the same sensors if `scope` says no more."""

    when: Literal["weather"] = Field(description='"weather": rain or wind shortly before.')
    labels: list[LabelName] = Field(default_factory=lambda: ["rain", "wind"], description="Sounds of weather.")
    confidence: float = Field(0.5, ge=0, le=1, description="Least confidence of those sounds.")
    rainfall_millimetres: float | None = Field(None, gt=0, le=10_000, description="Or a rain gauge tells so much.")
    wind_speed_metres_per_second: float | None = Field(None, gt=0, le=120, description="Or a wind gauge tells so much.")
    scope: Literal["sensor", "group", "post"] = Field(
        "sensor",
        description="It holds back at the same sensor, at all sensors of its groups, or everywhere. With a group, one"
        " sensor that is broken, or that somebody forges, holds back what the others hear.",
    )
    within_s: Seconds = Field(300.0, description="For so long.")

    @property
    def has_gauges(self) -> bool:
        """Whether measurements count as weather."""
        return self.rainfall_millimetres is not None or self.wind_speed_metres_per_second is not None


class PatrolSuppression(SuppressionBase):
    """when = "patrol": a patrol of ours is out, as ticked on the page."""

    when: Literal["patrol"] = Field(description='"patrol": a patrol of ours is out.')
    longest_s: Seconds = Field(
        43_200.0, description="A patrol that nobody ticks back is taken to be back after this time."
    )


Suppression = WeatherSuppression | PatrolSuppression
AnySuppression = Annotated[Suppression, Field(discriminator="when")]


class Storm(Section):
    """[storm]: many incidents of one label become one, with a count."""

    incidents: int = Field(10, ge=1, le=1000, description="After so many incidents of one label ...")
    within_s: Seconds = Field(600.0, description="... within this time, further ones are one incident with a count.")
    spares: list[LabelName] = Field(default_factory=list, description="Labels that always warn one by one.")
    open_s: Annotated[float, Field(gt=0, le=604_800)] = Field(
        43_200.0, description="A storm that nobody acknowledges stays open so long after its last reading."
    )


_Named = TypeVar("_Named", bound=RuleBase | SuppressionBase)


class RuleBook(Section):
    """The whole file."""

    rules: list[AnyRule] = Field(default_factory=list, max_length=500, description="What makes an incident.")
    suppressions: list[AnySuppression] = Field(
        default_factory=list, max_length=100, description="What holds a warning back."
    )
    storm: Storm = Field(default_factory=Storm, description="When many incidents are one.")

    @property
    def longest_patrol_s(self) -> float:
        """How long a patrol that goes out now is believed to be out at most: what can be promised to it."""
        return min((one.longest_s for one in self.suppressions if isinstance(one, PatrolSuppression)), default=86_400.0)

    @field_validator("rules", "suppressions")
    @classmethod
    def _no_twins(cls, named: list[_Named]) -> list[_Named]:
        first: dict[str, int] = {}
        twins: list[InitErrorDetails] = []
        for number, one in enumerate(named):
            if (other := first.setdefault(one.name, number)) != number:
                words = {"name": one.name, "other": other + 1}
                fault = PydanticCustomError("value_error", "another one is called {name} too: number {other}", words)
                twins.append(InitErrorDetails(type=fault, loc=(number, "name"), input=None))
        if twins:
            raise ValidationError.from_exception_data("rules", twins, hide_input=True)
        return named

    @model_validator(mode="after")
    def _known_rules(self) -> RuleBook:
        names = {rule.name for rule in self.rules}
        unknown = [
            InitErrorDetails(
                type=PydanticCustomError("value_error", "no rule is called {name}", {"name": name}),
                loc=("suppressions", number, "rules", place),
                input=None,
            )
            for number, one in enumerate(self.suppressions)
            for place, name in enumerate(one.rules)
            if name not in names
        ]
        if unknown:
            raise ValidationError.from_exception_data("rules", unknown, hide_input=True)
        return self


PATROL_SOUNDS: Final = ("voices", "person", "boat", "outboard_motor", "long_tail_motor", "vehicle")
"""What a patrol of ours sets off itself."""


def default_rules(labels: Iterable[str], confidence: float) -> RuleBook:
    """What a post without a rules file does: each of these labels warns, one incident a group of sensors, and a patrol
    of ours wakes nobody with its own noise."""
    rules: list[Rule] = [
        HeardRule(name=label, when="heard", labels=[label], confidence=confidence) for label in dict.fromkeys(labels)
    ]
    patrol = PatrolSuppression(
        name="patrulla", when="patrol", holds_back=[label for label in PATROL_SOUNDS if label in LABELS]
    )
    return RuleBook(rules=rules, suppressions=[patrol])
