"""Scenario files: those that come with Vigía are sound, a bad one is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from firmware_bridge.simulator import scenario as scenario_module
from firmware_bridge.simulator.scenario import Cycle, SimulatorError, load_scenario, scenario_names

SENSOR = '[[sensors]]\nname = "a"\n'


def test_the_scenarios_that_come_with_it() -> None:
    assert {"boat_passing", "chainsaw", "day_at_a_post", "rain"} <= set(scenario_names())
    for name in scenario_names():
        assert load_scenario(name).title
    boat = load_scenario("boat_passing")
    assert len([s for s in boat.sensors if s.river_km is not None]) == 3
    assert boat.passages[0].label == "long_tail_motor"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "is not TOML"),
        ('title = "x"\nduration_s = 0\n' + SENSOR, "duration_s: Input should be greater than 0"),
        ('title = "x"\nduration_s = 1\nsensors = []\n', "sensors"),
        ('title = "x"\nduration_s = 1\n' + SENSOR * 2, "same name"),
        (
            'title = "x"\nduration_s = 1\n' + SENSOR + '[[events]]\nat_s = 0\nlabel = "rain"\nsensors = ["b"]\n',
            "not there: ['b']",
        ),
        (
            'title = "x"\nduration_s = 1\n' + SENSOR + '[[events]]\nat_s = 0\nlabel = "saw"\nsensors = ["a"]\n',
            "not a label",
        ),
        (
            'title = "x"\nduration_s = 1\n'
            + SENSOR
            + '[[sensors.periodic]]\nkind = "environment"\nevery_s = 1\nvalues = { rssi_dbm = { middle = 1 } }\n',
            "not a quantity",
        ),
        ('title = "x"\nduration_s = 1\ncolour = 1\n' + SENSOR, "colour"),
    ],
)
def test_a_file_that_is_no_scenario_is_explained(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(SimulatorError) as refused:
        load_scenario(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_missing_and_unknown_are_explained(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="cannot be read: No such file"):
        load_scenario(tmp_path / "none.toml")
    with pytest.raises(SimulatorError, match="boat_passing"):
        load_scenario("no_such")


def test_values_follow_the_day() -> None:
    cycle = Cycle(middle=26, swing=4, peak_hour=14)
    assert [round(cycle.at(hour, 0), 6) for hour in (14, 2, 8)] == [30, 22, 26]
    assert Cycle(middle=1, noise=0.5).at(3, 2.0) == 2.0


def test_every_field_is_described_and_in_the_readme() -> None:
    readme = Path(scenario_module.__file__).with_name("README.md").read_text()
    models = [m for m in vars(scenario_module).values() if isinstance(m, type) and issubclass(m, BaseModel)]
    for model in models:
        for name, field in model.model_fields.items():
            assert field.description
            assert f"`{name}`" in readme, f"{model.__name__}.{name}"
