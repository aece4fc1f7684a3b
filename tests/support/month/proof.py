"""What headquarters holds after the link came back, held against what is true."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from deploy.parts.servers import InfluxDB
from firmware_bridge.readings import Kind
from gateway.contract.batches import decode_head
from gateway.contract.topics import Lane, parse_up
from ingest.schema import MEASUREMENTS, NOTE, SEQUENCE, TAGS, TIME_UNCERTAINTY
from tests.support.month.ledger import Identity
from tests.support.month.post import POST

_EPOCH_DIGITS = 10**6


class Stored(NamedTuple):
    """A point. uncertainty_ms: None where it claims to be exact."""

    measurement: str
    time_ms: int
    uncertainty_ms: int | None
    quality: str
    sensor: str
    label: str
    note: str
    values: dict[str, float]


def stored(influx: InfluxDB, database: str, epochs: set[bytes]) -> dict[Identity, list[Stored]]:
    """Every point of the post, by the identity that its time and its sequence tell."""
    offsets = {int.from_bytes(epoch, "big") % _EPOCH_DIGITS: epoch for epoch in epochs}
    assert len(offsets) == len(epochs)  # one in a million: two look alike
    found: defaultdict[Identity, list[Stored]] = defaultdict(list)
    for kind in Kind:
        measurement = MEASUREMENTS[kind]
        for series in influx.query(database, f"SELECT * FROM \"{measurement}\" WHERE station = '{POST}'"):
            for row in series["values"]:
                point = {name: value for name, value in zip(series["columns"], row, strict=True) if value is not None}
                sequence = int(point[SEQUENCE])
                epoch = offsets[(point["time"] - sequence) % _EPOCH_DIGITS]
                found[epoch, sequence].append(_stored(measurement, point))
    return found


def _stored(measurement: str, point: dict[str, Any]) -> Stored:
    bound = point.get(TIME_UNCERTAINTY)
    return Stored(
        measurement,
        point["time"] // 1_000_000,
        None if bound is None else round(bound * 1000),
        point["time_quality"],
        point["sensor"],
        point.get("label", ""),
        point.get(NOTE, ""),
        {name: value for name, value in point.items() if name not in {"time", SEQUENCE, TIME_UNCERTAINTY, NOTE, *TAGS}},
    )


def arrivals(journal: Path) -> list[tuple[Lane, set[Identity]]]:
    """The messages of ingest's journal in the order in which they came: lane, entries."""
    came = []
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=10)) as db:
        for topic, payload in db.execute("SELECT topic, payload FROM message ORDER BY id"):
            head = decode_head(payload)
            came.append((parse_up(topic).lane, {(head.epoch, sequence) for sequence in head.ranges.numbers()}))
    return came


def dead_letters(journal: Path) -> Counter[str]:
    """How many of each reason."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=10)) as db:
        return Counter(dict(db.execute("SELECT reason, count(*) FROM dead_letter GROUP BY reason")))


def unsure_ms(point: Stored, true_ms: int) -> int:
    """How far a point's time is off the truth, beyond what it says of itself; negative: within. Its digits below a
    millisecond are its identity."""
    return abs(point.time_ms - true_ms) - (point.uncertainty_ms or 0)
