"""Where a link that comes and goes stands: its state, told once when it changes, and when it may be tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from firmware_bridge.delivery import SourceStanding

FIRST_BACK_OFF_S: Final = 0.2
PROVEN_AFTER_S: Final = 10.0
_MOST_WORDS: Final = 16


class LinkState(Enum):
    """Where a link stands."""

    WAITING_FOR_PORT = "waiting_for_port"  # not opened since the start
    OPEN = "open"
    LOST = "lost"  # was open, is not now


STANDINGS: Final[Mapping[LinkState, SourceStanding]] = {
    LinkState.WAITING_FOR_PORT: SourceStanding.NOT_REACHED,
    LinkState.OPEN: SourceStanding.WELL,
    LinkState.LOST: SourceStanding.LOST,
}
"""How a source fares that is no more than its link."""


class LinkStanding:
    """For the thread of its link; `state` and `trouble` may be read from any."""

    def __init__(
        self,
        name: str,
        log: logging.Logger,
        words: Callable[[], str],
        chance: Callable[[], float],
        longest_back_off_s: float,
    ) -> None:
        """words: the link's state for a person, as it is when it is asked."""
        self.state = LinkState.WAITING_FOR_PORT
        self.trouble = ""
        self.next_try = 0.0  # on the monotonic clock
        self._name = name
        self._log = log
        self._words = words
        self._chance = chance
        self._longest_back_off_s = longest_back_off_s
        self._back_off_s = FIRST_BACK_OFF_S
        self._told: dict[tuple[LinkState, str], int] = {}  # since the link last proved itself
        self._opened_at = 0.0
        self._proven = False

    def opened(self) -> None:
        """It is open."""
        self._opened_at = time.monotonic()
        self._proven = False
        self.trouble = ""
        self._enter(LinkState.OPEN, logging.INFO)

    def read(self, chunk: bytes | None) -> None:
        """So much came of it: by that, or by ten seconds without trouble, an open link proves itself."""
        if not self._proven and (chunk or time.monotonic() - self._opened_at > PROVEN_AFTER_S):
            self._proven = True
            self._told.clear()
            self._back_off_s = FIRST_BACK_OFF_S

    def lost(self, trouble: str) -> None:
        """It was open and is no more."""
        self.state = LinkState.LOST
        self.failed(trouble)

    def failed(self, trouble: str) -> None:
        """It could not be opened: not before `next_try`, each time later, should it be tried again."""
        self.trouble = trouble
        self.next_try = time.monotonic() + self._back_off_s * (0.5 + self._chance() / 2)
        self._back_off_s = min(self._back_off_s * 2, self._longest_back_off_s)
        self._enter(self.state, logging.WARNING)

    def _enter(self, state: LinkState, level: int) -> None:
        """Log a change once; repeats, until the link has proved itself, at DEBUG with a count."""
        self.state = state
        told = (state, self.trouble)
        times = self._told[told] = self._told.get(told, 0) + 1
        if times > 1 or len(self._told) > _MOST_WORDS:
            self._log.debug("%s: %s (%d times)", self._name, self._words(), times)
        else:
            self._log.log(level, "%s: %s", self._name, self._words())
