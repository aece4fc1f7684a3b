"""The data source that is pushed and the one in the provisioning files are the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import dashboards
from dashboards.datasource import datasource_body, differs, updated
from dashboards.push import FOLDER_UID
from dashboards.settings import DashboardsSettings

PROVISIONING = Path(dashboards.__file__).parent / "provisioning"
ENVIRONMENT = {
    "VIGIA_GRAFANA__INFLUX__URL": "http://influx:8086",
    "VIGIA_GRAFANA__INFLUX__DATABASE": "bosque",
    "VIGIA_GRAFANA__INFLUX__TOKEN": "t0ken",
    "VIGIA_GRAFANA__INFLUX__USERNAME": "reader",
    "VIGIA_GRAFANA__INFLUX__PASSWORD": "passw0rd",
}


def _loaded(path: str) -> Any:
    text = (PROVISIONING / path).read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"\$\{(\w+)\}", lambda name: ENVIRONMENT[name[1]], text))


def _settings(**influx: str) -> DashboardsSettings:
    return DashboardsSettings.model_validate({"influx": {"url": "http://influx:8086", "database": "bosque", **influx}})


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("datasources/vigia.yaml", _settings(dialect="v2", token="t0ken")),
        ("datasources/vigia.yaml", _settings(dialect="v3", token="t0ken")),
        ("datasources-v1/vigia.yaml", _settings(dialect="v1", username="reader", password="passw0rd")),
    ],
)
def test_a_provisioned_data_source_is_the_one_that_push_makes(path: str, settings: DashboardsSettings) -> None:
    provisioned = _loaded(path)
    assert provisioned["apiVersion"] == 1
    (source,) = provisioned["datasources"]
    assert source.pop("editable") is False
    assert source == datasource_body(settings)


def test_the_boards_are_provisioned_into_the_folder_that_push_makes() -> None:
    (provider,) = _loaded("dashboards/vigia.yaml")["providers"]
    assert provider["type"] == "file"
    assert (provider["folder"], provider["folderUid"]) == (DashboardsSettings().folder, FOLDER_UID)


def test_no_provisioning_file_holds_a_secret() -> None:
    for path in PROVISIONING.rglob("*.yaml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"(httpHeaderValue1|password|token):", line):
                assert re.search(r": (Token )?\$\{\w+\}$", line), f"{path.name}: {line}"


def test_what_people_changed_in_grafana_beside_ours_stays() -> None:
    wanted = datasource_body(_settings(dialect="v2", token="t0ken"))
    there = {
        **{name: value for name, value in wanted.items() if name != "secureJsonData"},
        "isDefault": True,
        "jsonData": {**wanted["jsonData"], "maxSeries": 5000},
        "secureJsonFields": {"httpHeaderValue1": True},
    }
    assert not differs(wanted, there)
    assert differs(wanted, {**there, "url": "http://elsewhere"})
    assert differs(wanted, {**there, "jsonData": None})
    assert differs(wanted, {**there, "secureJsonFields": {}})
    put = updated(wanted, there)
    assert put["isDefault"] is True
    assert put["jsonData"]["maxSeries"] == 5000
