"""A machine whose time the test makes: the truth, a crystal that drifts, a wall clock that anybody may set."""

from __future__ import annotations

from typing import Final

from gateway.clock.moments import DRIFT_PPM

_LARGEST_ERROR_US: Final = 16_000_000
"""Linux says "not synchronised" from here on."""


class SimulatedTime:
    """A `MachineTime`. true_ms: the true Unix time. drift_ppm: how much faster the crystal counts than it should."""

    def __init__(self, true_ms: int, *, drift_ppm: int = 0, boot_ms: int = 60_000, wall_ms: int | None = None) -> None:
        assert abs(drift_ppm) < DRIFT_PPM
        self.true_ms = true_ms
        self.drift_ppm = drift_ppm
        self._ntp_error_us: int | None = None
        self._boots = 1
        self._boot_us = boot_ms * 1000
        self._wall_ahead_ms = (true_ms if wall_ms is None else wall_ms) - boot_ms

    def boot_id(self) -> str:
        """See `MachineTime`."""
        return f"boot-{self._boots}"

    def read(self) -> tuple[int, int]:
        """See `MachineTime`."""
        boot_ms = self._boot_us // 1000
        return boot_ms, boot_ms + self._wall_ahead_ms

    def ntp_error_ms(self) -> int | None:
        """See `MachineTime`."""
        return None if self._ntp_error_us is None else self._ntp_error_us // 1000

    def pass_ms(self, ms: int) -> None:
        """So much true time goes by, the machine running."""
        self.true_ms += ms
        self._boot_us += ms * 1000 + ms * self.drift_ppm // 1000
        if self._ntp_error_us is not None:
            self._ntp_error_us += ms // 2 + 1  # 500 ppm, as the kernel does
            if self._ntp_error_us >= _LARGEST_ERROR_US:
                self._ntp_error_us = None

    def set_wall(self, wall_ms: int) -> None:
        """Somebody sets the wall clock; nobody vouches for it then."""
        self._wall_ahead_ms = wall_ms - self._boot_us // 1000
        self._ntp_error_us = None

    def sync(self, *, off_ms: int = 0, error_ms: int = 0) -> None:
        """An NTP daemon sets the wall clock, so much wrong, and tells the kernel what it takes for the error."""
        self.set_wall(self.true_ms + off_ms)
        self._ntp_error_us = error_ms * 1000

    def lose_ntp(self) -> None:
        """Nobody vouches for the wall clock any more."""
        self._ntp_error_us = None

    def reboot(self, *, off_ms: int, wall_ms: int, boot_ms: int = 10_000) -> None:
        """The power is gone for so long; then it starts, with a wall clock that says something."""
        self.true_ms += off_ms + boot_ms
        self._boots += 1
        self._boot_us = boot_ms * 1000
        self.set_wall(wall_ms)
