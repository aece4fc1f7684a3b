"""Waiting for what must come true, with a deadline and a message."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(what: str, holds: Callable[[], bool], *, timeout_s: float = 20.0, every_s: float = 0.02) -> None:
    """Return when `holds` does; fail the test, naming what was awaited, when the time is up."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(every_s)
