"""What the machine itself knows of time: the one module that asks the kernel."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
_STA_UNSYNC: Final = 0x0040


def boot_ms() -> int:
    """Milliseconds since boot, suspended time included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def wall_ms() -> int:
    """Unix time in milliseconds, right or wrong."""
    return time.time_ns() // 1_000_000


def boot_id() -> str:
    """A name for this boot of the machine (Linux: random, new at every boot)."""
    return _BOOT_ID.read_text().strip()


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


_libc: Final = ctypes.CDLL(None, use_errno=True)


def kernel_error_ms() -> int | None:
    """How far off the kernel's clock may be, in milliseconds; None while nothing disciplines it (adjtimex(2))."""
    timex = _Timex()
    state = _libc.adjtimex(ctypes.byref(timex))
    if state < 0 or state == _TIME_ERROR or timex.status & _STA_UNSYNC:
        return None
    return int(timex.maxerror) // 1000
