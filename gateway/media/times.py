"""The time that a file is announced with: that of its detection."""

from __future__ import annotations

from collections.abc import Callable

from gateway.clock.moments import FrozenTime
from gateway.contract.rows import MAX_TIME_MS
from gateway.media.cards import MediaCard

Freeze = Callable[[int, int, str], FrozenTime]
"""The time for ever of a moment that nobody vouched for: milliseconds since boot, what the wall clock said (Unix time,
milliseconds), and the name of the boot. `gateway.outbox.outbox.Outbox.freeze` is one."""


def frozen_time(card: MediaCard, freeze: Freeze) -> FrozenTime:
    """A trusted time stands; any other is frozen as that of an entry of the outbox."""
    moment = card.moment()
    if moment.is_trusted and 0 <= moment.wall_ms <= MAX_TIME_MS:
        return FrozenTime(moment.wall_ms, moment.quality, moment.uncertainty_ms)
    return freeze(moment.boot_ms, moment.wall_ms, card.boot)
