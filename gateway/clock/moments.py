"""Moments: when something happened, as far as the machine could tell."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.contract.entries import TimeQuality

DRIFT_PPM: Final = 100
"""How wrong a crystal may count, in parts per million: a Pi's is made to 20 to 50, and heat, cold and age add to it."""


def drift_ms(elapsed_ms: int) -> int:
    """How far the time since boot may be off over so many milliseconds, rounding included."""
    return -(-abs(elapsed_ms) * DRIFT_PPM // 1_000_000) + 1 if elapsed_ms else 0


def rounded_up(bound_ms: int) -> int:
    """The next power of two from a bound on: the bound stays true, and a column of bounds costs next to nothing to
    send."""
    return 1 << (bound_ms - 1).bit_length() if bound_ms > 0 else 0


class Moment(NamedTuple):
    """boot_ms: since boot, suspended time included. wall_ms: Unix time as the machine, or a GPS, has it. quality: who
    vouches for it (`TimeQuality`, UNTRUSTED when nobody does). uncertainty_ms: the true time is within this much of
    wall_ms; nothing is known while it is UNTRUSTED."""

    boot_ms: int
    wall_ms: int
    quality: TimeQuality
    uncertainty_ms: int

    @property
    def is_trusted(self) -> bool:
        """Whether anybody vouches for wall_ms."""
        return self.quality is not TimeQuality.UNTRUSTED


class Anchor(NamedTuple):
    """A trusted moment: boot_ms after a boot the Unix time was time_ms, at most uncertainty_ms wrong."""

    boot_ms: int
    time_ms: int
    uncertainty_ms: int

    def bounds_at(self, boot_ms: int) -> tuple[int, int]:
        """Between which Unix times another moment of the same boot lies."""
        elapsed_ms = boot_ms - self.boot_ms
        time_ms, bound_ms = self.time_ms + elapsed_ms, self.uncertainty_ms + drift_ms(elapsed_ms)
        return time_ms - bound_ms, time_ms + bound_ms


class FrozenTime(NamedTuple):
    """The time that an entry will have for ever: the true time is within uncertainty_ms of time_ms."""

    time_ms: int
    quality: TimeQuality
    uncertainty_ms: int
