"""Facts, a place and engines for tests of the rules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from firmware_bridge.readings import QUANTITIES, Kind, Reading
from gateway.contract.entries import TimeQuality
from gateway.place.place import Place, PlacedSensor
from gateway.place.settings import PlaceSettings
from gateway.rules.book import RuleBook
from gateway.rules.engine import Engine
from gateway.rules.facts import Change, Fact, Step

WALL_MS = 1_790_000_000_000  # 2026-09-21 14:13 UTC, 09:13 in Lima: day
EXAMPLE = Path(__file__).resolve().parents[3] / "gateway/place/example.geojson"
BEND = Place.load(PlaceSettings(map=EXAMPLE))
"""Three sensors down a river (group Río Sereno) and one in the forest (group Monte)."""
PLAIN = Place(
    {
        name: PlacedSensor(name, name.title(), latitude, -72.0, groups)
        for name, latitude, groups in (
            ("a", -3.000, ("one",)),
            ("b", -3.009, ("one",)),  # 1 km south of a
            ("c", -3.027, ("two",)),  # 2 km south of b
            ("d", -3.300, ()),
        )
    }
)


def reading(
    sensor: str,
    label: str = "",
    kind: Kind = Kind.ACOUSTIC_DETECTION,
    *,
    age_s: float = 0.0,
    note: str = "",
    **values: float,
) -> Reading:
    """values: by quantity name."""
    pairs = sorted((QUANTITIES[name].code, QUANTITIES[name].to_steps(value)) for name, value in values.items())
    codes, steps = tuple(code for code, _ in pairs), tuple(step for _, step in pairs)
    return Reading(int(kind), sensor, label, codes, steps, round(age_s * 1000), note)


def heard(
    at_s: float, sensor: str = "a", label: str = "chainsaw", confidence: float | None = 0.9, **more: float
) -> Fact:
    told = {} if confidence is None else {"confidence_ratio": confidence}
    return fact(at_s, reading(sensor, label, **told, **more))


def status(at_s: float, sensor: str = "a") -> Fact:
    return fact(at_s, reading(sensor, kind=Kind.DEVICE_STATUS, battery_volts=3.7))


def patrol(at_s: float, way: str, hours: float = 0.0, name: str = "sur") -> Fact:
    return fact(at_s, reading(name, way, Kind.PATROL, duration_seconds=hours * 3600))


def acknowledged(at_s: float, number: int, note: str = "vamos") -> Fact:
    told = {"incident_number": number, "incident_step": int(Step.ACKNOWLEDGED)}
    return fact(at_s, reading("a", "chainsaw", Kind.INCIDENT, note=note, **told))


def fact(at_s: float, what: Reading, quality: int = TimeQuality.NTP) -> Fact:
    at_ms = round(at_s * 1000)
    return Fact(at_ms, WALL_MS + at_ms, int(quality), what)


def book(*rules: dict[str, object], suppressions: Iterable[dict[str, object]] = (), **storm: object) -> RuleBook:
    """Rules as the file has them; names are given by number where there are none."""
    told = [{"name": f"rule {number}", **rule} for number, rule in enumerate(rules, 1)]
    return RuleBook.model_validate({"rules": told, "suppressions": list(suppressions), "storm": storm})


def engine(*rules: dict[str, object], place: Place = PLAIN, **more: object) -> Engine:
    return Engine(book(*rules, **more), place)  # type: ignore[arg-type]  # as `book` has them


def run(on: Engine, facts: Iterable[Fact]) -> list[Change]:
    return [change for one in facts for change in on.hear(one)]


def steps(changes: Iterable[Change]) -> list[str]:
    """Such as "RAISED 1 chainsaw a,b x3"."""
    return [
        f"{step.name} {one.number} {one.label} {','.join(one.sensors)} x{one.count}"
        + (f" ({one.suppressed_by})" if one.suppressed_by else "")
        for step, one in changes
    ]
