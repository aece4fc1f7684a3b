"""What the outbox took in and the watch never heard: the post was killed between the two. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Final

from firmware_bridge.readings import Kind, Reading
from gateway.clock.steady import SteadyPoint
from gateway.contract.entries import Entry
from gateway.contract.topics import Lane
from gateway.rules.facts import DETECTIONS, Fact, Step
from gateway.watch.heard import mark_of

LANES: Final = (Lane.ALERT, Lane.DETECTION)
"""Where alerts are, and what people did."""


def is_asked_for(lane: Lane, reading: Reading) -> bool:
    """Whether the next start looks for it: alerts, and what people did. It was on disk before the watch heard of it."""
    return reading.kind in (DETECTIONS if lane is Lane.ALERT else _ACTS if lane is Lane.DETECTION else ())


def missed(entries: Sequence[tuple[Lane, Entry]], beyond: Iterable[bytes], known: Container[int]) -> list[Entry]:
    """Those that were not heard, in their order. entries: of `LANES`, all that the outbox holds beyond a place up to
    which all was heard. beyond: the marks of what was heard beyond it. known: the numbers of the incidents that the
    history has. An alert from before an incident that it has not was heard too, while the history could not be
    written."""
    unknown = [
        at for at, (_, entry) in enumerate(entries) if (number := _incident(entry.reading)) and number not in known
    ]
    heard_until = unknown[-1] if unknown else 0
    heard = Counter(beyond)
    found = []
    for at, (lane, entry) in enumerate(entries):
        if not is_asked_for(lane, entry.reading):
            continue
        mark = mark_of(entry.reading)
        if heard[mark] > 0:
            heard[mark] -= 1
        elif lane is not Lane.ALERT or at >= heard_until:
            found.append(entry)
    return found


def as_facts(entries: Iterable[Entry], stood: SteadyPoint, not_before_ms: int, steady_ms: int) -> list[Fact]:
    """The entries as facts, in their order. stood: a moment and its steady time. They came between not_before_ms and
    steady_ms, which is now, whatever the wall clock says; it only says when in between."""
    facts = []
    for entry in entries:
        at_ms = stood.steady_ms + entry.time_ms - stood.moment.wall_ms
        not_before_ms = max(not_before_ms, min(at_ms, steady_ms))
        facts.append(Fact(not_before_ms, entry.time_ms, entry.quality, entry.reading))
    return facts


def is_act(reading: Reading) -> bool:
    """Whether somebody saw to an incident."""
    return reading.kind == Kind.INCIDENT and reading.values().get("incident_step") == Step.ACKNOWLEDGED


def _incident(reading: Reading) -> int:
    return round(reading.values().get("incident_number", 0)) if reading.kind == Kind.INCIDENT else 0


_ACTS: Final = frozenset({int(Kind.INCIDENT), int(Kind.PATROL)})
