"""The time that a file is announced with: that of its detection."""

from __future__ import annotations

from collections.abc import Callable

from gateway.clock.clock import Clock
from gateway.clock.moments import FrozenTime, drift_ms
from gateway.contract.entries import TimeQuality
from gateway.contract.rows import MAX_TIME_MS
from gateway.media.cards import MediaCard

Freeze = Callable[[int, int, str], FrozenTime]
"""The time for ever of a moment that nobody vouched for: milliseconds since boot, what the wall clock said (Unix time,
milliseconds), and the name of the boot."""


def frozen_time(card: MediaCard, freeze: Freeze) -> FrozenTime:
    """A trusted time stands; any other is frozen as that of an entry of the outbox."""
    moment = card.moment()
    if moment.is_trusted and 0 <= moment.wall_ms <= MAX_TIME_MS:
        return FrozenTime(moment.wall_ms, moment.quality, moment.uncertainty_ms)
    return freeze(moment.boot_ms, moment.wall_ms, card.boot)


def freezing_by(clock: Clock) -> Freeze:
    """A moment of this boot is reckoned back from a trusted now; of another nothing is known but what its wall clock
    said."""

    def freeze(boot_ms: int, wall_ms: int, name: str) -> FrozenTime:
        now = clock.now()
        if now.is_trusted and name == clock.boot_id():
            elapsed_ms = now.boot_ms - boot_ms
            time_ms = now.wall_ms - elapsed_ms
            if 0 <= time_ms <= MAX_TIME_MS:
                return FrozenTime(time_ms, TimeQuality.RECOVERED, now.uncertainty_ms + drift_ms(elapsed_ms))
        return FrozenTime(min(max(0, wall_ms), MAX_TIME_MS), TimeQuality.UNTRUSTED, MAX_TIME_MS)

    return freeze
