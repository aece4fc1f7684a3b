"""`vigia gateway check` advises on what works, and hardly as it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app

GPS = '[[sources]]\ndriver = "nmea_gps"\nname = "gps"\nport = "/dev/serial/by-id/gps"\nsensor = "lancha"\n'
MESH = '[[sources]]\ndriver = "meshtastic_radio"\nname = "malla"\nport = "/dev/serial/by-id/malla"\n'
MESH_BY_MQTT = '[[sources]]\ndriver = "meshtastic_mqtt"\nname = "malla"\n[sources.broker]\nhost = "localhost"\n'
NODE = '[[sources.devices]]\nid = "!a1b2c3d4"\nname = "patrulla-1"\n'


def advice(directory: Path, settings: str) -> list[str]:
    """What is said of a post with these settings, which are in order."""
    file = directory / "gateway.toml"
    file.write_text(settings)
    told = CliRunner().invoke(app, ["gateway", "check", str(file)])
    assert told.exit_code == 0, (told.output, told.exception)
    return [line for line in told.output.splitlines() if line.startswith("Ojo: ")]


def radio(source: str) -> str:
    return f'[[warnings]]\noutput = "radio"\nname = "radio"\nsource = "{source}"\n'


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (radio("gps") + GPS, "no avisará: gps (nmea_gps) no lleva palabras"),
        (radio("malla") + MESH, ""),
        (radio("malla") + MESH_BY_MQTT + NODE, "le falta gateway"),
    ],
)
def test_a_radio_on_a_source_that_cannot_speak(tmp_path: Path, settings: str, words: str) -> None:
    assert [words in line for line in advice(tmp_path, settings)] == [True] * bool(words)


def test_sensors_on_the_map_that_no_source_names(tmp_path: Path) -> None:
    placed = '[[place.sensors]]\nname = "lancha"\n[[place.sensors]]\nname = "rio-ariba"\n'
    (line,) = advice(tmp_path, placed + GPS)
    assert "ninguna fuente nombra: rio-ariba." in line
    assert advice(tmp_path, placed) == []  # without a source nothing is heard, which is told
