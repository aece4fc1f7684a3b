"""The same seed says the same; the story is the scenario's."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from firmware_bridge.framing.frame_bodies import decode_body
from firmware_bridge.readings import Kind, Reading
from firmware_bridge.simulator.play import Sending, play
from firmware_bridge.simulator.scenario import load_scenario, scenario_names


def readings(sendings: list[Sending], device: int) -> list[tuple[float, Reading]]:
    told = []
    for sending in sendings:
        if sending.device == device and sending.cut_at == 1:
            reading = decode_body(sending.body, "s", [])
            assert isinstance(reading, Reading)
            told.append((sending.at_s, reading))
    return told


@pytest.mark.parametrize("name", scenario_names())
def test_deterministic_by_seed_and_in_order(name: str) -> None:
    scenario = load_scenario(name)
    first, again, other = (list(islice(play(scenario, 3, seed), 3000)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert all(a.at_s <= b.at_s for a, b in pairwise(first))
    assert {s.device for s in first} >= {0, 1, 2}


def test_a_device_more_does_not_change_what_the_others_say() -> None:
    scenario = load_scenario("chainsaw")
    two = [s for s in play(scenario, 2, 1) if s.device == 0]
    three = [s for s in play(scenario, 3, 1) if s.device == 0]
    assert two == three


def test_the_boat_is_loudest_at_each_sensor_in_turn() -> None:
    scenario = load_scenario("boat_passing")
    sendings = [s for s in play(scenario, 3, 7) if s.at_s < 2000]
    loudest = []
    for device in range(3):
        heard = readings(sendings, device)
        assert {r.label for _, r in heard} == {"long_tail_motor"}
        loudest.append(max(heard, key=lambda item: item[1].values()["sound_level_decibels"])[0])
    assert loudest[0] < loudest[1] < loudest[2]
    assert loudest[1] - loudest[0] == pytest.approx(2.5 / 18 * 3600, abs=60)


def test_a_day_repeats_with_other_chances() -> None:
    scenario = load_scenario("day_at_a_post")
    two_days = []
    for sending in play(scenario, 3, 7):
        if sending.at_s >= 2 * scenario.duration_s:
            break
        two_days.append(sending)
    first = [s._replace(at_s=s.at_s % 86400) for s in two_days if s.at_s < 86400]
    second = [s._replace(at_s=s.at_s % 86400) for s in two_days if s.at_s >= 86400]
    assert abs(len(first) - len(second)) < 60
    assert first != second
    kinds = {r.kind for device in range(3) for _, r in readings(two_days, device)}
    assert kinds == {Kind(n) for n in range(1, 6)}
    temperatures = {
        round(at / 3600 + 5) % 24: reading.values()["temperature_celsius"]
        for at, reading in readings(two_days, 0)
        if "temperature_celsius" in reading.values()
    }
    assert temperatures[14] > temperatures[2] + 5


def test_a_steady_load() -> None:
    scenario = load_scenario("chainsaw")
    sendings = [s for s in play(scenario, 3, 7, frames_per_second=100) if s.at_s < 10]
    assert len(sendings) == pytest.approx(1000, abs=10)
    assert len({s.body for s in sendings}) > 100
