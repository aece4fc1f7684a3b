"""PUBLISHED. Telling systemd how the service fares: ready, alive, stopping, and in a line what it does (sd_notify(3)).

Without systemd (no NOTIFY_SOCKET in the environment) nothing is sent.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from typing import Final

log = logging.getLogger(__name__)

_MOST_STATUS: Final = 200


class ServiceManager:
    """environment: as of the process. No I/O before the first call."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        mine = environment.get("WATCHDOG_PID") in (None, str(os.getpid()))
        told = environment.get("WATCHDOG_USEC", "")
        self._watchdog_s = int(told) / 1_000_000 if self._address and mine and told.isdigit() else None

    @property
    def alive_every_s(self) -> float | None:
        """How often `alive` is due, half of what systemd allows; None when it does not watch."""
        return self._watchdog_s / 2 if self._watchdog_s else None

    def ready(self, status: str) -> None:
        """All stages have started."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def alive(self, status: str) -> None:
        """Every stage moves. When this is not said in time, systemd kills the service and starts it again."""
        self._send(f"WATCHDOG=1\nSTATUS={_line(status)}")

    def stopping(self) -> None:
        """It was told to stop and is finishing."""
        self._send("STOPPING=1")

    def more_time(self, seconds: float) -> None:
        """What goes on now may take so much longer (EXTEND_TIMEOUT_USEC)."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(1.0)
                out.sendto(message.encode(), address)
        except OSError as error:
            log.debug("systemd is not told %r: %s", message, error)


def _line(status: str) -> str:
    return " ".join(status.split())[:_MOST_STATUS]
