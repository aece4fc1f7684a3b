"""Rules run over facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from firmware_bridge.readings import Kind
from gateway.place.place import Place
from gateway.rules.book import RuleBook
from gateway.rules.engine import Engine
from gateway.rules.facts import Fact, Incident, Step

_TOLD_EVERY: Final = 2000


class Tried(NamedTuple):
    """What rules made of facts, each incident as it stood at the end. warned: people would have been warned of them.
    held_back: a suppression held them back, which `suppressed_by` names. told_ms: Unix time of the warning, or of its
    being held back, by the incident's number; a boat warns when a second sensor hears it. Empty where nobody knows."""

    warned: list[Incident]
    held_back: list[Incident]
    told_ms: Mapping[int, int] = {}

    def when_ms(self, incident: Incident) -> int:
        """Unix time when people were told, or else of its first word."""
        return self.told_ms.get(incident.number, incident.first_ms)


def split(incidents: Iterable[Incident]) -> Tried:
    """Warned of, or held back; by their first word."""
    ordered = sorted(incidents, key=lambda one: (one.first_steady_ms, one.number))
    return Tried([one for one in ordered if not one.suppressed_by], [one for one in ordered if one.suppressed_by])


def try_rules(
    book: RuleBook,
    place: Place,
    zone: dt.tzinfo,
    facts: Sequence[Fact],
    since_ms: int,
    progress: Callable[[int, int], None],
) -> Tried:
    """What the rules would have done since a steady time. facts: those before it only fill their windows. What people
    did about other rules' incidents is left out; what patrols did is not."""
    engine = Engine(book, place, zone)
    standing: dict[int, Incident] = {}
    raised_ms: dict[int, int] = {}
    held_ms: dict[int, int] = {}
    for number, fact in enumerate(facts, 1):
        if fact.reading.kind != Kind.INCIDENT:
            for step, incident in engine.hear(fact):
                if fact.steady_ms >= since_ms and (
                    incident.number in standing or step in (Step.RAISED, Step.HELD_BACK)
                ):
                    standing[incident.number] = incident
                if step is Step.RAISED:
                    raised_ms.setdefault(incident.number, fact.wall_ms)
                elif step is Step.HELD_BACK:
                    held_ms.setdefault(incident.number, fact.wall_ms)
        if number % _TOLD_EVERY == 0 or number == len(facts):
            progress(number, len(facts))
    for incident in (*engine.open_incidents(), *engine.held_back()):  # those that have grown untold
        if incident.number in standing:
            standing[incident.number] = incident
    tried = split(standing.values())._replace(told_ms=held_ms | raised_ms)
    for incidents in (tried.warned, tried.held_back):
        incidents.sort(key=lambda one: (tried.when_ms(one), one.number))
    return tried
