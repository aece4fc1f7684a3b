"""What `vigia sensors decode` says is what the gateway would."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.sensors.words import detail_words
from tests.firmware_bridge.media.clips_made import clip


def told(*words: str) -> str:
    return CliRunner().invoke(app, ["sensors", "decode", *words]).output


def test_a_file_is_taken_by_its_name_and_directory(tmp_path: Path) -> None:
    file = tmp_path / "card" / "norte" / "20240514_053000_motosierra.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(clip())
    settings = tmp_path / "gateway.toml"
    settings.write_text(
        f'[[sources]]\ndriver = "audio_folder"\nname = "sd"\ndirectory = "{tmp_path}/card"\n'
        "name_pattern = '_(?P<label>[a-z]+)\\.wav$'\n"
        '[[sources.recorders]]\ndirectory = "norte"\nname = "grabadora-norte"\n'
    )
    output = told("audio_folder", "--settings", str(settings), "--file", str(file))
    assert output.startswith("grabadora-norte: ")
    assert "Motosierra" in output
    assert "norte/20240514_053000_motosierra.wav" in output


@pytest.mark.parametrize("damaged", ["01 04 04 09 29 01 0f c5 4d", "01 84 02 c2 c2"])
def test_a_modbus_frame_with_a_wrong_crc_is_told(damaged: str) -> None:
    output = told("modbus_rtu", damaged)
    assert "bad_crc 1" in output or "stray_bytes" in output
    assert "Nada todavía" not in output


def test_the_beginning_of_a_modbus_frame_is_none_yet() -> None:
    assert "Nada todavía" in told("modbus_rtu", "01 04 00")


def test_a_scenario_by_another_name_is_suggested() -> None:
    told = CliRunner().invoke(app, ["sensors", "simulate", "motosierra", "--for", "x.toml"])
    assert "no hay ningún escenario 'motosierra'; ¿quiso decir chainsaw?" in str(told.exception) + told.output


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("river: nothing maps x_y to a quantity", "river: nadie traduce x_y a una magnitud"),
        ("level is not there: 3 bytes", "falta level: son 3 bytes"),
        ("device 00a1b2c3, counter 5", "sensor 00a1b2c3, cuenta 5"),
        ("something new", "something new"),
    ],
)
def test_common_details_are_told_in_spanish(english: str, spanish: str) -> None:
    assert detail_words(english, "es") == spanish
    assert detail_words(english, "en") == english
