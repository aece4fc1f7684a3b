"""PUBLISHED. Measurement, tag and field names as they are stored in InfluxDB.

One reading is one point. Its measurement is the kind's slug (`acoustic_detection`, `environment`, ...); its tags are
TAGS, of which territory and station come from headquarters' registry and never from the sender's word; its fields are
one float for each quantity, by the quantity's name, SEQUENCE, and on a few points NOTE. Numbers are always floats, so
that a field never changes its type.

The timestamp, in nanoseconds, is the entry's time in milliseconds followed by six digits made of its identity
(`point_time_ns`): writing an entry again overwrites it, and two entries of one millisecond do not collide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware_bridge.readings import QUANTITIES, Kind

TERRITORY: Final = "territory"
STATION: Final = "station"
SENSOR: Final = "sensor"
LABEL: Final = "label"
TIME_QUALITY: Final = "time_quality"
TAGS: Final = (LABEL, SENSOR, STATION, TERRITORY, TIME_QUALITY)
"""Every tag, in the order in which points carry them (InfluxDB likes them sorted)."""

SEQUENCE: Final = "sequence"
"""Field of every point: the entry's sequence number in its outbox epoch."""

TIME_UNCERTAINTY: Final = "time_uncertainty_seconds"
"""Field of points whose time is not sure: the true time is within this much of the point's."""

NOTE: Final = "note"
"""Field of the few points that have one, the only one that is text: words of a person or of the post."""

MEASUREMENTS: Final[Mapping[Kind, str]] = {kind: kind.slug for kind in Kind}
FIELDS: Final = (*QUANTITIES, SEQUENCE, TIME_UNCERTAINTY)
"""Every field name that a point can have, but for NOTE: all of them numbers."""

HEADQUARTERS: Final = "headquarters"
"""The station tag of what the ingestion service says of itself."""


def point_time_ns(time_ms: int, epoch: bytes, sequence: int) -> int:
    """The timestamp of an entry's point: milliseconds, then (sequence + an offset of the epoch) modulo 10**6."""
    return time_ms * 1_000_000 + (sequence + int.from_bytes(epoch, "big")) % 1_000_000
