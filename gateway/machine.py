"""What Linux tells of the machine itself: heat, undervoltage, the card's wear. A Raspberry Pi tells all of it; where
something is not told, it is left out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware_bridge.readings import QUANTITIES, ReadingError

_SECTOR_BYTES: Final = 512  # of /sys/block/*/stat, whatever the disk's own (kernel: block/stat.rst)
_SECTORS_WRITTEN: Final = 6
_SUPPLY_LOOK_S: Final = 1.0
"""The driver (drivers/hwmon/raspberrypi-hwmon.c) asks the firmware every 2 s and has it forget: its alarm is of that
time alone."""
_LIFE_STEP: Final = 0.1  # JESD84-B51, DEVICE_LIFE_TIME_EST_TYP_A: 0x01 is up to 10 % used, ... 0x0B over 100 %


class Machine:
    """directory: of the data, whose disk is looked at. sys, proc: where those file systems are mounted."""

    def __init__(self, directory: Path, *, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self._directory = directory
        self._sys = sys
        self._proc = proc
        self._supply_alarm: Path | None = None
        self._was_weak = False  # the supply, since values() was last asked

    def watch(self, stop: threading.Event, seconds: float) -> bool:
        """Wait so long, and look at the supply meanwhile; whether it was told to stop."""
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0:
            if stop.wait(min(_SUPPLY_LOOK_S, left_s) if self._supply_alarm is not None else left_s):
                return True
            with suppress(OSError, ValueError):
                self._look_at_supply()
        return stop.is_set()

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
        """1 when the supply is too weak, or was at any look since this was last asked."""
        named = ((hwmon, (hwmon / "name").read_text().strip()) for hwmon in (self._sys / "class/hwmon").iterdir())
        self._supply_alarm = next((hwmon / "in0_lcrit_alarm" for hwmon, name in named if name == "rpi_volt"), None)
        if self._supply_alarm is None:
            raise ValueError("no rpi_volt here")
        self._look_at_supply()
        was_weak, self._was_weak = self._was_weak, False
        return float(was_weak)

    def _look_at_supply(self) -> None:
        if self._supply_alarm is not None:
            self._was_weak = self._was_weak or int(self._supply_alarm.read_text()) != 0

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
