"""Keys of sensors: there, well formed, hidden; and never shown."""

from __future__ import annotations

from pathlib import Path

from deploy.doctor.device_keys import key_checks
from deploy.doctor.findings import Mark
from firmware_bridge.sources import DRIVERS
from tests.deploy.doctor.findings import found, look

KEY = "00112233445566778899aabbccddeeff"


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
    findings = look(key_checks([settings]))
    assert found(findings) == {
        "keys": Mark.OK,
        "key_open": Mark.ATTENTION,
        "key_bad": Mark.WRONG,
        "key_missing": Mark.WRONG,
    }
    assert "3 sensores tienen su clave" in findings[0].what.es
    assert KEY not in repr(findings)
