"""PUBLISHED. Stages run in threads of their own; one that fails is said, counted and started again after a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
"""A stage that has run this long before it fails is waited for as little as the first time."""

Stage = Callable[[threading.Event], None]
"""Works until the event is set; raises when it cannot go on."""


class Supervisor:
    """Starts stages, restarts those that fail or end by themselves, stops all.

    count is told the name of each stage that did. known: faults whose message says all that a person needs; any other
    is a bug and is logged with its traceback.
    """

    def __init__(self, count: Callable[[str], None], *, known: tuple[type[Exception], ...] = ()) -> None:
        self._count = count
        self._known = known
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, stage: Stage) -> None:
        """Run a stage from now on."""
        thread = threading.Thread(target=self._keep, args=(name, stage), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Tell every stage to stop and wait for them, all together no longer than this; whether all have ended."""
        self._stop.set()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = [thread.name for thread in self._threads if thread.is_alive()]
        if late:
            log.warning("not waited for any longer: %s", ", ".join(late))
        return not late

    def _keep(self, name: str, stage: Stage) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                stage(self._stop)
                fault = None
            except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it dies of, it is started again
                fault = error
            if self._stop.is_set():
                if fault is not None:
                    log.warning("%s: %r while it stopped", name, fault)
                return
            if time.monotonic() - began >= LONGEST_WAIT_S:
                wait_s = FIRST_WAIT_S
            self._say(name, fault, wait_s)
            self._count(name)
            self._stop.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _say(self, name: str, fault: BaseException | None, wait_s: float) -> None:
        if fault is None:
            log.error("%s ended by itself and starts again in %.0f s", name, wait_s)
        elif isinstance(fault, self._known):
            log.error("%s: %s. It starts again in %.0f s", name, fault, wait_s)
        else:
            log.error("%s failed and starts again in %.0f s", name, wait_s, exc_info=fault)
