"""What every long-running command does: logging, signals, and a clean end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import Final

from deploy.errors import DeployError

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


def set_up_logging(level: str) -> None:
    """Log to standard error: with the time on a terminal or in a file; without it under systemd, which adds its own.

    Raises DeployError for a level that there is not. Small letters will do.
    """
    if level.upper() not in LEVELS:
        raise DeployError(
            f"--log-level {level}: no existe ese nivel (there is no such level); los hay: {', '.join(LEVELS)}"
        )
    under_systemd = "JOURNAL_STREAM" in os.environ
    form = (
        "%(levelname)s %(name)s: %(message)s" if under_systemd else "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    logging.basicConfig(level=level.upper(), format=form, stream=sys.stderr)


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
