"""Keys of sensors: there, well formed, hidden; and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.doctor.device_keys import key_checks
from deploy.doctor.findings import Mark
from firmware_bridge.sources import DRIVERS
from tests.deploy.doctor.findings import found, look

KEY = "00112233445566778899aabbccddeeff"

_APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"


def test_each_key_file_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "good").write_text(KEY + "\n")
    (tmp_path / "open").write_text(KEY)
    (tmp_path / "bad").write_text(KEY + "ff")
    (tmp_path / "good").chmod(0o640)
    (tmp_path / "open").chmod(0o644)
    files = ["good", "open", "bad", "missing"]
    devices = [{"id": f"0000000{i}", "name": name, "key_file": str(tmp_path / name)} for i, name in enumerate(files)]
    devices.append({"id": "0000000a", "name": "inline", "key": KEY})
    settings = DRIVERS["vigia_sensor"].Settings.model_validate(
        {"driver": "vigia_sensor", "name": "radio", "port": "/dev/x", "devices": devices}
    )
    findings = look(key_checks([settings], tmp_path / "gateway.toml"))
    assert found(findings) == {
        "keys": Mark.OK,
        "key_open": Mark.ATTENTION,
        "key_bad": Mark.WRONG,
        "key_missing": Mark.WRONG,
    }
    assert "3 sensores tienen su clave" in findings[0].what.es
    assert KEY not in repr(findings)


def test_the_key_of_our_frames_in_another_transport_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "good").write_text(KEY)
    (tmp_path / "good").chmod(0o640)
    (tmp_path / "bad").write_text("no key")
    carried = [
        {
            "id": f"{i:016x}",
            "name": name,
            "payload": {"codec": "vigia", "id": f"0000000{i}", "key_file": tmp_path / name},
        }
        for i, name in enumerate(("good", "bad", "missing"))
    ]
    foreign = {"id": "f" * 16, "name": "clima", "payload": {"codec": "cayenne_lpp"}}
    told = {"driver": "chirpstack_v4", "name": "lorawan", "application_id": _APPLICATION}
    settings = DRIVERS["chirpstack_v4"].Settings.model_validate(told | {"devices": [*carried, foreign]})
    findings = look(key_checks([settings], tmp_path / "gateway.toml"))
    assert found(findings) == {"keys": Mark.OK, "key_bad": Mark.WRONG, "key_missing": Mark.WRONG}
    assert "1 sensor tiene su clave" in findings[0].what.es
    assert "missing (00000002)" in findings[2].what.es


def test_devices_of_other_makes_have_no_key(tmp_path: Path) -> None:
    foreign = {"id": "f" * 16, "name": "clima", "payload": {"codec": "cayenne_lpp"}}
    told = {"driver": "chirpstack_v4", "name": "lorawan", "application_id": _APPLICATION, "devices": [foreign]}
    assert key_checks([DRIVERS["chirpstack_v4"].Settings.model_validate(told)], tmp_path / "gateway.toml") == []


@pytest.mark.parametrize(
    ("mode", "key", "expected"),
    [
        (0o644, {"key": KEY}, {"keys": Mark.OK, "settings_open": Mark.ATTENTION}),
        (0o640, {"key": KEY}, {"keys": Mark.OK}),
        (0o644, {"key_file": "good"}, {"keys": Mark.OK}),
    ],
)
def test_a_key_written_in_settings_that_anyone_can_read_is_told(
    tmp_path: Path, mode: int, key: dict[str, str], expected: dict[str, Mark]
) -> None:
    (tmp_path / "good").write_text(KEY)
    (tmp_path / "good").chmod(0o640)
    file = tmp_path / "gateway.toml"
    file.write_text("")
    file.chmod(mode)
    told = {name: str(tmp_path / value) if name == "key_file" else value for name, value in key.items()}
    settings = DRIVERS["vigia_sensor"].Settings.model_validate(
        {
            "driver": "vigia_sensor",
            "name": "radio",
            "port": "/dev/x",
            "devices": [{"id": "0000000a", "name": "pozo", **told}],
        }
    )
    findings = look(key_checks([settings], file))
    assert found(findings) == expected
    assert KEY not in repr(findings)
    if "settings_open" in expected:
        assert "contiene 1 clave de sensores" in findings[-1].what.es
        assert "chmod 640" in str(findings[-1].todo)
