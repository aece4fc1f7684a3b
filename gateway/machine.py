"""What Linux tells of the machine itself: heat, undervoltage, the card's wear. A Raspberry Pi tells all of it; where
something is not told, it is left out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from firmware_bridge.readings import QUANTITIES, ReadingError

_SECTOR_BYTES: Final = 512  # of /sys/block/*/stat, whatever the disk's own (kernel: block/stat.rst)
_SECTORS_WRITTEN: Final = 6
_LIFE_STEP: Final = 0.1  # JESD84-B51, DEVICE_LIFE_TIME_EST_TYP_A: 0x01 is up to 10 % used, ... 0x0B over 100 %


class Machine:
    """directory: of the data, whose disk is looked at. sys, proc: where those file systems are mounted."""

    def __init__(self, directory: Path, *, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self._directory = directory
        self._sys = sys
        self._proc = proc

    def values(self) -> dict[str, float]:
        """Quantity name to value, of those that the machine tells plausibly. Never raises for the machine."""
        told: dict[str, Callable[[], float]] = {
            "resident_memory_bytes": self._resident_bytes,
            "processor_temperature_celsius": self._temperature_celsius,
            "processor_load_ratio": self._load_ratio,
            "undervoltage_flag": self._undervoltage,
            "uptime_seconds": self._uptime_s,
            "disk_free_bytes": self._disk_free_bytes,
            "card_written_bytes_total": self._written_bytes,
            "card_life_used_ratio": self._life_used_ratio,
        }
        values = {}
        for name, tell in told.items():
            try:
                value = tell()
                QUANTITIES[name].to_steps(value)
            except (OSError, ValueError, IndexError, ReadingError):
                continue
            values[name] = value
        return values

    def _resident_bytes(self) -> float:
        return int((self._proc / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _temperature_celsius(self) -> float:
        return int((self._sys / "class/thermal/thermal_zone0/temp").read_text()) / 1000

    def _load_ratio(self) -> float:
        return float((self._proc / "loadavg").read_text().split()[0]) / (os.cpu_count() or 1)

    def _uptime_s(self) -> float:
        return float((self._proc / "uptime").read_text().split()[0])

    def _disk_free_bytes(self) -> float:
        disk = os.statvfs(self._directory)
        return disk.f_bavail * disk.f_frsize

    def _undervoltage(self) -> float:
        """1 while the supply is too weak, or has been since the machine started (the alarm is latched until then)."""
        for hwmon in sorted((self._sys / "class/hwmon").iterdir()):
            if (hwmon / "name").read_text().strip() == "rpi_volt":
                return int((hwmon / "in0_lcrit_alarm").read_text())
        raise ValueError("no rpi_volt here")

    def _written_bytes(self) -> float:
        return int((self._disk() / "stat").read_text().split()[_SECTORS_WRITTEN]) * _SECTOR_BYTES

    def _life_used_ratio(self) -> float:
        """Of an eMMC or a card that says so, the worse of its two estimates, upper end of its step."""
        steps = [int(word, 16) for word in (self._disk() / "device/life_time").read_text().split()]
        worst = max(steps)
        if not worst:
            raise ValueError("not told")
        return min(1.0, worst * _LIFE_STEP)

    def _disk(self) -> Path:
        """The whole disk that the data lies on."""
        device = self._directory.stat().st_dev
        place = (self._sys / f"dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)
        return place.parent if (place / "partition").exists() else place
