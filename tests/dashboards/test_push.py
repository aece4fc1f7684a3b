"""Pushing to what answers as Grafana 9.4 does: whole requests, twice without change, and errors that say what to do."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.boards import boards
from dashboards.errors import DashboardsError, GrafanaRefusedError, GrafanaUnreachableError, SettingsError
from dashboards.push import push
from dashboards.settings import DashboardsSettings
from deploy.parts.processes import free_port
from tests.support.grafana_recorder import Answer, GrafanaRecorder

TOKEN = "glsa_test"


@pytest.fixture
def grafana() -> Iterator[GrafanaRecorder]:
    with GrafanaRecorder(token=TOKEN, user="admin", password="contraseña") as recorder:
        yield recorder


def _settings(grafana: GrafanaRecorder, **more: Any) -> DashboardsSettings:
    influx = {"dialect": "v2", "url": "http://influx:8086", "token": "read-only"}
    return DashboardsSettings.model_validate({"url": grafana.url, "token": TOKEN, "influx": influx, **more})


def test_everything_is_made_with_these_requests(grafana: GrafanaRecorder) -> None:
    lines = push(_settings(grafana, time_zone="America/Lima"))
    assert lines == [
        "data source Vigía: created",
        "folder Vigía: created",
        "board Paisaje ahora: created",
        "board Puesto: created",
    ]
    assert [(request.method, request.path) for request in grafana.requests] == [
        ("GET", "/api/health"),
        ("GET", "/api/datasources/uid/vigia"),
        ("GET", "/api/datasources/name/Vig%C3%ADa"),
        ("POST", "/api/datasources"),
        ("GET", "/api/folders/vigia"),
        ("GET", "/api/folders?limit=1000"),
        ("POST", "/api/folders"),
        ("GET", "/api/dashboards/uid/vigia-paisaje"),
        ("POST", "/api/dashboards/db"),
        ("GET", "/api/dashboards/uid/vigia-puesto"),
        ("POST", "/api/dashboards/db"),
    ]
    assert {request.headers["authorization"] for request in grafana.requests} == {f"Bearer {TOKEN}"}
    datasource, folder, *posted = grafana.writes()
    assert datasource.headers["content-type"] == "application/json"
    assert datasource.body == {
        "access": "proxy",
        "basicAuth": False,
        "database": "vigia",
        "isDefault": False,
        "jsonData": {
            "dbName": "vigia",
            "httpHeaderName1": "Authorization",
            "httpMode": "GET",
            "timeInterval": "1m",
            "version": "InfluxQL",
        },
        "name": "Vigía",
        "secureJsonData": {"httpHeaderValue1": "Token read-only"},
        "type": "influxdb",
        "uid": "vigia",
        "url": "http://influx:8086",
        "user": "",
    }
    assert folder.body == {"title": "Vigía", "uid": "vigia"}
    assert [request.body for request in posted] == [
        {
            "dashboard": {**board, "id": None},
            "folderUid": "vigia",
            "message": "Vigía: boards generated from the schema",
            "overwrite": True,
        }
        for board in boards(time_zone="America/Lima").values()
    ]


def test_a_1_x_database_is_asked_with_user_and_password(grafana: GrafanaRecorder) -> None:
    influx = {"dialect": "v1", "url": "http://influx:8086", "username": "reader", "password": "hush"}
    push(_settings(grafana, influx=influx))
    assert grafana.writes()[0].body == {
        "access": "proxy",
        "basicAuth": False,
        "database": "vigia",
        "isDefault": False,
        "jsonData": {"dbName": "vigia", "httpMode": "GET", "timeInterval": "1m", "version": "InfluxQL"},
        "name": "Vigía",
        "secureJsonData": {"password": "hush"},
        "type": "influxdb",
        "uid": "vigia",
        "url": "http://influx:8086",
        "user": "reader",
    }


def test_pushing_again_changes_nothing(grafana: GrafanaRecorder) -> None:
    push(_settings(grafana))
    grafana.requests.clear()
    lines = push(_settings(grafana))
    assert grafana.writes() == []
    assert all(line.endswith(": unchanged") for line in lines)
    assert (len(grafana.datasources), len(grafana.folders), len(grafana.boards)) == (1, 1, 2)


def test_only_what_differs_is_sent(grafana: GrafanaRecorder) -> None:
    push(_settings(grafana))
    grafana.datasources["vigia"]["isDefault"] = True
    grafana.boards["vigia-puesto"]["dashboard"]["title"] = "Puesto (cambiado a mano)"
    grafana.requests.clear()
    influx = {"dialect": "v2", "url": "https://influx.example.org", "token": "read-only"}
    lines = push(_settings(grafana, influx=influx, folder="Vigía Putumayo"))
    assert lines == [
        "data source Vigía: updated",
        "folder Vigía Putumayo: updated",
        "board Paisaje ahora: unchanged",
        "board Puesto: updated",
    ]
    source, folder, board = grafana.writes()
    assert (source.method, source.path) == ("PUT", "/api/datasources/uid/vigia")
    assert source.body["url"] == "https://influx.example.org"
    assert source.body["isDefault"] is True
    assert (folder.method, folder.path) == ("PUT", "/api/folders/vigia")
    assert folder.body == {"title": "Vigía Putumayo", "version": 1}
    assert board.body["dashboard"]["uid"] == "vigia-puesto"
    assert len(grafana.boards) == 2


def test_a_new_secret_is_sent_when_told(grafana: GrafanaRecorder) -> None:
    push(_settings(grafana))
    influx = {"dialect": "v2", "url": "http://influx:8086", "token": "renewed"}
    assert push(_settings(grafana, influx=influx))[0].endswith("unchanged"), "Grafana does not show what it holds"
    assert push(_settings(grafana, influx=influx, renew_secrets=True))[0].endswith("updated")
    assert grafana.secrets["vigia"] == {"httpHeaderValue1": "Token renewed"}


def test_user_and_password_below_a_path(grafana: GrafanaRecorder) -> None:
    with GrafanaRecorder(user="admin", password="hush", prefix="/monitor/grafana") as below:
        settings = _settings(below, token=None, user="admin", password="hush")
        assert len(push(settings)) == 4
        assert below.requests[0].path == "/monitor/grafana/api/health"
        expected = "Basic " + base64.b64encode(b"admin:hush").decode()
        assert {request.headers["authorization"] for request in below.requests} == {expected}


def test_a_folder_of_this_title_that_is_already_there_is_used(grafana: GrafanaRecorder) -> None:
    grafana.folders["abc"] = {"id": 1, "uid": "abc", "title": "Vigía", "url": "/dashboards/f/abc/vigia", "version": 1}
    assert "folder Vigía: unchanged" in push(_settings(grafana))
    assert {board["meta"]["folderUid"] for board in grafana.boards.values()} == {"abc"}


def test_a_board_moved_elsewhere_comes_back(grafana: GrafanaRecorder) -> None:
    push(_settings(grafana))
    grafana.boards["vigia-puesto"]["meta"]["folderUid"] = ""
    assert push(_settings(grafana))[3] == "board Puesto: updated"
    assert grafana.boards["vigia-puesto"]["meta"]["folderUid"] == "vigia"


def test_an_answer_without_a_body_is_a_success(grafana: GrafanaRecorder) -> None:
    grafana.fail("POST", "/datasources", Answer(204))
    assert push(_settings(grafana))[0] == "data source Vigía: created"


@pytest.mark.parametrize(
    ("method", "path", "answer", "message"),
    [
        ("GET", "/datasources/uid/vigia", Answer(401, {"message": "Invalid API key"}), "401: Invalid API key.*TOKEN"),
        ("POST", "/datasources", Answer(403, {"message": "no permission"}), "403: no permission.*role Admin"),
        ("POST", "/folders", Answer(404, {"message": "Not found"}), "404: Not found.*url right"),
        ("POST", "/folders", Answer(412, {"message": "changed", "status": "version-mismatch"}), "412: changed.*again"),
        ("POST", "/datasources", Answer(409, {"message": "exists"}), "409: exists.*rename"),
        (
            "POST",
            "/dashboards/db",
            Answer(400, {"message": "Cannot save provisioned dashboard"}),
            "400: Cannot save provisioned dashboard.*file",
        ),
        ("GET", "/health", Answer(404, raw=b"<html>nothing here"), "404: <html>nothing.*url right"),
        ("GET", "/health", Answer(200, raw=b"<html>log in"), "not JSON.*login page"),
        ("GET", "/health", Answer(200, ["something else"]), "not a Grafana"),
        ("GET", "/health", Answer(200, {"database": "ok", "version": "9.3.16"}), "9.3.16.*update it to 9.4"),
        ("GET", "/health", Answer(301, headers={"Location": "https://grafana.example.org/"}), "redirected.*https"),
    ],
)
def test_a_refusal_says_what_to_do(
    grafana: GrafanaRecorder, method: str, path: str, answer: Answer, message: str
) -> None:
    grafana.fail(method, path, answer)
    with pytest.raises(GrafanaRefusedError, match=message) as caught:
        push(_settings(grafana))
    assert "read-only" not in str(caught.value), "the token of InfluxDB has no business in a message"
    assert TOKEN not in str(caught.value)


def test_wrong_credentials_are_named(grafana: GrafanaRecorder) -> None:
    with pytest.raises(GrafanaRefusedError, match="401: Invalid API key") as caught:
        push(_settings(grafana, token="stale"))
    assert caught.value.status == 401


def test_trouble_in_grafana_may_be_tried_again(grafana: GrafanaRecorder) -> None:
    grafana.fail("POST", "/dashboards/db", Answer(503, {"message": "database is locked"}))
    with pytest.raises(GrafanaUnreachableError, match=r"503: database is locked.*push again"):
        push(_settings(grafana))
    assert push(_settings(grafana)) == [
        "data source Vigía: unchanged",
        "folder Vigía: unchanged",
        "board Paisaje ahora: created",
        "board Puesto: created",
    ]


def test_nobody_listening_says_so() -> None:
    settings = DashboardsSettings.model_validate({"url": f"http://127.0.0.1:{free_port()}", "token": TOKEN})
    with pytest.raises(GrafanaUnreachableError, match=r"no answer.*is Grafana running"):
        push(settings)


def test_no_credentials_are_missed_before_anything_is_asked(grafana: GrafanaRecorder) -> None:
    with pytest.raises(SettingsError, match="VIGIA_GRAFANA__TOKEN"):
        push(_settings(grafana, token=None))
    assert grafana.requests == []


def test_a_data_source_of_this_name_and_another_uid_is_not_taken_over_unasked(grafana: GrafanaRecorder) -> None:
    push(_settings(grafana, datasource_uid="made-by-hand"))
    with pytest.raises(GrafanaRefusedError, match="DATASOURCE_UID=made-by-hand"):
        push(_settings(grafana))


def test_a_provisioned_data_source_is_left_alone_and_only_missed_when_it_differs(grafana: GrafanaRecorder) -> None:
    push(_settings(grafana))
    grafana.datasources["vigia"]["readOnly"] = True
    assert push(_settings(grafana))[0] == "data source Vigía: unchanged"
    grafana.datasources["vigia"]["url"] = "http://elsewhere:8086"
    with pytest.raises(GrafanaRefusedError, match="provisioning file"):
        push(_settings(grafana))


def test_a_board_saved_over_another_of_its_title_is_reported(grafana: GrafanaRecorder) -> None:
    push(_settings(grafana))
    other = grafana.boards.pop("vigia-puesto")
    other["dashboard"]["uid"] = "somebody-elses"
    grafana.boards["somebody-elses"] = other
    with pytest.raises(DashboardsError, match="'somebody-elses'"):
        push(_settings(grafana))
