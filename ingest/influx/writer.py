"""What a writer of points promises, whatever the dialect."""

from __future__ import annotations

from typing import Protocol


class PointWriter(Protocol):
    """Writes ready-made line protocol, one request a call, no retries of its own. Constructors do no I/O."""

    def write(self, bucket: str, lines: bytes) -> None:
        """Store lines (separated by line feeds, timestamps in nanoseconds) or raise.

        RetryLater: nothing is known of what was stored, try again later. PartialWrite: some lines are refused, the
        rest is stored. Refused: some line is refused, perhaps nothing is stored; reason `too_large`: send less.
        """
        ...

    def close(self) -> None:
        """Let connections go."""
        ...
