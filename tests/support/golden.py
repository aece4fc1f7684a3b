"""Golden bytes: what a device really says, with where that is known from.

Each driver's test has two of them, ACCEPTED and REJECTED. The conformance suite (tests/firmware_bridge/test_sources.py)
feeds them to the driver, whole and spoilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from firmware_bridge.delivery import Delivery
from firmware_bridge.readings import Reading, Rejected
from firmware_bridge.sources import DRIVERS, SourceSettings


class Golden(NamedTuple):
    """provenance: capture, a document's example, or how it was made up (synthetic). settings: of the source. chunks: as
    the link brings them. ACCEPTED gives at least one reading; REJECTED none, and a reason. stands_alone: False for
    ACCEPTED of a conversation, whose bytes, heard alone, give neither.
    """

    provenance: str
    settings: SourceSettings
    chunks: tuple[bytes, ...]
    stands_alone: bool = True


class Outcome(NamedTuple):
    """What a decoder made of some chunks, in order."""

    deliveries: list[Delivery]

    @property
    def readings(self) -> list[Reading]:
        """All of them."""
        return [reading for delivery in self.deliveries for reading in delivery.readings]

    @property
    def rejected(self) -> list[Rejected]:
        """All of them."""
        return [item for delivery in self.deliveries for item in delivery.rejected]

    @property
    def reasons(self) -> dict[str, int]:
        """How often each."""
        counts: dict[str, int] = {}
        for item in self.rejected:
            counts[item.reason] = counts.get(item.reason, 0) + item.count
        return counts


def outcome(settings: SourceSettings, chunks: Sequence[bytes]) -> Outcome:
    """What a fresh decoder of the driver in the settings makes of the chunks."""
    decoder = DRIVERS[settings.driver].new_decoder(settings, {})
    return Outcome([told for chunk in chunks if (told := decoder.feed(chunk)) is not None])
