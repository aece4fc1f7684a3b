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


class StopSign(threading.Event):
    """What a stage is given to look at: set when the one event behind it is. It remembers when it was last looked at,
    which a stage that still moves does every so often."""

    def __init__(self, behind: threading.Event) -> None:
        super().__init__()
        self._behind = behind
        self._looked_at = time.monotonic()
        self._is_waited_on = 0

    def is_set(self) -> bool:
        """Whether the stage is to stop."""
        self._looked_at = time.monotonic()
        return self._behind.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set; whether it is."""
        self._is_waited_on += 1
        try:
            return self._behind.wait(timeout)
        finally:
            self._is_waited_on -= 1
            self._looked_at = time.monotonic()

    def set(self) -> None:
        """Stop all stages."""
        self._behind.set()

    @property
    def unseen_s(self) -> float:
        """For how long nobody has looked; 0 while somebody waits."""
        return 0.0 if self._is_waited_on else time.monotonic() - self._looked_at


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
        self._signs: dict[str, StopSign] = {}

    def start(self, name: str, stage: Stage, *, watched: bool = True) -> None:
        """Run a stage from now on. watched: it looks at its event at least every minute or so, unless it hangs."""
        sign = StopSign(self._stop)
        thread = threading.Thread(target=self._keep, args=(name, stage, sign), name=name, daemon=True)
        self._threads.append(thread)
        if watched:
            self._signs[name] = sign
        thread.start()

    def stuck(self, after_s: float) -> list[str]:
        """The watched stages that have not looked at their event for so long: they hang, or their thread is gone."""
        return [name for name, sign in self._signs.items() if sign.unseen_s > after_s]

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

    def _keep(self, name: str, stage: Stage, sign: StopSign) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                stage(sign)
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
            sign.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _say(self, name: str, fault: BaseException | None, wait_s: float) -> None:
        if fault is None:
            log.error("%s ended by itself and starts again in %.0f s", name, wait_s)
        elif isinstance(fault, self._known):
            log.error("%s: %s. It starts again in %.0f s", name, fault, wait_s)
        else:
            log.error("%s failed and starts again in %.0f s", name, wait_s, exc_info=fault)
