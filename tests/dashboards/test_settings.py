"""Settings: a TOML section, the environment over it, and errors that name the line without its secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.errors import SettingsError
from dashboards.settings import DashboardsSettings, InfluxSourceSettings, load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hq.toml"
    path.write_text(
        '[grafana]\nurl = "http://grafana.example.org:3000/vigia/"\ntime_zone = "America/Lima"\n'
        '[grafana.influx]\ndialect = "v1"\nusername = "reader"\npassword = "from-file"\n'
        "[ingest]\nelsewhere = true\n",
        encoding="utf-8",
    )
    return path


def test_without_file_or_environment_everything_has_a_default() -> None:
    settings = load_settings()
    assert settings == DashboardsSettings()
    assert settings.time_zone == "browser"
    assert settings.influx.database == "vigia"


def test_the_environment_goes_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIA_GRAFANA__TOKEN", "glsa_hush")
    monkeypatch.setenv("VIGIA_GRAFANA__INFLUX__PASSWORD", "from-environment")
    settings = load_settings(file)
    assert settings.url == "http://grafana.example.org:3000/vigia"
    assert settings.time_zone == "America/Lima"
    assert settings.token is not None
    assert settings.token.get_secret_value() == "glsa_hush"
    assert settings.influx.username == "reader"
    assert settings.influx.password is not None
    assert settings.influx.password.get_secret_value() == "from-environment"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grafana", "not TOML"),
        ("[grafana]\nurl = 'grafana.example.org'", "grafana.url: .*must begin with http"),
        ("[grafana]\nurl = 'http://user:pass@grafana'", "grafana.url: .*credentials"),
        ("[grafana]\nurl = 'http://grafana:port'", "grafana.url: .*must begin with http"),
        ("[grafana]\ntime_zone = 'Lima'", "grafana.time_zone: .*America/Lima"),
        ("[grafana]\ntokn = 'hush'", "grafana.tokn: "),
        ("[grafana]\nuser = 'admin'", "`user` and `password` go together"),
        ("[grafana]\ntoken = 'hush'\nuser = 'admin'\npassword = 'hush'", "not both"),
        ("[grafana.influx]\ndialect = 'v1'\ntoken = 'hush'", "`token` is for 2.x and 3"),
        ("[grafana.influx]\ndialect = 'v1'\nusername = 'x'", "go together"),
        ("[grafana.influx]\ndialect = 'v2'\nusername = 'x'", "for dialect v1"),
        ("[grafana]\ndatasource_uid = 'a b'", "grafana.datasource_uid"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(file)
    assert "hush" not in str(caught.value)
    assert "bad.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "none.toml")


@pytest.mark.parametrize("model", [DashboardsSettings, InfluxSourceSettings])
def test_every_field_is_described(model: type[DashboardsSettings | InfluxSourceSettings]) -> None:
    assert all(field.description for field in model.model_fields.values())
