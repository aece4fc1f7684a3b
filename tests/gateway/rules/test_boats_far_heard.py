"""Boats that sensors hear from far: several at once, on the way out and on the way back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from firmware_bridge.readings import QUANTITIES
from firmware_bridge.simulator.scenario import Scenario, load_scenario
from gateway.contract.entries import TimeQuality
from gateway.rules.boats import BoatMatcher
from gateway.rules.engine import Engine
from gateway.rules.facts import Change, Fact, Incident, Step
from tests.deploy.sensors.test_playing import heard, river
from tests.gateway.rules.facts_made import WALL_MS, book, engine, run
from tests.gateway.rules.facts_made import heard as heard_at

OUT, BACK = 18 / 3.6, 24 / 3.6
"""Metres a second of the scenario's boat."""
LEVEL = QUANTITIES["sound_level_decibels"].code


class Trip(NamedTuple):
    """A motor on the river: km and seconds."""

    from_km: float
    to_km: float
    at_s: float
    speed: float


def trips(*made: Trip, spacing_km: float = 2.5, sensors: int = 3) -> Scenario:
    """The scenario of a boat, with its sensors so far apart: each hears about 2.2 km."""
    plan = load_scenario("boat_passing")
    of_boat = plan.passages[0]
    first = plan.sensors[0]
    placed = [
        first.model_copy(update={"name": f"s{number}", "river_km": number * spacing_km}) for number in range(sensors)
    ]
    passages = [
        of_boat.model_copy(
            update={
                "at_s": one.at_s,
                "from_km": one.from_km,
                "to_km": one.to_km,
                "speed_kmh": one.speed * 3.6,
            }
        )
        for one in made
    ]
    return plan.model_copy(update={"sensors": placed, "passages": passages, "duration_s": 86_400.0})


def out_and_back(spacing_km: float, sensors: int = 3, begin_km: float = -2.0) -> Scenario:
    """As in the scenario: past all sensors, a rest within hearing of the last, and home."""
    end_km = (sensors - 1) * spacing_km + 2
    back_s = 30 + (end_km - begin_km) * 1000 / OUT + 270
    return trips(
        Trip(begin_km, end_km, 30, OUT), Trip(end_km, begin_km, back_s, BACK), spacing_km=spacing_km, sensors=sensors
    )


def without_levels(facts: list[Fact]) -> list[Fact]:
    """As sensors tell that know no level."""
    told = []
    for one in facts:
        pairs = [pair for pair in zip(one.reading.codes, one.reading.steps, strict=True) if pair[0] != LEVEL]
        codes, steps = tuple(code for code, _ in pairs), tuple(step for _, step in pairs)
        told.append(
            msgspec.structs.replace(one, reading=msgspec.structs.replace(one.reading, codes=codes, steps=steps))
        )
    return told


def ways(on: Engine) -> list[tuple[str, object]]:
    return [
        (one.passage.direction, one.passage.speed_metres_per_second)
        for one in on.open_incidents()
        if one.passage is not None
    ]


def raised(changes: list[Change]) -> list[Change]:
    return [change for change in changes if change.step is Step.RAISED]


