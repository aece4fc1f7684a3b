"""What anybody on the network can bring about ten thousand times is said in the log now and then; counters know of
each."""

from __future__ import annotations

import logging
import time
from typing import Final

EVERY_S: Final = 600.0


class Seldom:
    """Says a thing as a warning once in a while and else at DEBUG. For one thread. log: whose words they are."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._again_at = float("-inf")

    def warn(self, words: str, *parts: object) -> None:
        """As `Logger.warning`."""
        now = time.monotonic()
        is_due = now >= self._again_at
        if is_due:
            self._again_at = now + EVERY_S
        self._log.log(logging.WARNING if is_due else logging.DEBUG, words, *parts)
