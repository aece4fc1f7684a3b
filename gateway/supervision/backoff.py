"""PUBLISHED. How long to wait before trying to connect again."""

from __future__ import annotations

import random
from typing import Final

FIRST_S: Final = 1.0
CAP_S: Final = 60.0


class Backoff:
    """Doubling from 1 s to 60 s, each wait drawn from the upper half, so that posts that lost one broker together do
    not all come back in the same second."""

    def __init__(self, random_source: random.Random) -> None:
        self._random = random_source
        self._ceiling_s = FIRST_S

    def next_s(self) -> float:
        """Seconds to wait now; the next wait may be twice as long."""
        wait_s = self._random.uniform(self._ceiling_s / 2, self._ceiling_s)
        self._ceiling_s = min(CAP_S, self._ceiling_s * 2)
        return wait_s

    def reset(self) -> None:
        """It worked: begin small again."""
        self._ceiling_s = FIRST_S
