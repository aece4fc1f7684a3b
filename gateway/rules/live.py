"""One incident while it may change."""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import Final

from gateway.rules.book import SILENCE, STORM, RuleBase
from gateway.rules.facts import Incident, Note, Passage
from gateway.rules.matches import Match

_NO_RULE_MS: Final = 300_000


class Live:
    """An incident that may change."""

    def __init__(self, rule: str, level: str, match: Match, quiet_ms: int, open_ms: int, held_by: str) -> None:
        self.number = 0
        self.rule = rule
        self.level = level
        self.key: Hashable = match.key
        self.label = match.label
        self.sensors = dict.fromkeys(match.sensors)
        self.first_ms, self.last_ms = match.first_ms, match.at_ms
        self.first_wall_ms, self.last_wall_ms = match.first_wall_ms, match.wall_ms
        self.count = match.detections
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

    def takes(self, match: Match) -> bool:
        """Whether a match of the same rule and key is more of the same."""
        if self.state == "closed":
            return match.at_ms <= self.covered_ms
        return match.label == SILENCE or match.at_ms < self.last_ms + self.quiet_ms


def live_of(incident: Incident, rule: RuleBase | None) -> Live:
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
        incident.passage,
    )
    quiet_ms, open_ms = (round(rule.quiet_s * 1000), round(rule.open_s * 1000)) if rule else (_NO_RULE_MS, _NO_RULE_MS)
    live = Live(incident.rule, incident.level, match, quiet_ms, open_ms, incident.suppressed_by)
    live.number, live.state = incident.number, incident.state
    live.note, live.notes = incident.note, incident.notes
    live.told_ms = live.covered_ms = incident.last_steady_ms
    return live
