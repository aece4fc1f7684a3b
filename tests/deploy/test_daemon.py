"""What the gateway's process carries for months."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_LOAD = """
import sys
from pathlib import Path
import deploy.daemon, gateway.service, gateway.page.application
from deploy.settings.file import load_settings
from gateway.settings import GatewaySettings
settings = load_settings(Path(sys.argv[1]), GatewaySettings)
carried = ["typer", "rich", "babel", "fastapi", "pydantic_settings", "influxdb_client", "deploy.settings.words"]
print(settings.station.name, type(settings) is GatewaySettings, [name for name in carried if name in sys.modules])
"""


def told(file: Path) -> str:
    done = subprocess.run([sys.executable, "-c", _LOAD, str(file)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_nothing_that_it_does_not_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[station]\nname = "boca"\n')
    assert told(file) == "boca True []"
    monkeypatch.setenv("VIGIA_GATEWAY__STATION__NAME", "muelle")
    assert told(file) == "muelle True ['pydantic_settings', 'deploy.settings.words']"
