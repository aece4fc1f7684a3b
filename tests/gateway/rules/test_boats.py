"""Boats of a known speed are told: which way, how fast, when at the post."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.facts import Change, Fact, Passage, Step
from tests.gateway.rules.facts_made import BEND, WALL_MS, engine, heard, run

BOAT: dict[str, object] = {"when": "boat"}
RIVER = BEND.rivers[0]
ON_RIVER = ("rio-arriba", "rio-medio", "rio-abajo")
ALONG = {name: RIVER.along_metres(*(BEND.sensors[name].position or (0, 0)))[0] for name in ON_RIVER}
assert BEND.post is not None
POST = RIVER.along_metres(*BEND.post)[0]
HEARING_METRES = 400.0


def passing(start_s: float, velocity: float, label: str = "long_tail_motor", every_s: float = 10.0) -> list[Fact]:
    """A boat that goes along the whole river at a velocity (downstream positive) from a time on: each sensor hears it
    while it is near, every 10 s."""
    facts = []
    begin = 0.0 if velocity > 0 else RIVER.length_metres
    for name, along in ALONG.items():
        at = start_s + (abs(along - begin) - HEARING_METRES) / abs(velocity)
        until = at + 2 * HEARING_METRES / abs(velocity)
        while at < until:
            facts.append(heard(max(0.0, at), name, label))
            at += every_s
    return sorted(facts, key=lambda one: one.steady_ms)


def at_post_ms(start_s: float, velocity: float) -> float:
    """When it comes into hearing of the post, Unix time."""
    begin = 0.0 if velocity > 0 else RIVER.length_metres
    return WALL_MS + 1000 * (start_s + (abs(POST - begin) - HEARING_METRES) / abs(velocity))


def passages(changes: list[Change]) -> list[Passage]:
    return [change.incident.passage for change in changes if change.incident.passage is not None]


def on_bend(**more: object) -> list[dict[str, object]]:
    return [{**BOAT, **more}]


@given(velocity=st.floats(1.0, 15.0).flatmap(lambda v: st.sampled_from([v, -v])), start_s=st.floats(0, 5000))
def test_a_boat_is_told_with_its_way_speed_and_arrival(velocity: float, start_s: float) -> None:
    changes = run(engine(*on_bend(), place=BEND), passing(start_s, velocity))
    assert sum(change.step is Step.RAISED for change in changes) == 1
    for passage in passages(changes):
        assert passage.direction == ("downstream" if velocity > 0 else "upstream")
        assert passage.speed_metres_per_second == pytest.approx(abs(velocity), rel=0.05)
        arrivals = dict(passage.arrivals)
        if velocity > 0:  # the post is below all sensors
            assert arrivals[""] == pytest.approx(
                at_post_ms(start_s, velocity), abs=0.05 * 1000 * RIVER.length_metres / velocity
            )
        else:
            assert "" not in arrivals
    first = passages(changes)[0]
    ahead = ["rio-abajo", ""] if velocity > 0 else ["rio-arriba"]
    assert [name for name, _ in first.arrivals] == ahead
    assert all(a[1] < b[1] for a, b in pairwise(first.arrivals))


def test_it_is_told_at_the_second_sensor_and_grows_at_the_third() -> None:
    on = engine(*on_bend(), place=BEND)
    changes = run(on, passing(0, 4.0))
    assert [(step.name, one.sensors) for step, one in changes if step is Step.RAISED] == [("RAISED", ON_RIVER[:2])]
    assert on.open_incidents()[0].sensors == ON_RIVER
    three = engine(*on_bend(sensors_count=3), place=BEND)
    assert [one.sensors for step, one in run(three, passing(0, 4.0)) if step is Step.RAISED] == [ON_RIVER]


@pytest.mark.parametrize("second", [(600, 4.0), (0, -5.0), (300, -3.0)])
def test_two_boats_are_told_apart(second: tuple[float, float]) -> None:
    facts = sorted([*passing(0, 4.0), *passing(*second)], key=lambda one: one.steady_ms)
    on = engine(*on_bend(), place=BEND)
    run(on, facts)
    told = {
        (one.passage.direction, round(one.passage.speed_metres_per_second))
        for one in on.open_incidents()
        if one.passage
    }
    assert told == {("downstream", 4), ("downstream" if second[1] > 0 else "upstream", round(abs(second[1])))}


@pytest.mark.parametrize("velocity", [0.4, 21.0])
def test_what_no_boat_can_be_is_none(velocity: float) -> None:
    facts = [
        heard(0, "rio-arriba", "boat"),
        heard((ALONG["rio-medio"] - ALONG["rio-arriba"]) / velocity, "rio-medio", "boat"),
    ]
    assert run(engine(*on_bend(quiet_s=86_400), place=BEND), facts) == []


def test_one_sensor_alone_and_sounds_of_other_things_are_no_boat() -> None:
    on = engine(*on_bend(), place=BEND)
    assert run(on, [heard(n * 30, "rio-medio", "boat") for n in range(100)]) == []
    assert run(on, [heard(4000, "rio-arriba", "chainsaw"), heard(4900, "rio-medio", "chainsaw")]) == []
    on = engine(*on_bend(), place=BEND)
    assert run(on, [heard(5000, "quebrada-norte", "boat"), heard(5900, "rio-abajo", "boat")]) == []


def test_a_boat_that_stops_on_the_way_is_lost() -> None:
    slow = {"slowest_metres_per_second": 0.1}
    facts = [heard(0, "rio-arriba", "boat"), heard(10_801, "rio-medio", "boat")]
    assert run(engine(*on_bend(**slow), place=BEND), facts) == []


def test_a_river_without_sensors_or_of_another_name_is_of_no_use() -> None:
    facts = passing(0, 4.0)
    assert run(engine(*on_bend(rivers=["Otro"]), place=BEND), facts) == []
    assert run(engine(*on_bend(bank_metres=1), place=BEND), facts) == []
    assert run(engine(*on_bend()), facts) == []


def test_the_window_covers_the_last_two_calls() -> None:
    assert engine(*on_bend(), place=BEND).longest_window_ms == 6 * 3_600_000
