"""vigia gateway test-outputs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gpiozero
import pytest
from gpiozero.exc import GPIOPinInUse, GPIOZeroError
from gpiozero.pins.mock import MockFactory
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.cli.output_words import output_words
from gateway.clock.clock import Clock
from gateway.outbox.outbox import Outbox
from gateway.warning.errors import OutputError
from gateway.warning.pins import open_pin
from tests.gateway.watch.lookouts import Receiver

SETTINGS = """
[[warnings]]
output = "siren"
name = "sirena"
pin = 17
pattern = [0.05]
seconds = 0.1
[[warnings]]
output = "webhook"
name = "gancho"
url = "{url}"
[[warnings]]
output = "webhook"
name = "roto"
url = "http://127.0.0.1:9/"
[[warnings]]
output = "radio"
name = "patrullas"
source = "malla"
[[sources]]
driver = "meshtastic_radio"
name = "malla"
port = "/dev/none"
"""


@pytest.fixture
def _pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpiozero.Device, "pin_factory", MockFactory())


@pytest.mark.usefixtures("_pins")
def test_each_is_tried_and_told_of(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    with Receiver() as receiver:
        path.write_text(SETTINGS.format(url=receiver.url))
        all_of_them = CliRunner().invoke(app, ["gateway", "test-outputs", str(path)])
        one = CliRunner().invoke(app, ["gateway", "test-outputs", str(path), "--only", "gancho", "--lang", "en"])
        unknown = CliRunner().invoke(app, ["gateway", "test-outputs", str(path), "--only", "bocina"])
    lines = all_of_them.output.splitlines()
    assert lines[:2] == ["sirena: bien", "gancho: bien"]
    assert lines[2].startswith("roto: FALLA: 127.0.0.1 no lo recibe: nadie contesta en ese puerto")
    assert lines[-1] == "patrullas: pruébela en la página del puesto"
    assert (all_of_them.exit_code, one.exit_code, unknown.exit_code) == (1, 0, 1)
    assert one.output == "gancho: well\n"
    assert "sirena, gancho, roto, patrullas" in " ".join(unknown.output.split())
    assert len(receiver.got) == 2


def test_what_a_running_gateway_holds_is_tested_on_the_page(tmp_path: Path) -> None:
    path, outbox = tmp_path / "gateway.toml", tmp_path / "outbox.db"
    siren = SETTINGS[: SETTINGS.index("[[warnings]]", 20)]
    path.write_text(f'{siren}[outbox]\npath = "{outbox}"\n')
    running = Outbox(outbox, max_bytes=2**20, memory_bytes=2**20, clock=Clock("system"))
    running.open()
    try:
        told = CliRunner().invoke(app, ["gateway", "test-outputs", str(path)])
    finally:
        running.close()
    assert (told.exit_code, told.output) == (0, "sirena: pruébela en la página del puesto\n")


@pytest.mark.skipif(Path("/proc/device-tree/model").exists(), reason="this board has pins")
def test_gpio_trouble_is_told_in_spanish_with_what_to_do(tmp_path: Path) -> None:
    # Run apart: gpiozero keeps the pin factory that it found for the rest of the process.
    path = tmp_path / "gateway.toml"
    path.write_text(f'{SETTINGS[: SETTINGS.index("[[warnings]]", 20)]}[outbox]\npath = "{tmp_path}/outbox.db"\n')
    command = [sys.executable, "-m", "deploy.cli", "gateway", "test-outputs", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1
    assert told.stdout.startswith("sirena: FALLA: el pin 17 no se puede usar: este equipo no es una Raspberry Pi")
    assert "vigia[gpio]" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (GPIOPinInUse("pin GPIO17 is already in use by <gpiozero.LED>"), "ya lo usa otra salida"),
        (PermissionError(13, "Permission denied", "/dev/gpiochip0"), "sudo usermod -aG gpio"),
        (GPIOZeroError("quite new"), "el pin 17 no se puede usar: quite new"),
    ],
)
def test_each_trouble_of_a_pin_has_its_words(trouble: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **settings: object) -> None:
        raise trouble

    monkeypatch.setattr(gpiozero, "OutputDevice", refuse)
    with pytest.raises(OutputError) as caught:
        open_pin(17, active_high=True)
    assert words in output_words(caught.value).es


def test_other_troubles_have_theirs(tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    for content, mode, words in (
        (None, 0, "no existe"),
        ("x", 0o644, "chmod 600"),
        ("", 0o600, "no nombra ningún servicio"),
    ):
        if content is not None:
            urls.write_text(content)
            urls.chmod(mode)
        path = tmp_path / "gateway.toml"
        path.write_text(f'[[warnings]]\noutput = "apprise"\nname = "avisos"\nurls_file = "{urls}"\n')
        told = CliRunner().invoke(app, ["gateway", "test-outputs", str(path)])
        assert told.exit_code == 1
        assert words in told.output
