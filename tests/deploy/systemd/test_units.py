"""The units are what systemd takes, and say what keeps a post alive."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.commands.orders import RESTART_FILE

SYSTEMD = Path(__file__).parents[3] / "deploy" / "systemd"
UNITS = ["vigia-gateway", "vigia-ingest"]


def read(unit: str, kind: str = "service") -> dict[str, dict[str, list[str]]]:
    """Section to key to its values in order: systemd allows a key more than once, which configparser does not."""
    sections: dict[str, dict[str, list[str]]] = {}
    section = ""
    for number, line in enumerate((SYSTEMD / f"{unit}.{kind}").read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if found := re.fullmatch(r"\[(\w+)\]", line):
            section = found[1]
            sections[section] = {}
            continue
        key, equals, value = line.partition("=")
        assert equals, f"{unit} line {number}: {line!r}"
        assert re.fullmatch(r"[A-Za-z]+", key), f"{unit} line {number}: {line!r}"
        sections[section].setdefault(key, []).append(value)
    return sections


@pytest.mark.parametrize("unit", UNITS)
def test_it_is_started_again_for_ever(unit: str) -> None:
    found = read(unit)
    assert found["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert found["Service"]["Restart"] == ["always"]
    assert found["Service"]["Type"] in (["exec"], ["notify"])
    assert float(found["Service"]["RestartSec"][0]) >= 1
    assert found["Install"]["WantedBy"] == ["multi-user.target"]


@pytest.mark.parametrize("unit", UNITS)
def test_it_needs_no_link_and_no_server_to_start(unit: str) -> None:
    found = read(unit)["Unit"]
    assert not set(found) & {"Requires", "BindsTo", "Requisite"}
    assert "network-online.target" not in " ".join(found.get("After", []) + found.get("Wants", []))
    assert "time-sync.target" not in " ".join(found.get("After", []))


@pytest.mark.parametrize("unit", UNITS)
def test_it_runs_the_command_as_an_ordinary_user_that_owns_its_state(unit: str) -> None:
    service = read(unit)["Service"]
    name = unit.removeprefix("vigia-")
    assert service["ExecStart"] == [f"/opt/vigia/bin/vigia {name} run /etc/vigia/{name}.toml"]
    assert service["User"] == ["vigia"]
    assert service["StateDirectory"] == ["vigia"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["NoNewPrivileges"] == ["true"]
    assert service["CapabilityBoundingSet"] == [""]
    assert "MemoryMax" in service
    assert re.search(r"^u vigia ", (SYSTEMD / "vigia.sysusers.conf").read_text(), re.MULTILINE)


def test_the_gateway_keeps_what_it_compiles_for_itself_where_it_may_write() -> None:
    service = read("vigia-gateway")["Service"]
    assert {"PYTHONOPTIMIZE=2", "PYTHONPYCACHEPREFIX=/var/cache/vigia"} <= set(service["Environment"])
    assert service["CacheDirectory"] == ["vigia"]


def test_the_gateway_may_open_serial_ports_and_ask_about_the_clock() -> None:
    service = read("vigia-gateway")["Service"]
    assert service["SupplementaryGroups"] == ["dialout gpio"]
    assert {"char-ttyUSB rw", "char-ttyACM rw", "char-ttyAMA rw", "char-ttyS rw", "char-gpiochip rw"} <= set(
        service["DeviceAllow"]
    )
    assert "PrivateDevices" not in service
    assert "ProtectClock" not in service
    assert "adjtimex" in service["SystemCallFilter"][-1].split()


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_itself_finds_nothing_wrong(unit: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on this machine (Debian package systemd); the other tests read the units")
    text = (SYSTEMD / f"{unit}.service").read_text(encoding="utf-8")
    copy = tmp_path / f"{unit}.service"
    copy.write_text(text.replace("/opt/vigia/bin/vigia", "/bin/true"), encoding="utf-8")
    verified = subprocess.run([program, "verify", str(copy)], capture_output=True, text=True, timeout=60, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_machine_is_started_anew_for_the_file_that_the_gateway_leaves_and_only_once() -> None:
    found, service = read("vigia-restart", "path")["Path"], read("vigia-restart")["Service"]
    assert found["PathExists"] == [f"/var/lib/vigia/commands/{RESTART_FILE}"]
    assert service["ExecStart"][0] == f"/bin/rm -f {found['PathExists'][0]}"
    assert service["ExecStart"][-1] == "/bin/systemctl reboot"
