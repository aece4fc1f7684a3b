"""What an update raises."""

from __future__ import annotations

from firmware_bridge.readings import BridgeError


class UpdateError(BridgeError):
    """It cannot be done, or not now: `reason` is a short name, `detail` says what is wrong and what to do.

    Reasons of the device: the names of `firmware_bridge.framing.downlinks.Result`. Our own: bad_image, counters,
    no_answer, stopped, not_booted, no_progress, too_long.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
