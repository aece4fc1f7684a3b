"""PUBLISHED. Stages run in threads of their own; one that fails is said, counted and started again after a while."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0

Stage = Callable[[threading.Event], None]
"""Works until the event is set; raises when it cannot go on."""


class Supervisor:
    """Starts stages, restarts those that fail, stops all. `count` is told the name of each stage that failed."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, stage: Stage) -> None:
        """Run a stage from now on."""
        thread = threading.Thread(target=self._keep, args=(name, stage), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Tell every stage to stop and wait for it."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout_s)
            if thread.is_alive():
                log.warning("%s did not stop within %.0f s", thread.name, timeout_s)

    def _keep(self, name: str, stage: Stage) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stop.is_set():
            try:
                stage(self._stop)
            except Exception:
                log.exception("%s failed and starts again in %.0f s", name, wait_s)
                self._count(name)
                self._stop.wait(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
            else:
                return
