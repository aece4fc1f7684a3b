"""A post for the tests of this folder: intake, outbox and media store, all real."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from firmware_bridge.delivery import Delivery
from firmware_bridge.readings import Reading
from gateway.clock.clock import Clock
from gateway.contract.topics import Lane
from gateway.intake import Intake, Lanes
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.settings import LaneSettings


class Post:
    """source: whose rejections `reasons` tells."""

    def __init__(self, directory: Path, source: str = "camaras") -> None:
        self.source = source
        self.clock = Clock("system")
        self.outbox = Outbox(directory / "outbox.db", max_bytes=2**26, memory_bytes=2**22, clock=self.clock)
        self.media = MediaStore(directory / "media", max_bytes=2**26)
        self.outbox.open()
        self.media.open()
        self.deliveries: list[Delivery] = []
        self._intake = Intake(self.outbox, Lanes(LaneSettings()), self.clock, lambda alerts: None, self.media)

    def deliver(self, delivery: Delivery) -> None:
        self._intake.deliver(delivery)
        self.deliveries.append(delivery)

    def readings(self) -> list[Reading]:
        """What is on disk, of every epoch."""
        found: list[Reading] = []
        place = (0, 0)
        while (parcel := self.outbox.take(Lane.DETECTION, place, limit=1000)) is not None:
            found += [entry.reading for entry in parcel.entries]
            place = parcel.last
        return found

    def reasons(self) -> Counter[str]:
        return Counter({name: n for (place, name), n in self.outbox.tallies().items() if place == self.source})

    def delivered(self) -> int:
        """How many readings the intake has taken."""
        return sum(len(delivery.readings) for delivery in self.deliveries)
