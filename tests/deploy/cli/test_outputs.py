"""vigia gateway test-outputs."""

from __future__ import annotations

from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory
from typer.testing import CliRunner

from deploy.cli.main import app
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
    assert lines[2].startswith("roto: FALLA: 127.0.0.1")
    assert lines[-1] == "patrullas: pruébela en la página del puesto"
    assert (all_of_them.exit_code, one.exit_code, unknown.exit_code) == (1, 0, 1)
    assert one.output == "gancho: well\n"
    assert "sirena, gancho, roto, patrullas" in " ".join(unknown.output.split())
    assert len(receiver.got) == 2
