"""What is said of a scenario before it is played is what the post's rules make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.errors import DeployError
from deploy.sensors.playing import advised_speed, opening_words
from firmware_bridge.framing.frame_bodies import decode_body
from firmware_bridge.readings import Kind, Reading
from firmware_bridge.simulator.play import play
from firmware_bridge.simulator.scenario import Scenario, load_scenario
from gateway.place.place import Place
from gateway.place.settings import PlaceSettings
from gateway.rules.facts import Fact
from tests.gateway.rules.facts_made import engine, fact, run

KM_OF_LATITUDE = 111.195


def south(km: float) -> list[float]:
    """So far down a river that runs straight south."""
    return [-72.0, round(-3.0 - km / KM_OF_LATITUDE, 6)]


def river(plan: Scenario, folder: Path) -> Place:
    """A map with the scenario's sensors where they stand along their river."""
    kms = {sensor.name: sensor.river_km for sensor in plan.sensors if sensor.river_km is not None}
    course = {"type": "LineString", "coordinates": [south(min(kms.values()) - 3), south(max(kms.values()) + 3)]}
    features = [{"type": "Feature", "properties": {"kind": "river", "name": "Río"}, "geometry": course}]
    for name, km in kms.items():
        place = {"type": "Point", "coordinates": south(km)}
        features.append({"type": "Feature", "properties": {"kind": "sensor", "name": name}, "geometry": place})
    file = folder / "map.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return Place.load(PlaceSettings(map=file))


def heard(plan: Scenario, speed: float, seed: int) -> list[Fact]:
    """What the post would hear, at the times of its own clock."""
    facts = []
    for sending in play(plan, len(plan.sensors), seed):
        told = decode_body(sending.body, plan.sensors[sending.device].name, []) if sending.device >= 0 else None
        if isinstance(told, Reading) and told.kind == Kind.ACOUSTIC_DETECTION:
            facts.append(fact(sending.at_s / speed, told))
    return facts


@pytest.mark.parametrize("seed", range(4))
def test_at_the_advised_speed_a_boat_is_told(tmp_path: Path, seed: int) -> None:
    plan = load_scenario("boat_passing")
    changes = run(engine({"when": "boat"}, place=river(plan, tmp_path)), heard(plan, advised_speed(plan), seed))
    assert any(change.incident.passage is not None for change in changes)


@pytest.mark.parametrize(
    ("scenario", "speed", "said"),
    [
        ("chainsaw", 1, "chainsaw: dura 25 minutos; más rápido: --speed 10"),
        ("chainsaw", 10, "chainsaw: dura 2 minutos"),
        ("boat_passing", 1, "boat_passing: dura 60 minutos; más rápido: --speed 2"),
        ("boat_passing", 2, "boat_passing: dura 30 minutos"),
        (
            "boat_passing",
            10,
            (
                "boat_passing: dura 6 minutos. A --speed 10 el bote va a 240 km/h, y las reglas de botes creen hasta"
                " 72: para que avisen, --speed 2"
            ),
        ),
        ("day_at_a_post", 1, "day_at_a_post: dura 24 horas, y empieza de nuevo; más rápido: --speed 4"),
    ],
)
def test_how_long_it_takes_and_how_fast_it_may_be(scenario: str, speed: float, said: str) -> None:
    assert opening_words(load_scenario(scenario), scenario, speed, "es") == said


def test_a_speed_at_which_it_would_never_end_is_refused() -> None:
    with pytest.raises(DeployError, match="--speed 0: debe ser más de 0"):
        opening_words(load_scenario("rain"), "rain", 0, "es")


def test_it_is_said_before_the_play_begins(tmp_path: Path) -> None:
    settings = tmp_path / "gateway.toml"
    device = f'{{ id = "00a1b2c3", name = "a", key = "{bytes(16).hex()}" }}'
    settings.write_text(
        f'[[sources]]\ndriver = "vigia_sensor"\nname = "radio"\nport = "{tmp_path}/tty"\ndevices = [{device}]\n'
    )
    words = ["sensors", "simulate", "boat_passing", "--for", str(settings), "--longest-s", "0.1"]
    first, last = CliRunner().invoke(app, words).output.splitlines()
    assert first == "boat_passing: dura 60 minutos; más rápido: --speed 2"
    assert "tramas enviadas" in last
