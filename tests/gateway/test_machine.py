"""What the machine tells of itself, from files laid out as Linux lays them out on a Raspberry Pi."""

import os
import threading
from pathlib import Path

import pytest

from gateway.machine import Machine


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def pi(tmp_path: Path) -> Machine:
    device = tmp_path.stat().st_dev
    sys = lay(
        tmp_path / "sys",
        {
            "class/thermal/thermal_zone0/temp": "61320\n",
            "class/hwmon/hwmon0/name": "cpu_thermal\n",
            "class/hwmon/hwmon1/name": "rpi_volt\n",
            "class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
            "block/mmcblk0/stat": "  100 0 800 0  20 0 4096 0 0 0 0 0 0 0 0 0 0\n",
            "block/mmcblk0/device/life_time": "0x01 0x03\n",
            "block/mmcblk0/mmcblk0p2/partition": "2\n",
        },
    )
    (sys / "dev/block").mkdir(parents=True)
    (sys / f"dev/block/{os.major(device)}:{os.minor(device)}").symlink_to(sys / "block/mmcblk0/mmcblk0p2")
    return Machine(tmp_path, sys=sys)


def test_a_pi_tells_its_heat_its_supply_and_its_card(pi: Machine) -> None:
    values = pi.values()
    assert values["processor_temperature_celsius"] == 61.32
    assert values["undervoltage_flag"] == 1
    assert values["card_written_bytes_total"] == 4096 * 512
    assert values["card_life_used_ratio"] == pytest.approx(0.3)


def test_a_supply_that_was_weak_for_a_moment_is_told_once(pi: Machine, tmp_path: Path) -> None:
    alarm, stop = tmp_path / "sys/class/hwmon/hwmon1/in0_lcrit_alarm", threading.Event()
    alarm.write_text("0\n")
    assert pi.values()["undervoltage_flag"] == 0
    for said in ("1\n", "0\n"):  # the firmware has forgotten by the time of the report
        alarm.write_text(said)
        assert not pi.watch(stop, 0.01)
    assert pi.values()["undervoltage_flag"] == 1
    assert pi.values()["undervoltage_flag"] == 0
    alarm.unlink()
    assert not pi.watch(stop, 0.01)
    assert "undervoltage_flag" not in pi.values()
    stop.set()
    assert pi.watch(stop, 3600)


def test_what_is_not_told_or_cannot_be_is_left_out(tmp_path: Path) -> None:
    sys = lay(tmp_path / "sys", {"class/thermal/thermal_zone0/temp": "9999999\n", "class/hwmon/h/name": "other\n"})
    values = Machine(tmp_path, sys=sys).values()
    assert set(values) == {"resident_memory_bytes", "processor_load_ratio", "uptime_seconds", "disk_free_bytes"}
    assert 1e6 < values["resident_memory_bytes"] < 1e10
    assert Machine(tmp_path / "gone", sys=tmp_path / "gone", proc=tmp_path / "gone").values() == {}
