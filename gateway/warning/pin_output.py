"""A siren or a lamp: a line switched on and off in a pattern, until the time is up or all that rang it is seen to."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle
from typing import Final

from gateway.warning.notice import Notice
from gateway.warning.pins import Pin, open_pin
from gateway.warning.settings import LampSettings, SirenSettings

_TEST_S: Final = 2.0
_LOOK_S: Final = 0.1


class PinOutput:
    """See `Output`."""

    depth = 1
    max_bytes = 1000
    is_quieted = True

    def __init__(self, settings: SirenSettings | LampSettings) -> None:
        self._settings = settings
        self.lasts_s = settings.seconds
        self._pin: Pin | None = None

    def open(self) -> None:
        """Takes the line and switches it off: a gateway that was killed may have left it on."""
        if self._pin is None:
            self._pin = open_pin(self._settings.pin, active_high=self._settings.active_high)

    def warn(self, notice: Notice, text: str, is_over: Callable[[], bool]) -> None:
        """Plays the pattern; two seconds of it for a test."""
        assert self._pin is not None
        seconds = self._settings.seconds if notice.change is not None else min(_TEST_S, self._settings.seconds)
        ends_at = time.monotonic() + seconds
        is_on = False
        try:
            for phase_s in cycle(self._settings.pattern):
                is_on = not is_on
                (self._pin.on if is_on else self._pin.off)()
                phase_ends = min(ends_at, time.monotonic() + phase_s)
                while (left := phase_ends - time.monotonic()) > 0:
                    if is_over():
                        return
                    time.sleep(min(left, _LOOK_S))
                if phase_ends >= ends_at:
                    return
        finally:
            self._pin.off()

    def close(self) -> None:
        """Lets go of the line, off."""
        if self._pin is not None:
            self._pin.off()
            self._pin.close()
            self._pin = None
