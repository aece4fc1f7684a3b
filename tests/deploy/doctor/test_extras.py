"""What a post needs beside its files: a PIN, and the libraries of its outputs and cameras."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.doctor.extras import extra_checks
from deploy.doctor.findings import Mark
from gateway.page.pin import write_pin
from gateway.settings import GatewaySettings

SIREN = {"output": "siren", "name": "sirena", "pin": 17}


def found(directory: Path, **tables: object) -> dict[str, Mark]:
    settings = GatewaySettings.model_validate({"outbox": {"path": directory / "outbox.db"}, **tables})
    checks = extra_checks(settings, directory / "gateway.toml")
    return {finding.code: finding.mark for check in checks for finding in check.look()}


def test_a_page_without_a_pin_is_told_until_there_is_one(tmp_path: Path) -> None:
    assert found(tmp_path) == {"pin_missing": Mark.ATTENTION}
    write_pin(tmp_path / "page.pin", "2580")
    assert found(tmp_path) == {"pin_set": Mark.OK}
    assert found(tmp_path, page={"acting": "free"}) == {}
    assert found(tmp_path, page={"enabled": False}) == {}


def test_two_outputs_on_one_pin(tmp_path: Path) -> None:
    lamp = {"output": "lamp", "name": "luz", "pin": 17}
    assert found(tmp_path, page={"enabled": False}, warnings=[SIREN, lamp]) == {"pin_twice": Mark.WRONG}
    assert found(tmp_path, page={"enabled": False}, warnings=[SIREN, {**lamp, "pin": 27}]) == {}


@pytest.mark.parametrize(
    ("library", "tables"),
    [
        ("gpiozero", {"warnings": [SIREN]}),
        ("apprise", {"warnings": [{"output": "apprise", "name": "correo", "urls_file": "/etc/vigia/urls"}]}),
        ("PIL", {"sources": [{"driver": "camera_folder", "name": "sd", "directory": "/media/sd", "sensor": "collpa"}]}),
    ],
)
def test_a_library_that_is_not_installed_is_told_before_it_is_needed(
    library: str, tables: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(tmp_path, page={"enabled": False}, **tables) == {}
    monkeypatch.setitem(sys.modules, library, None)  # how Python marks what cannot be imported
    assert found(tmp_path, page={"enabled": False}, **tables) == {"library_missing": Mark.WRONG}
