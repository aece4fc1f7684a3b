"""`vigia sensors key`: what it prints and keeps is what a gateway hears a sensor by."""

from __future__ import annotations

import os
import pwd
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import sensor_keys
from deploy.cli.main import app
from deploy.settings.file import load_settings
from gateway.settings import GatewaySettings

RADIO = '[[sources]]\ndriver = "vigia_sensor"\nname = "radio"\nport = "/dev/ttyUSB0"\n'


def key(folder: Path, *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["sensors", "key", *words, "--folder", str(folder)], input=typed)


def test_what_it_prints_goes_into_the_settings_and_names_its_key(tmp_path: Path) -> None:
    made = key(tmp_path / "keys", 'Río "arriba"', "--id", "00A1B2C3")
    assert made.exit_code == 0, made.output
    settings = tmp_path / "gateway.toml"
    settings.write_text(RADIO + made.stdout)
    (source,) = load_settings(settings, GatewaySettings).sources
    (device,) = getattr(source, "devices")  # noqa: B009  # of one driver's settings, not of all
    assert (device.id, device.name) == ("00a1b2c3", 'Río "arriba"')
    assert len(device.read_key()) == sensor_keys.KEY_BYTES
    # Nobody else may read it, and it is not shown.
    assert stat.S_IMODE(device.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(device.key_file.parent.stat().st_mode) == 0o700
    assert device.read_key().hex() not in made.output
    assert "mismo id (00a1b2c3)" in made.stderr


def test_without_an_id_there_is_a_new_one_each_time(tmp_path: Path) -> None:
    for name in ("uno", "dos"):
        assert re.search(r'^id = "[0-9a-f]{8}"$', key(tmp_path, name).stdout, re.MULTILINE)
    first, second = tmp_path.iterdir()
    assert first.read_text() != second.read_text()


def test_a_key_that_came_with_the_sensor_is_asked_for(tmp_path: Path) -> None:
    made = key(tmp_path, "uno", "--id", "00a1b2c3", "--ask", typed="00112233 44556677 8899AABB CCDDEEFF\n")
    assert made.exit_code == 0, made.output
    assert (tmp_path / "00a1b2c3.key").read_text() == "00112233445566778899aabbccddeeff\n"
    assert "mismo id" not in made.stderr
    for typed in ("", "0011", "x" * 32, "0" * 33):
        refused = key(tmp_path, "dos", "--id", "00a1b2c4", "--ask", typed=typed)
        assert refused.exit_code == 1
        assert "32 cifras hexadecimales" in refused.stderr
    assert not (tmp_path / "00a1b2c4.key").exists()


def test_a_key_in_use_is_never_overwritten(tmp_path: Path) -> None:
    key(tmp_path, "uno", "--id", "00a1b2c3")
    before = (tmp_path / "00a1b2c3.key").read_text()
    again = key(tmp_path, "uno", "--id", "00a1b2c3", "--lang", "en")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "is there already" in again.stderr
    assert (tmp_path / "00a1b2c3.key").read_text() == before


@pytest.mark.parametrize("words", [("uno", "--id", "../x"), ("uno", "--id", "12"), ("x" * 33,), ("",)])
def test_what_the_settings_would_refuse_leaves_no_file(tmp_path: Path, words: tuple[str, ...]) -> None:
    refused = key(tmp_path / "keys", *words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert not list(tmp_path.rglob("*.key"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_it_to_the_gateways_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(sensor_keys, "SERVICE_USER", "nobody")
    key(tmp_path / "keys", "uno", "--id", "00a1b2c3")
    for path in (tmp_path / "keys", tmp_path / "keys" / "00a1b2c3.key"):
        assert path.stat().st_uid == nobody.pw_uid
