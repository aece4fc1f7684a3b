"""Serial ports: there, a tty, free, ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.doctor import serial_ports
from deploy.doctor.findings import Mark
from deploy.doctor.processes import holders
from deploy.doctor.serial_ports import port_checks
from firmware_bridge.sources import DRIVERS, SourceSettings
from tests.deploy.doctor.findings import found, look
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until


def source(name: str, port: Path) -> SourceSettings:
    settings: SourceSettings = DRIVERS["vigia_sensor"].Settings.model_validate(
        {
            "driver": "vigia_sensor",
            "name": name,
            "port": str(port),
            "devices": [{"id": "00000001", "name": "a", "key": "0" * 32}],
        }
    )
    return settings


@pytest.fixture
def tty(tmp_path: Path) -> Iterator[TtyPair]:
    pair = TtyPair(tmp_path / "usb")
    yield pair
    pair.unplug()


@pytest.fixture
def _everyone_may_use(tty: TtyPair) -> None:
    Path(tty.name).chmod(0o666)


@pytest.mark.usefixtures("_everyone_may_use")
def test_a_port_that_is_there(tty: TtyPair) -> None:
    assert found(look(port_checks([source("radio", tty.link)]))) == {"port": Mark.OK}


def test_a_port_that_is_not_or_was_unplugged_or_is_a_file(tmp_path: Path, tty: TtyPair) -> None:
    assert found(look(port_checks([source("radio", tmp_path / "no")]))) == {"port_missing": Mark.WRONG}
    (tmp_path / "file").touch()
    assert found(look(port_checks([source("radio", tmp_path / "file")]))) == {"port_not_serial": Mark.WRONG}
    tty.unplug()
    assert found(look(port_checks([source("radio", tty.link)]))) == {"port_missing": Mark.WRONG}


@pytest.mark.usefixtures("_everyone_may_use")
def test_a_port_that_another_program_has_open(tty: TtyPair) -> None:
    code = f"import os, time; os.open({tty.name!r}, os.O_RDWR | os.O_NOCTTY); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code]) as other:
        try:
            wait_until("the other program has the port", lambda: any(p.pid == other.pid for p in holders(tty.link)))
            (finding,) = look(port_checks([source("radio", tty.link)]))
            assert finding.code == "port_busy"
            assert str(other.pid) in finding.what.es
        finally:
            other.kill()


@pytest.mark.usefixtures("_everyone_may_use")
def test_two_names_of_one_port(tmp_path: Path, tty: TtyPair) -> None:
    (tmp_path / "again").symlink_to(tty.name)
    told = found(look(port_checks([source("radio", tty.link), source("cable", tmp_path / "again")])))
    assert told == {"port": Mark.OK, "port_twice": Mark.WRONG}


def test_who_may_use_a_port(tty: TtyPair) -> None:
    port = Path(tty.name)
    port.chmod(0o620)  # crw--w----: as a tty is when it is nobody's
    status = port.stat()
    assert not serial_ports._may_use(status, {status.st_gid}, user=status.st_uid + 1)
    port.chmod(0o660)
    status = port.stat()
    assert serial_ports._may_use(status, {status.st_gid}, user=status.st_uid + 1)
    assert not serial_ports._may_use(status, {status.st_gid + 1}, user=status.st_uid + 1)
    assert serial_ports._may_use(status, set(), user=status.st_uid)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's port is made by root")
def test_a_port_that_the_services_user_may_not_use(tty: TtyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_ports, "SERVICE_USER", "nobody")
    Path(tty.name).chmod(0o600)
    assert found(look(port_checks([source("radio", tty.link)]))) == {"port_denied": Mark.WRONG}
