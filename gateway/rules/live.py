"""One incident while it may change."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from math import inf
from typing import Final

from gateway.rules.book import NEVER_HELD_BACK, SILENCE, STORM, DetectionRuleBase, RuleBase
from gateway.rules.facts import Incident, Note, Passage
from gateway.rules.matches import Match

_NO_RULE_MS: Final = 300_000


class Live:
    """An incident that may change."""

    def __init__(self, rule: str, level: str, match: Match, held_by: str, quiet_ms: int = 0, open_ms: int = 0) -> None:
        self.number = 0
        self.rule = rule
        self.level = level
        self.found_by = dict.fromkeys((rule,))
        self.keys: list[tuple[str, Hashable, str]] = []  # by which the ledger finds it
        self.label = match.label
        self.sensors = dict.fromkeys(match.sensors)
        self.first_ms, self.last_ms = match.first_ms, match.at_ms
        self.first_wall_ms, self.last_wall_ms = match.first_wall_ms, match.wall_ms
        self.first_within_ms = match.first_within_ms
        self.count = match.detections
        self.reading = 0  # number of the last in it
        self.confidence = match.confidence
        self.passage: Passage | None = match.passage
        self.state = "open"
        self.note = ""
        self.notes: tuple[Note, ...] = ()
        self.held_by = held_by
        self.quiet_ms, self.open_ms = quiet_ms, open_ms
        self.touched_ms = match.at_ms  # when the last of it came, which may be long after it happened
        self.told_ms = 0
        self.is_untold = False  # it has grown since it was told of
        self.acknowledged_ms = 0
        self.storm: Live | None = None
        self.covered_ms = -1  # readings up to then are in it already

    @property
    def incident(self) -> Incident:
        return Incident(
            self.number,
            self.rule,
            self.level,
            self.label,
            tuple(self.sensors),
            self.first_ms,
            self.last_ms,
            self.first_wall_ms,
            self.last_wall_ms,
            self.count,
            self.confidence,
            self.passage,
            self.state,
            self.note,
            self.held_by,
            self.notes,
            tuple(self.found_by),
            self.first_within_ms,
        )

    @property
    def close_ms(self) -> float:
        """When it closes by itself."""
        if self.label == SILENCE and self.rule != STORM:
            return inf
        if self.held_by or self.storm is not None:
            return self.touched_ms + self.quiet_ms
        if self.state == "acknowledged":
            return max(self.touched_ms + self.quiet_ms, self.acknowledged_ms)
        return self.touched_ms + self.open_ms

    def found(self, rule: RuleBase) -> None:
        """A rule found it, too: the most patient of them says how long it may be quiet, and open."""
        self.found_by[rule.name] = None
        self.quiet_ms = max(self.quiet_ms, round(rule.quiet_s * 1000))
        self.open_ms = max(self.open_ms, round(rule.open_s * 1000))

    def takes(self, match: Match) -> bool:
        """Whether a match of the same rule and key is more of the same."""
        if kind_of(match.label) != kind_of(self.label):
            return False
        if self.state == "closed":
            return match.at_ms <= self.covered_ms
        return match.label == SILENCE or match.at_ms < self.last_ms + self.quiet_ms

    def is_same(self, rule: DetectionRuleBase, match: Match) -> bool:
        """Whether a match of a rule, at one of its sensors and about what another rule found too, is more of the same.
        What people have seen to as a notice is not, once it is an alert."""
        return (
            (self.label == match.label or self.label in rule.labels)
            and self.passage is None
            and self.rule != STORM
            and self.found_by.keys() != {rule.name}
            and not (self.state == "acknowledged" and rule.level == "alert" != self.level)
            and not set(match.sensors).isdisjoint(self.sensors)
            and self.takes(match)
        )


def kind_of(label: str) -> str:
    """What can be in one incident: a shot only with shots, an explosion only with explosions."""
    return label if label in NEVER_HELD_BACK else ""


def live_of(incident: Incident, rules: Iterable[RuleBase]) -> Live:
    """An incident from before a restart. rules: those of `found_by` that still are."""
    match = Match(
        None,
        incident.label,
        incident.sensors,
        incident.first_steady_ms,
        incident.first_ms,
        incident.last_steady_ms,
        incident.last_ms,
        incident.count,
        incident.confidence,
        frozenset((incident.label,)),
        incident.first_within_ms,
        incident.passage,
    )
    live = Live(incident.rule, incident.level, match, incident.suppressed_by)
    for rule in rules:
        live.found(rule)
    live.quiet_ms, live.open_ms = live.quiet_ms or _NO_RULE_MS, live.open_ms or _NO_RULE_MS
    live.number, live.state = incident.number, incident.state
    live.note, live.notes = incident.note, incident.notes
    live.found_by |= dict.fromkeys(incident.found_by)
    live.told_ms = live.covered_ms = incident.last_steady_ms
    return live
