"""The same readings in the forms that others send them, MQTT framing in."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Final

from firmware_bridge.readings import Kind
from gateway.contract import topics
from gateway.contract.entries import Entry, Group
from gateway.contract.topics import Lane
from ingest.line_protocol import group_lines
from tests.bench.trace import day

_SENSORS: Final = 10
_DAY: Final = _SENSORS * 24 * 60
_BATCH: Final = 500
_READING_TOPIC: Final = topics.up("boca-yaguas", Lane.READING)


def _entries() -> Iterator[Entry]:
    for number, (_, moment, reading) in enumerate(day(_SENSORS, _DAY, first_ms=1_750_000_000_000), start=1):
        yield Entry(number, moment.wall_ms, moment.quality, moment.uncertainty_ms, reading)


def _publish_bytes(payload: int) -> int:
    """A PUBLISH of MQTT 5 with QoS 1 and no properties on our topic."""
    rest = 2 + len(_READING_TOPIC) + 2 + 1 + payload
    return 1 + (1 if rest < 128 else 2 if rest < 16384 else 3) + rest


def json_bytes() -> float:
    """Bytes a reading as JSON, one message each: sensor, time and four values under short names."""

    def message(entry: Entry) -> int:
        told = {"sensor": entry.reading.sensor, "time": entry.time_ms}
        short = {name.split("_")[0]: value for name, value in entry.reading.values().items()}
        return _publish_bytes(len(json.dumps(told | short, separators=(",", ":"))))

    return sum(map(message, _entries())) / _DAY


def zlib_bytes() -> float:
    """Bytes a reading as line protocol, five hundred lines to a message, zlib at level 6."""
    entries = _entries()
    total = 0
    while batch := list(islice(entries, _BATCH)):
        lines = [line for entry in batch for line in group_lines(_alone(entry), territory="", station="", epoch=b"\0")]
        total += _publish_bytes(len(zlib.compress("\n".join(lines).encode(), 6)))
    return total / _DAY


def _alone(entry: Entry) -> Group:
    reading = entry.reading
    return Group(
        Kind(reading.kind), reading.codes, [entry.sequence], [entry.time_ms], [entry.quality], [0],
        [reading.sensor], [""], [[step] for step in reading.steps],
    )  # fmt: skip
