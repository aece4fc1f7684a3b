"""A gateway's intake and outbox for tests of sources: what they deliver, read back from the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_bridge.delivery import Deliver, ReplayState
from firmware_bridge.readings import Reading
from gateway.clock.clock import Clock
from gateway.contract.topics import Lane
from gateway.intake import Intake, Lanes
from gateway.outbox.outbox import Outbox
from gateway.settings import LaneSettings


class KeptPost:
    """An outbox that is open. `deliver` is what a source is given."""

    def __init__(self, outbox: Outbox, deliver: Deliver) -> None:
        self._outbox = outbox
        self.deliver = deliver

    def replay(self) -> dict[str, ReplayState]:
        """What a source is opened with."""
        return self._outbox.replay()

    def readings(self) -> list[Reading]:
        """Every reading that waits to be sent, once all is on the disk; those of a lane in their order."""
        self._outbox.commit()
        found = []
        for lane in Lane:
            after = (0, 0)
            while (parcel := self._outbox.take(lane, after, limit=500)) is not None:
                found += [entry.reading for entry in parcel.entries]
                after = parcel.last
        return found

    def tallies(self) -> dict[tuple[str, str], int]:
        """Discards by source and reason."""
        return self._outbox.tallies()


@contextmanager
def kept_post(path: Path) -> Iterator[KeptPost]:
    """A post's intake and outbox, open, in this process."""
    clock = Clock("system")
    outbox = Outbox(path, max_bytes=64 * 1024 * 1024, memory_bytes=1024 * 1024, clock=clock)
    outbox.open()
    try:
        yield KeptPost(outbox, Intake(outbox, Lanes(LaneSettings()), clock, lambda _: None).deliver)
    finally:
        outbox.close()
