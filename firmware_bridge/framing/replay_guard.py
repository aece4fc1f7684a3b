"""Refuses a frame that was accepted before: the anti-replay window of RFC 4303, section 3.4.3, for each device.

The window is the highest counter accepted and the 63 before it. The highest is seen by definition and needs no bit, so
that the bitmap (bit 0: highest - 1, ... bit 62: highest - 63) fits a signed 64-bit column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware_bridge.readings import BridgeError

WINDOW: Final = 64
_MASK: Final = (1 << WINDOW - 1) - 1
_MAX_COUNTER: Final = 0xFFFF_FFFF


class ReplayGuard:
    """Which counters of which devices have been seen. Ask it only about frames whose tag is verified."""

    def __init__(self, states: Mapping[int, tuple[int, int]]) -> None:
        """states: device to the (highest, bitmap) of `state`. Raises BridgeError for one that cannot be."""
        for device, (highest, bitmap) in states.items():
            if not 0 <= highest <= _MAX_COUNTER or not 0 <= bitmap <= _MASK:
                raise BridgeError(f"device {device:08x}: ({highest}, {bitmap}) is not a replay state")
        self._states = dict(states)

    def admit(self, device: int, counter: int) -> str:
        """Mark the counter as seen and return "", or why not: bad_counter (0), duplicate (seen), replayed (too old)."""
        highest, bitmap = self._states.get(device, (0, 0))
        ahead = counter - highest
        if ahead > 0:
            if counter > _MAX_COUNTER:
                return "bad_counter"
            if ahead == 1 and highest:
                bitmap = (bitmap << 1 | 1) & _MASK
            else:
                bitmap = (bitmap << 1 | (highest > 0)) << ahead - 1 & _MASK if ahead < WINDOW else 0
            self._states[device] = (counter, bitmap)
            return ""
        if counter < 1:
            return "bad_counter"
        if ahead == 0:
            return "duplicate"
        if ahead <= -WINDOW:
            return "replayed"
        bit = 1 << -ahead - 1
        if bitmap & bit:
            return "duplicate"
        self._states[device] = (highest, bitmap | bit)
        return ""

    def state(self, device: int) -> tuple[int, int]:
        """(highest counter accepted or 0, bitmap), to be stored with what was accepted."""
        return self._states.get(device, (0, 0))
