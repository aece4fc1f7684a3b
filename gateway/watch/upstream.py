"""Incidents as readings, for headquarters. Pure."""

from __future__ import annotations

from typing import Final

from firmware_bridge.readings import MAX_NOTE_BYTES, QUANTITIES, Kind, Reading, is_name, make_reading
from gateway.contract.topics import Lane
from gateway.rules.facts import Change, Step

_GROWN_EVERY_MS: Final = 60_000
POST: Final = "gateway"
"""The sensor of an incident that no sensor tells of."""


class Upstream:
    """Decides what headquarters is told of incidents, and how urgently."""

    def __init__(self) -> None:
        self._told_ms: dict[int, int] = {}

    def is_due(self, change: Change, steady_ms: int) -> bool:
        """Whether headquarters is told of this step: growing at most once a minute, what a person did not again (that
        was a reading already)."""
        number = change.incident.number
        if change.step is Step.CLOSED:
            self._told_ms.pop(number, None)
            return True
        if change.step is Step.ACKNOWLEDGED:
            return False
        told_ms = self._told_ms.get(number)
        if change.step is Step.GROWN and told_ms is not None and steady_ms - told_ms < _GROWN_EVERY_MS:
            return False
        self._told_ms[number] = steady_ms
        return True


def lane_of(change: Change) -> Lane:
    """ALERT for an incident of that level that begins, HEALTH for all else."""
    urgent = change.step is Step.RAISED and change.incident.level == "alert" and not change.incident.suppressed_by
    return Lane.ALERT if urgent else Lane.HEALTH


def reading_of(change: Change, words: str, wall_ms: int) -> Reading:
    """The step as a reading. words: of it, for people. wall_ms: now, for what is still to come."""
    incident = change.incident
    values: dict[str, float] = {
        "incident_number": incident.number,
        "incident_step": int(change.step),
        "detections_count": incident.count,
        "sensors_count": len(incident.sensors),
    }
    if incident.confidence is not None:
        values["confidence_ratio"] = incident.confidence
    if incident.passage is not None:
        values["boat_speed_metres_per_second"] = incident.passage.speed_metres_per_second
        arrivals = dict(incident.passage.arrivals)
        if "" in arrivals:
            values["arrival_seconds"] = max(0, arrivals[""] - wall_ms) / 1000
    for name in [*values]:
        quantity = QUANTITIES[name]
        values[name] = min(max(values[name], quantity.minimum), quantity.maximum)
    sensor = incident.sensors[0] if incident.sensors and is_name(incident.sensors[0]) else POST
    return make_reading(Kind.INCIDENT, sensor, values, label=incident.label, note=_note(f"{incident.rule}: {words}"))


def _note(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    return printable.encode()[:MAX_NOTE_BYTES].decode(errors="ignore")
