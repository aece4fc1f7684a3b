"""Text lines in a byte stream, however it is cut into chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from firmware_bridge.readings import Rejected

MAX_LINE_BYTES: Final = 600
"""A LoRa packet of 255 bytes in hex digits, and what stands around it."""


class LineSplitter:
    """Cuts at LF and strips CR; holds at most `max_bytes`.

    shortest: how long a line that begins so must be at least, 0 when its first LF ends it: for lines that carry raw
    data, LF included. Asked with what stands before each LF; an answer above `max_bytes` counts as 0.
    Reason: overlong_bytes (bytes of what is longer than a line may be, up to the next LF, counted as they come).
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES, shortest: Callable[[bytes], int] | None = None) -> None:
        self._max_bytes = max_bytes
        self._shortest = shortest
        self._held = b""  # complete up to an LF that is data
        self._rest = b""
        self._overlong = False

    def feed(self, chunk: bytes) -> list[bytes | Rejected]:
        """The lines that the chunk ends, empty ones left out, and what was rejected, in order."""
        *pieces, rest = (self._rest + chunk).split(b"\n")
        found: list[bytes | Rejected] = []
        for piece in pieces:
            if self._overlong:
                self._overlong = False
                if piece:
                    found.append(self._too_long(len(piece)))
                continue
            line = self._held + piece
            if self._held and len(line) > self._max_bytes:
                # What was held promised more than came: it is damaged. What followed stands for itself.
                found.append(self._too_long(len(self._held)))
                line = piece
            self._held = b""
            if len(line) > self._max_bytes:
                found.append(self._too_long(len(line)))
            elif self._shortest is not None and len(line) < self._shortest(line) <= self._max_bytes:
                self._held = line + b"\n"
            elif stripped := line.strip(b"\r"):
                found.append(stripped)
        if self._held and len(self._held) + len(rest) > self._max_bytes:
            found.append(self._too_long(len(self._held)))
            self._held = b""
        if self._overlong or len(rest) > self._max_bytes:
            self._overlong = True
            if rest:
                found.append(self._too_long(len(rest)))
            rest = b""
        self._rest = rest
        return found

    @property
    def is_holding(self) -> bool:
        """Whether lines wait for what the first of them has promised."""
        return bool(self._held)

    def give_up(self) -> list[bytes | Rejected]:
        """What was promised does not come: the lines that were held for it, as one, their LF within."""
        held, self._held = self._held.strip(b"\r\n"), b""
        return [held] if held else []

    def cut_off(self) -> int:
        """The line is gone: forget what no LF has ended. How many bytes that were."""
        forgotten = len(self._rest)
        self._rest, self._overlong = b"", False
        return forgotten

    def _too_long(self, count: int) -> Rejected:
        return Rejected("overlong_bytes", count, f"more than {self._max_bytes} bytes without an end of line")
