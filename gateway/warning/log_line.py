"""A line in the service's log, for a post that has nothing else yet."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.warning.notice import Notice
from gateway.warning.settings import LogSettings

alerts_log = logging.getLogger("gateway.alerts")


class LogOutput:
    """See `Output`."""

    depth = 32
    max_bytes = 1000
    lasts_s = 0.0
    is_quieted = False

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings

    def open(self) -> None:
        """Nothing."""

    def warn(self, notice: Notice, text: str, is_over: Callable[[], bool]) -> None:
        """ALERTA at WARNING for an alert, AVISO at INFO for a notice."""
        if notice.change is None:
            alerts_log.info("%s", text)
        elif notice.is_alert:
            alerts_log.warning("%s: %s", "ALERT" if self._settings.lang == "en" else "ALERTA", text)
        else:
            alerts_log.info("%s: %s", "NOTICE" if self._settings.lang == "en" else "AVISO", text)

    def close(self) -> None:
        """Nothing."""
