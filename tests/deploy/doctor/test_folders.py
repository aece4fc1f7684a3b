"""The directories and the ports that settings name wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.doctor.findings import Mark
from deploy.doctor.folders import folder_checks
from deploy.doctor.serial_ports import port_checks
from firmware_bridge.sources import DRIVERS
from tests.deploy.doctor.findings import found, look


@pytest.mark.parametrize(
    ("directory", "code", "mark"),
    [
        ("~/camaras", "folder_tilde", Mark.WRONG),
        ("camaras", "folder_relative", Mark.WRONG),
        ("{tmp}/targeta", "folder_missing", Mark.ATTENTION),
        ("{tmp}/file", "folder_is_file", Mark.WRONG),
        ("{tmp}", "folder", Mark.OK),
    ],
)
def test_a_directory(tmp_path: Path, directory: str, code: str, mark: Mark) -> None:
    (tmp_path / "file").touch()
    source = DRIVERS["camera_folder"].Settings.model_validate(
        {"driver": "camera_folder", "name": "camaras", "directory": directory.format(tmp=tmp_path)}
    )
    assert found(look(folder_checks([source]))) == {code: mark}


@pytest.mark.parametrize(
    ("port", "code"),
    [
        ("COM3", "port_of_windows"),
        ("ttyUSB0", "port_no_path"),
        ("{tmp}", "port_is_directory"),
        ("{tmp}/file", "port_not_serial"),
        ("/dev/ttyNobody", "port_missing"),
    ],
)
def test_a_port(tmp_path: Path, port: str, code: str) -> None:
    (tmp_path / "file").touch()
    source = DRIVERS["nmea_gps"].Settings.model_validate(
        {"driver": "nmea_gps", "name": "gps", "sensor": "gps-1", "port": port.format(tmp=tmp_path)}
    )
    assert found(look(port_checks([source]))) == {code: Mark.WRONG}
