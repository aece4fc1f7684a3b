"""What the watch has heard of what the outbox holds, by places in the outbox and never by clocks. Pure.

Sources hand in what they have put on disk each from its own thread, so what was heard is not at every moment all up to
one place: it is all up to a place that was passed a while ago, and from there on those of some marks.
"""

from __future__ import annotations

from collections import deque
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.readings import Reading
from gateway.outbox.outbox import Standing

MARK_BYTES: Final = 8
MOST_BEYOND: Final = 1000
"""So many marks are kept, and so many of the outbox's last entries are looked at."""
_MOST_EPOCHS: Final = 64


class Heard(NamedTuple):
    """All up to a place, and beyond it the entries that have these marks, each as often as it is there."""

    standing: Standing
    beyond: tuple[bytes, ...] = ()


class HeardLog:
    """Grows with what is heard. For one thread at a time."""

    def __init__(self) -> None:
        self._standing: Standing | None = None
        self._beyond: deque[bytes] = deque(maxlen=MOST_BEYOND)
        self.count = 0
        """How many were heard."""

    @property
    def heard(self) -> Heard | None:
        """To be kept; None before the first place is known."""
        return None if self._standing is None else Heard(self._standing, tuple(self._beyond))

    def add(self, reading: Reading) -> None:
        """It was heard, and is somewhere in the outbox."""
        self._beyond.append(mark_of(reading))
        self.count += 1

    def settle(self, standing: Standing, count: int) -> None:
        """All up to this place was heard, and the first so many of what was heard are not beyond it."""
        self._standing = joined(self._standing, standing)
        while len(self._beyond) > self.count - count:
            self._beyond.popleft()


def joined(before: Standing | None, now: Standing) -> Standing:
    """The later place, knowing the epochs of the earlier one too: a file that was away may come back."""
    gone = () if before is None else tuple(epoch for epoch in before.epochs if epoch not in now.epochs)
    return now._replace(epochs=(*gone, *now.epochs)[-_MOST_EPOCHS:])


def mark_of(reading: Reading) -> bytes:
    """Of what it says, and not when."""
    said = msgspec.msgpack.encode(msgspec.structs.replace(reading, age_ms=0))
    return blake2b(said, digest_size=MARK_BYTES).digest()