@pytest.mark.parametrize("seed", range(8))
def test_the_simulators_boat_is_told_twice_out_and_back(tmp_path: Path, seed: int) -> None:
    plan = load_scenario("boat_passing")
    on = engine({"when": "boat"}, place=river(plan, tmp_path))
    changes = run(on, heard(plan, 1, seed))
    assert len(raised(changes)) == 2
    assert ways(on) == [
        ("downstream", pytest.approx(OUT, rel=0.05)),
        ("upstream", pytest.approx(BACK, rel=0.05)),
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spacing_km", [0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0])
@pytest.mark.parametrize("sensors", [3, 5])
def test_out_and_back_are_two_boats_at_any_spacing(tmp_path: Path, sensors: int, spacing_km: float, seed: int) -> None:
    plan = out_and_back(spacing_km, sensors)
    on = engine({"when": "boat"}, place=river(plan, tmp_path))
    assert len(raised(run(on, heard(plan, 1, seed)))) == 2
    assert ways(on) == [
        ("downstream", pytest.approx(OUT, rel=0.05)),
        ("upstream", pytest.approx(BACK, rel=0.05)),
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spacing_km", [0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0])
@pytest.mark.parametrize("sensors", [3, 5])
def test_without_levels_no_boat_is_made_of_two(tmp_path: Path, sensors: int, spacing_km: float, seed: int) -> None:
    """Far off it is by chance which words are heard: where sensors are near each other, speed is rough without levels,
    and near enough, way too."""
    plan = out_and_back(spacing_km, sensors, -4.0)
    on = engine({"when": "boat"}, place=river(plan, tmp_path))
    assert len(raised(run(on, without_levels(heard(plan, 1, seed))))) <= 2
    if spacing_km >= 2.5:
        assert ways(on) == [
            ("downstream", pytest.approx(OUT, rel=0.2)),
            ("upstream", pytest.approx(BACK, rel=0.2)),
        ]


@pytest.mark.parametrize("levels", [True, False])
@pytest.mark.parametrize("begin_km", [-1.0, 0.3, 1.0, 1.25, 1.5, 2.2])
def test_a_boat_that_starts_where_several_hear_it_is_one(tmp_path: Path, begin_km: float, levels: bool) -> None:
    for seed in range(3):
        plan = out_and_back(2.5, begin_km=begin_km)
        facts = heard(plan, 1, seed)
        on = engine({"when": "boat"}, place=river(plan, tmp_path))
        changes = run(on, facts if levels else without_levels(facts))
        assert [direction for direction, _ in ways(on)] == ["downstream", "upstream"]
        assert len(raised(changes)) == 2


@pytest.mark.parametrize("spacing_km", [1.5, 2.5, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_told_before_it_is_at_the_second_sensor(tmp_path: Path, spacing_km: float, seed: int) -> None:
    plan = trips(Trip(-4, 20, 30, OUT), spacing_km=spacing_km)
    on = engine({"when": "boat"}, place=river(plan, tmp_path))
    changes = run(on, heard(plan, 1, seed))
    (told,) = raised(changes)
    assert told.incident.last_steady_ms / 1000 < 30 + (4 + spacing_km) * 1000 / OUT - 300
    told_of = [change.incident.passage for change in changes if change.incident.passage is not None]
    assert {passage.direction for passage in told_of} == {"downstream"}
    speeds = [passage.speed_metres_per_second for passage in told_of]  # the first is near the truth, the last nearer
    assert speeds[0] == pytest.approx(OUT, rel=0.6)
    assert speeds[-1] == pytest.approx(OUT, rel=0.05)


@pytest.mark.parametrize("spacing_km", [4.0, 5.0, 6.0])
def test_the_last_sensor_is_reached_when_it_was_said(tmp_path: Path, spacing_km: float) -> None:
    plan = trips(Trip(-4, 20, 30, OUT), spacing_km=spacing_km)
    on = engine({"when": "boat"}, place=river(plan, tmp_path))
    changes = run(on, heard(plan, 1, 1))
    before = [one.incident for one in changes if one.incident.sensors == ("s0", "s1")][-1]
    assert before.passage is not None
    ((name, at_ms),) = before.passage.arrivals
    there_s, said_s = 30 + (4 + 2 * spacing_km) * 1000 / OUT, (at_ms - WALL_MS) / 1000
    left_s = there_s - before.last_steady_ms / 1000
    assert name == "s2"
    assert said_s == pytest.approx(there_s, abs=0.05 * spacing_km * 1000 / OUT + 0.05 * left_s)


@pytest.mark.parametrize("spacing_km", [1.5, 2.5, 5.0])
def test_a_restart_anywhere_tells_no_other_boat(tmp_path: Path, spacing_km: float) -> None:
    plan = out_and_back(spacing_km)
    facts = heard(plan, 1, 2)
    place, rules = river(plan, tmp_path), book({"when": "boat"})
    whole = Engine(rules, place)
    told: list[Change] = []
    standing: dict[int, Incident] = {}
    states = []
    for one in facts:
        changes = whole.hear(one)
        told += changes
        standing |= {change.incident.number: change.incident for change in changes}
        states.append(tuple(standing.values()))
    for cut in range(1, len(facts), 37):
        on, at = Engine(rules, place), facts[cut - 1]
        missed = on.recall(states[cut - 1], facts[:cut], at.steady_ms, at.wall_ms, TimeQuality.NTP)
        after = [*missed, *run(on, facts[cut:])]
        before = sum(one.number in {i.number for i in states[cut - 1]} for one in whole.open_incidents())
        assert len(raised(after)) == 2 - before, cut
        assert ways(on) == ways(whole), cut


def beside(sensor: str, at_s: float, half_s: int = 200) -> list[Fact]:
    """A motor that is loudest at a sensor at a time, and that no other hears."""
    return [
        heard_at(at_s + off_s, sensor, "boat", sound_level_decibels=80 - abs(off_s) / 10)
        for off_s in range(-half_s, half_s + 1, 10)
    ]


@pytest.mark.parametrize("apart_s", [0, 3, 60, 110])
def test_motors_beside_two_sensors_at_once_are_no_boat_and_hide_none(tmp_path: Path, apart_s: int) -> None:
    """Two canoes cross the river at two villages; two hours later, later than any boat takes, one passes both."""
    place = river(trips(spacing_km=2.5), tmp_path)
    canoes = sorted([*beside("s0", 300), *beside("s1", 300 + apart_s)], key=lambda one: one.steady_ms)
    boat = sorted([*beside("s0", 7500), *beside("s1", 7500 + 2500 / OUT)], key=lambda one: one.steady_ms)
    on = engine({"when": "boat"}, place=place)
    assert run(on, canoes) == []
    assert len(raised(run(on, boat))) == 1
    assert ways(on) == [("downstream", pytest.approx(OUT, rel=0.05))]


def test_what_a_boat_rule_keeps_has_a_bound(tmp_path: Path) -> None:
    """A motor that runs beside a sensor for a day."""
    plan = trips(Trip(-0.05, 0.05, 30, 0.1), spacing_km=2.5)
    facts = heard(plan, 1, 0)
    on = engine({"when": "boat"}, place=river(plan, tmp_path))
    shifted = [
        msgspec.structs.replace(one, steady_ms=one.steady_ms + day * 1_000_000, wall_ms=one.wall_ms + day * 1_000_000)
        for day in range(86)
        for one in facts
    ]
    run(on, shifted)
    (matcher,) = [asked.matcher for asked in on._asked]
    assert isinstance(matcher, BoatMatcher)
    calls = [call for track in matcher._tracks["Río"] for call in track.calls]
    assert len(calls) <= 3
    assert all(len(call.loud) <= 64 for call in calls)
