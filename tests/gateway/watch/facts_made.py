"""Facts and incidents for tests of the watch."""

from __future__ import annotations

from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.contract.entries import TimeQuality
from gateway.rules.facts import Change, Fact, Incident, Step

WALL_MS = 1_790_000_000_000


def heard(label: str = "chainsaw", sensor: str = "norte", *, confidence: float = 0.9, age_s: float = 0.0) -> Reading:
    values = {"confidence_ratio": confidence, "battery_volts": 3.7, "rssi_dbm": -101.0}
    return make_reading(Kind.ACOUSTIC_DETECTION, sensor, values, label=label, age_s=age_s)


def fact(steady_ms: int, reading: Reading | None = None) -> Fact:
    return Fact(steady_ms, WALL_MS + steady_ms, int(TimeQuality.NTP), reading or heard())


def incident(number: int = 1, **more: object) -> Incident:
    told: dict[str, object] = {
        "rule": "chainsaw",
        "level": "alert",
        "label": "chainsaw",
        "sensors": ("norte",),
        "first_steady_ms": 1000,
        "last_steady_ms": 2000,
        "first_ms": WALL_MS + 1000,
        "last_ms": WALL_MS + 2000,
        "count": 1,
    }
    return Incident(number=number, **(told | more))  # type: ignore[arg-type]  # as told


def raised(number: int = 1, step: Step = Step.RAISED, **more: object) -> Change:
    return Change(step, incident(number, **more))
