"""Every driver's sample is settings that a gateway takes as they are, explained line by line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.sensors.sample import source_block
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
    block = source_block("vigia_sensor")
    assert block.startswith("[[sources]]\n# vigia_sensor: ")
    assert "[[sources.devices]]\n# Device id as printed on the sensor" in block
    assert block.count("# Path of the serial port") == 1
