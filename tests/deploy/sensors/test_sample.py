"""Every driver's sample is settings that a gateway takes as they are, explained line by line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.sensors.cards import models_in
from deploy.sensors.sample import source_block
from deploy.sensors.setting_words import SPANISH
from deploy.sensors.spanish import TITLES
from firmware_bridge.sources import DRIVERS


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_every_sample_passes_check(driver: str, tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["sensors", "sample", driver])
    assert printed.exit_code == 0, printed.output
    file = tmp_path / "gateway.toml"
    file.write_text(printed.output)
    told = CliRunner().invoke(app, ["gateway", "check", str(file)])
    assert told.exit_code == 0, told.output
    assert "1 fuente" in told.output
    (source,) = tomllib.loads(printed.output)["sources"]
    assert source == tomllib.loads(DRIVERS[driver].SAMPLE), "the block says what the sample says"


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_what_the_sample_leaves_out_is_there_with_its_default(driver: str) -> None:
    """Each commented setting, taken as it stands, changes nothing."""
    told = tomllib.loads(DRIVERS[driver].SAMPLE)
    model = DRIVERS[driver].Settings
    plain = model.model_validate(told)
    head = source_block(driver).split("\n[", 1)[0]  # the settings of the source, without tables
    for line in head.splitlines():
        name, equals, value = line.removeprefix("# ").partition(" = ")
        if line.startswith("# ") and equals and name in model.model_fields:
            changed = tomllib.loads(f"{name} = {value}")
            try:
                again = model.model_validate(told | changed)
            except ValueError:  # one of two settings of which only one may be said
                continue
            assert again == plain, line


def test_a_setting_is_explained_once() -> None:
    block = source_block("vigia_sensor", "en")
    assert block.startswith("[[sources]]\n# vigia_sensor: ")
    assert "[[sources.devices]]\n# Device id as printed on the sensor" in block
    assert block.count("# Path of the serial port") == 1


def test_a_technician_reads_spanish() -> None:
    printed = CliRunner().invoke(app, ["sensors", "sample", "vigia_sensor"]).output
    assert printed.startswith("[[sources]]\n# Sensor Vigía: cualquier equipo")
    assert "[[sources.devices]]\n# Id del sensor, como está impreso en él" in printed
    english = CliRunner().invoke(app, ["sensors", "sample", "vigia_sensor", "--lang", "en"]).output
    assert "# Device id as printed on the sensor" in english


@pytest.mark.parametrize("driver", sorted(TITLES))
def test_a_driver_with_a_spanish_title_has_all_its_settings_in_spanish(driver: str) -> None:
    """What both languages have in common are the settings themselves."""
    spanish, english = ({*source_block(driver, language).splitlines()} for language in ("es", "en"))
    names = {name for model in models_of(DRIVERS[driver].Settings) for name in model.model_fields}
    same = [line for line in spanish & english if line.startswith("# ") and line.split()[1] not in names]
    assert not same


def test_no_spanish_is_left_over_from_a_setting_that_has_changed() -> None:
    models = [model for driver in DRIVERS.values() for model in models_of(driver.Settings)]
    described = {field.description for model in models for field in model.model_fields.values()}
    assert not SPANISH.keys() - described


def models_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    """A model of settings and those of its tables."""
    inner = {found for field in model.model_fields.values() for found in models_in(field.annotation)}
    return {model}.union(*(models_of(one) for one in inner))
