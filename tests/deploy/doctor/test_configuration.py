"""Settings with faults: all that can still be looked at is looked at."""

from __future__ import annotations

from pathlib import Path

from deploy.doctor.configuration import look_at_settings
from deploy.doctor.findings import Mark
from deploy.doctor.headquarters import examine_headquarters
from deploy.doctor.post import examine_post
from gateway.settings import GatewaySettings
from tests.deploy.doctor.findings import found

POST = """
[uplink]
host = "127.0.0.1"
port = 70000
[outbox]
path = "{directory}/outbox.db"
[[sources]]
driver = "vigia_sensor"
name = "radio"
port = "{directory}/port"
[[sources.devices]]
id = "00a1b2c3"
name = "rio"
key_file = "{directory}/rio.key"
[[sources]]
driver = "vigia_sensor"
nmae = "cable"
port = "/dev/b"
"""
HEADQUARTERS = """
[influx]
dialect = "v9"
[journal]
path = "{directory}/journal.db"
[registry]
path = "{directory}/registry.toml"
[broker]
host = "127.0.0.1"
port = 1
tls = false
[api]
port = 0
"""


def test_a_fault_in_a_posts_settings_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(POST.format(directory=tmp_path))
    marks = found(examine_post(file))
    assert marks["settings_wrong"] is Mark.WRONG
    assert marks["key_missing"] is Mark.WRONG
    assert marks["port_missing"] is Mark.WRONG
    assert not [code for code in marks if code.startswith(("broker", "certificate"))], "of a section that is wrong"


def test_a_fault_in_headquarters_settings_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text(HEADQUARTERS.format(directory=tmp_path))
    marks = found(examine_headquarters(file))
    assert {"settings_wrong", "registry_wrong", "broker_refused"} <= set(marks)
    assert not [code for code in marks if code.startswith("influx")]


def test_only_the_sound_sections_may_be_asked(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(POST.format(directory=tmp_path))
    looked = look_at_settings(file, GatewaySettings)
    assert looked.settings is not None
    assert [source.name for source in looked.settings.sources] == ["radio"]
    assert (looked.sound("outbox", "station"), looked.sound("outbox", "uplink")) == (True, False)


def test_a_file_that_is_not_there_is_not_to_be_mended(tmp_path: Path) -> None:
    told = look_at_settings(tmp_path / "nada.toml", GatewaySettings)
    (fault,) = told.faults
    assert told.settings is None
    assert fault.finding.code == "settings_missing"
    assert fault.finding.what.es == "El archivo no existe; ¿está bien el nombre?"
    assert fault.finding.todo is not None
    assert "nano" not in fault.finding.todo.es
