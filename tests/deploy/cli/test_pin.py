"""vigia gateway pin."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from gateway.page.pin import PinFile

runner = CliRunner()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(f'[outbox]\npath = "{tmp_path}/outbox.db"\n')
    return path


def test_the_pin_is_asked_for_twice_and_put_beside_the_outbox(settings: Path) -> None:
    said = runner.invoke(app, ["gateway", "pin", str(settings)], input="2468\n2468\n")
    assert said.exit_code == 0, said.output
    assert "2468" not in said.output
    assert PinFile(settings.parent / "page.pin").is_right("2468")


def test_a_short_one_is_taken_with_advice(settings: Path) -> None:
    for pin, is_short in (("13579", True), ("135791", False)):
        said = runner.invoke(app, ["gateway", "pin", str(settings), "--stdin"], input=f"{pin}\n")
        assert said.exit_code == 0
        assert ("es corto" in said.output) is is_short


def test_from_standard_input_for_a_script(settings: Path) -> None:
    said = runner.invoke(app, ["gateway", "pin", str(settings), "--stdin"], input="13579\n")
    assert said.exit_code == 0, said.output
    assert PinFile(settings.parent / "page.pin").is_right("13579")


def test_where_the_settings_say(settings: Path, tmp_path: Path) -> None:
    with settings.open("a") as file:
        file.write(f'[page]\npin_file = "{tmp_path}/other.pin"\n')
    assert runner.invoke(app, ["gateway", "pin", str(settings), "--stdin"], input="13579\n").exit_code == 0
    assert PinFile(tmp_path / "other.pin").is_right("13579")


@pytest.mark.parametrize(("lang", "words"), [("es", "un PIN es de 4 a 12 cifras"), ("en", "a PIN is 4 to 12 digits")])
@pytest.mark.parametrize("pin", ["12", "12a4", "1234567890123"])
def test_what_is_no_pin_is_refused_in_words(settings: Path, lang: str, words: str, pin: str) -> None:
    said = runner.invoke(app, ["gateway", "pin", str(settings), "--stdin", "--lang", lang], input=f"{pin}\n")
    assert said.exit_code == 1
    assert words in said.output
    assert not (settings.parent / "page.pin").exists()


def test_before_the_first_start_of_the_gateway(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'[outbox]\npath = "{tmp_path}/lib/outbox.db"\n')
    said = runner.invoke(app, ["gateway", "pin", str(file), "--stdin"], input="135790\n")
    assert said.exit_code == 0, said.output
    assert PinFile(tmp_path / "lib" / "page.pin").is_right("135790")
