"""PUBLISHED. An entry: one reading as it stands in an outbox, with its identity and its time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final

import msgspec

from firmware_bridge.readings import Kind, Reading

MAX_ENTRIES: Final = 4096
"""Most entries in one message."""


class TimeQuality(IntEnum):
    """Where an entry's time comes from, best first."""

    GPS = 1
    NTP = 2
    RECOVERED = 3  # reckoned from a trusted moment of the same boot, later or earlier
    SYSTEM = 4  # the operator says that this machine's clock is kept right
    UNTRUSTED = 5  # nobody vouched for the clock in that boot: only the bounds are known, if those

    @property
    def slug(self) -> str:
        """The tag value in InfluxDB."""
        return self.name.lower()


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One reading as it stands in an outbox: who (with the epoch) for ever, what, and when.

    sequence: 1 to 2**48-1. time_ms: Unix time, milliseconds, UTC. uncertainty_ms: the true time is within this much of
    time_ms, as far as the post knows. reading: its age is already taken off, so age_ms is 0.
    """

    sequence: int
    time_ms: int
    quality: int
    uncertainty_ms: int
    reading: Reading


class Group(msgspec.Struct, frozen=True):
    """Entries of one shape, column by column; every list has one item an entry, in sorted order. notes: by index, of
    the few entries that have one."""

    kind: Kind
    codes: tuple[int, ...]
    sequences: list[int]
    times_ms: list[int]
    qualities: list[int]
    uncertainties_ms: list[int]
    sensors: list[str]
    labels: list[str]
    columns: list[list[int]]  # one list of steps for each code
    notes: dict[int, str] = {}


def entries_of(groups: Iterable[Group]) -> Iterator[Entry]:
    """Entry by entry, in sorted order of each group."""
    for group in groups:
        for i, steps in enumerate(zip(*group.columns, strict=True)):
            yield Entry(
                group.sequences[i],
                group.times_ms[i],
                group.qualities[i],
                group.uncertainties_ms[i],
                Reading(
                    int(group.kind), group.sensors[i], group.labels[i], group.codes, steps, note=group.notes.get(i, "")
                ),
            )
