"""A time for the rules: milliseconds that never go back, whatever the wall clock does, and go on over restarts."""

from __future__ import annotations

from typing import NamedTuple

from gateway.clock.moments import Moment


class SteadyPoint(NamedTuple):
    """What has to be kept for the next start: the steady time of a moment, and the boot (`machine.boot_id`) that the
    moment belongs to."""

    steady_ms: int
    boot: str
    moment: Moment


class Steady:
    """Steady time from the last kept point on; a point of None begins at the time since boot. boot: the present one.

    Within a boot distances are those of the time since boot. Over a reboot it goes on by the wall time between, if the
    last moment before and the first after are both trusted; otherwise by what surely went by, the time since the new
    boot: then windows look shorter than they were, never longer. Moments are handed in about as they happen; one that
    comes late gets the time of the latest before it. For one thread.
    """

    def __init__(self, last: SteadyPoint | None, boot: str) -> None:
        self._last = last
        self._boot = boot

    def at(self, moment: Moment) -> int:
        """The steady time of a moment, milliseconds, at least that of any moment before."""
        last = self._last
        if last is None:
            steady_ms = max(0, moment.boot_ms)
        elif last.boot == self._boot:
            if moment.boot_ms <= last.moment.boot_ms:
                return last.steady_ms
            steady_ms = last.steady_ms + moment.boot_ms - last.moment.boot_ms
        else:
            gap_ms = max(0, moment.boot_ms)
            if moment.is_trusted and last.moment.is_trusted:
                gap_ms = max(gap_ms, moment.wall_ms - last.moment.wall_ms)
            steady_ms = last.steady_ms + gap_ms
        self._last = SteadyPoint(steady_ms, self._boot, moment)
        return steady_ms

    @property
    def point(self) -> SteadyPoint | None:
        """The latest point, to be kept; None before the first moment."""
        return self._last
