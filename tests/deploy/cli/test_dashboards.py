"""`vigia dashboards`, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboards.errors import SettingsError
from deploy.cli.main import app
from tests.support.grafana_recorder import GrafanaRecorder


def test_boards_are_written_where_one_says(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["dashboards", "generate", str(tmp_path / "boards")])
    assert told.exit_code == 0, told.output
    written = sorted(path.name for path in (tmp_path / "boards").iterdir())
    assert "station.json" in written
    assert json.loads((tmp_path / "boards" / "station.json").read_text())["uid"] == "vigia-puesto"


def test_boards_are_pushed_with_settings_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIA_GRAFANA__TOKEN", "let-me-in")
    file = tmp_path / "headquarters.toml"
    with GrafanaRecorder(token="let-me-in") as grafana:
        file.write_text(f'[grafana]\nurl = "{grafana.url}"\n[grafana.influx]\ndialect = "v1"\n')
        first = CliRunner().invoke(app, ["dashboards", "push", str(file)])
        again = CliRunner().invoke(app, ["dashboards", "push", str(file)])
    assert first.exit_code == again.exit_code == 0, first.output
    assert len(first.output.splitlines()) == 4
    assert all("unchanged" in line for line in again.output.splitlines())


def test_a_mistake_is_a_known_fault_and_no_traceback(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["dashboards", "push", str(tmp_path / "no.toml")])
    assert isinstance(told.exception, SettingsError)
    assert "no such file" in str(told.exception)
