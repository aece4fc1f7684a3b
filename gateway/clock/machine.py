"""What the machine itself knows of time: the one module that asks the kernel."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Final, Protocol

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
_STA_UNSYNC: Final = 0x0040
_ONE_INSTANT_NS: Final = 500_000
_ATTEMPTS: Final = 8
# Read for every delivery: names of our own are found sooner.
_ns, _wall_ns = time.clock_gettime_ns, time.time_ns
_MONOTONIC, _RAW, _BOOTTIME = time.CLOCK_MONOTONIC, time.CLOCK_MONOTONIC_RAW, time.CLOCK_BOOTTIME


class MachineTime(Protocol):
    """The clocks of a machine, as `gateway.clock.clock.Clock` reads them: the real ones, or simulated ones."""

    def boot_id(self) -> str:
        """A name for this boot, new at every boot."""

    def read(self) -> tuple[int, int]:
        """Milliseconds since boot, suspended time included, that only count up and that nobody corrects; and Unix time
        in milliseconds, right or wrong. Both of one instant."""

    def ntp_error_ms(self) -> int | None:
        """How far off the Unix time may be; None while nothing disciplines it."""


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as far as it is read; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 512),
    )


_adjtimex: Final = ctypes.CDLL(None, use_errno=True).adjtimex


class LinuxTime:
    """The kernel's clocks. The time since boot is that of the bare oscillator (CLOCK_MONOTONIC_RAW): what an NTP daemon
    slews, chrony up to 8 % of the time that passes, would bend distances. For one thread at a time."""

    def __init__(self) -> None:
        self._timex = _Timex()
        self._told = ctypes.byref(self._timex)

    def boot_id(self) -> str:
        """See `MachineTime`."""
        return boot_id()

    def read(self) -> tuple[int, int]:
        """See `MachineTime`."""
        for _ in range(_ATTEMPTS):
            before = _ns(_MONOTONIC)
            raw, since_boot, wall = _ns(_RAW), _ns(_BOOTTIME), _wall_ns()
            after = _ns(_MONOTONIC)
            if after - before <= _ONE_INSTANT_NS:  # else something else had the processor between two clocks
                break
        return (raw + since_boot - after) // 1_000_000, wall // 1_000_000

    def ntp_error_ms(self) -> int | None:
        """See `MachineTime`; as adjtimex(2) tells."""
        state = _adjtimex(self._told)
        if state < 0 or state == _TIME_ERROR or self._timex.status & _STA_UNSYNC:
            return None
        return int(self._timex.maxerror) // 1000


def boot_id() -> str:
    """A name for this boot of the machine (Linux: random, new at every boot)."""
    return _BOOT_ID.read_text().strip()


def kernel_error_ms() -> int | None:
    """How far off the kernel's clock may be, in milliseconds; None while nothing disciplines it."""
    return LinuxTime().ntp_error_ms()
