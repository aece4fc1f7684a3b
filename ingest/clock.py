"""Headquarters' own clock: whether it can be what judges the times of others.

A post asks its kernel the same question (`gateway/clock/machine.py`), for an answer in milliseconds. Nothing of that is
published, for a post's time is its own affair; a system call of a few lines, fixed for good by the kernel's promise to
programs, is asked twice rather than made something that two services share and neither can change alone.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Final

from ingest.errors import RetryLater

EARLIEST_MS: Final = 1_735_689_600_000
"""2025-01-01: there was no headquarters before."""
_BACK_MS: Final = 24 * 3_600_000
_WAIT_S: Final = 10.0
_PATIENCE_S: Final = 3_600.0
"""So long a clock that nobody corrects, and that is behind the journal, is waited for: then it is the journal that was
written with a wrong one."""
_TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
_STA_UNSYNC: Final = 0x0040


class HeadquartersClock:
    """now_ms: Unix time; is_synchronised: whether the kernel's clock is; since_s: seconds that only count up.
    latest_ms: when the journal last took something before this start, Unix time, 0 for never."""

    def __init__(
        self,
        latest_ms: int = 0,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        is_synchronised: Callable[[], bool] | None = None,
        since_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._latest_ms = latest_ms
        self._now_ms = now_ms
        self._is_synchronised = is_synchronised or kernel_is_synchronised
        self._since_s = since_s
        self._wrong_since: float | None = None

    def require(self) -> int:
        """Unix time now. Raises RetryLater while it is plainly wrong: the kernel says that nobody corrects it, and it
        is before anything was here (for as long as that lasts) or a day before what the journal has (for an hour)."""
        now_ms = self._now_ms()
        if (now_ms >= EARLIEST_MS and now_ms >= self._latest_ms - _BACK_MS) or self._is_synchronised():
            self._wrong_since = None
            return now_ms
        since_s = self._since_s()
        if self._wrong_since is None:
            self._wrong_since = since_s
        if now_ms >= EARLIEST_MS and since_s - self._wrong_since >= _PATIENCE_S:
            return now_ms
        before = "Vigía exists" if now_ms < EARLIEST_MS else f"the journal's last message ({_utc(self._latest_ms)})"
        raise RetryLater(
            f"the clock of this machine says {_utc(now_ms)}, before {before}, and nobody corrects it. Set it:"
            " timedatectl set-ntp true, or sudo date -s '2030-12-31 23:59'",
            _WAIT_S,
        )


def _utc(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(ms / 1000))


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


def kernel_is_synchronised() -> bool:
    """Whether somebody disciplines the kernel's clock (adjtimex(2))."""
    timex = _Timex()
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    return 0 <= state != _TIME_ERROR and not timex.status & _STA_UNSYNC
