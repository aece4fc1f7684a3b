"""Moments: when something happened, as far as the machine could tell."""

from __future__ import annotations

from typing import NamedTuple

from gateway.contract.entries import TimeQuality


class Moment(NamedTuple):
    """boot_ms: since boot, suspended time included. wall_ms: Unix time as the machine, or a GPS, has it. quality: who
    vouches for it (`TimeQuality`, UNTRUSTED when nobody does). uncertainty_ms: how far off it may be, where that is
    known."""

    boot_ms: int
    wall_ms: int
    quality: TimeQuality
    uncertainty_ms: int

    @property
    def is_trusted(self) -> bool:
        """Whether anybody vouches for wall_ms."""
        return self.quality is not TimeQuality.UNTRUSTED


class FrozenTime(NamedTuple):
    """The time that an entry will have for ever."""

    time_ms: int
    quality: TimeQuality
    uncertainty_ms: int
