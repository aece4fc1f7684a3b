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


@pytest.mark.parametrize(("lang", "words"), [("es", "un PIN tiene"), ("en", "a PIN has")])
def test_one_that_is_too_short_is_refused_in_words(settings: Path, lang: str, words: str) -> None:
    said = runner.invoke(app, ["gateway", "pin", str(settings), "--stdin", "--lang", lang], input="12\n")
    assert said.exit_code == 1
    assert words in said.output
    assert not (settings.parent / "page.pin").exists()
