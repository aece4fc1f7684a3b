"""Groups of entries to InfluxDB line protocol, column by column.

What a line says is in `ingest.schema`; how it is escaped and how numbers are written is byte for byte what
influxdb-client's `Point.to_line_protocol` gives (a property test holds them equal), several times faster.

Where that escaping loses something: line feed, carriage return and tab in a tag or measurement become the two
characters `\\n`, `\\r`, `\\t`, and a tag value that ends in a backslash gets a space after it, so that `a\\` and `a\\ `
(with a space) are stored alike. Names on our wire are printable and end in no backslash, so none of these arrives.
An empty tag value means that the point has no such tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from firmware_bridge.readings import QUANTITIES, QUANTITY_BY_CODE, Kind, Quantity
from gateway.contract.entries import Group, TimeQuality
from ingest.schema import (
    HEADQUARTERS,
    LABEL,
    MEASUREMENTS,
    NOTE,
    SENSOR,
    SEQUENCE,
    STATION,
    TERRITORY,
    TIME_QUALITY,
    TIME_UNCERTAINTY,
    point_time_ns,
)

_MEASUREMENT_ESCAPES: Final = str.maketrans({",": "\\,", " ": "\\ ", "\n": "\\n", "\t": "\\t", "\r": "\\r"})
_TAG_ESCAPES: Final = _MEASUREMENT_ESCAPES | str.maketrans({"=": "\\="})
_QUALITY_SLUGS: Final = {int(quality): quality.slug for quality in TimeQuality}
_DISCARDED_TOTAL: Final = QUANTITIES["discarded_total"]
_STRING_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})
_EXACT_UP_TO: Final = 10**15
"""Whole numbers up to this are written alike as int and as float."""


def escape_measurement(name: str) -> str:
    """A measurement name as line protocol writes it."""
    return name.translate(_MEASUREMENT_ESCAPES)


def escape_tag(value: str) -> str:
    """A tag's value as line protocol writes it."""
    escaped = value.translate(_TAG_ESCAPES)
    return escaped + " " if escaped.endswith("\\") else escaped


def float_text(value: float) -> str:
    """A finite number as InfluxDB reads a float: the shortest that gives the same float back, 1.0 as `1`."""
    return repr(value).removesuffix(".0")


def quality_slug(code: int) -> str:
    """The tag value of a time quality; a code from newer software becomes `quality_<code>`."""
    return _QUALITY_SLUGS.get(code) or f"quality_{code}"


def group_lines(group: Group, *, territory: str, station: str, epoch: bytes) -> list[str]:
    """One line for each entry of a group, in the group's order, without line ends; timestamps in nanoseconds."""
    columns: dict[str, Iterator[str] | list[str] | list[int]] = {
        QUANTITY_BY_CODE[code].name: _texts(QUANTITY_BY_CODE[code], steps)
        for code, steps in zip(group.codes, group.columns, strict=True)
    }
    columns[SEQUENCE] = group.sequences
    fields = {name: f"{name}=%s" for name in columns}
    if any(group.uncertainties_ms):
        columns[TIME_UNCERTAINTY] = _uncertainty_texts(group.uncertainties_ms)
        fields[TIME_UNCERTAINTY] = "%s"  # with its own name, or nothing at all where the time is sure
    if group.notes:
        columns[NOTE] = [_note_text(group.notes.get(i, "")) for i in range(len(group.sequences))]
        fields[NOTE] = "%s"
    names = sorted(columns)
    written = _fields_written(names, fields)
    keys = list(zip(group.sensors, group.labels, group.qualities, strict=True))
    heads = {key: _head(group.kind, key, territory, station) for key in set(keys)}
    # The formula of point_time_ns with the epoch's share taken out of the loop: a tenth of the whole time.
    offset = point_time_ns(0, epoch, 0)
    times = [
        ms * 1_000_000 + (sequence + offset) % 1_000_000
        for ms, sequence in zip(group.times_ms, group.sequences, strict=True)
    ]
    line = f"%s {written} %d"
    return list(
        map(line.__mod__, zip(map(heads.__getitem__, keys), *(columns[name] for name in names), times, strict=True))
    )


def _fields_written(names: list[str], fields: Mapping[str, str]) -> str:
    """The fields' pattern. What not every line has brings its own comma: SEQUENCE, which all have, stands after NOTE
    and before TIME_UNCERTAINTY."""
    written, before = "", NOTE
    for name in names:
        written += fields[name] if before == NOTE or name == TIME_UNCERTAINTY else "," + fields[name]
        before = name
    return written


def tally_lines(counters: Mapping[tuple[str, str], int], time_ns: int) -> list[str]:
    """What headquarters itself discarded, by (stage, reason), as points of the TALLY measurement at one time."""
    measurement = escape_measurement(MEASUREMENTS[Kind.TALLY])
    return [
        f"{measurement},{LABEL}={escape_tag(reason)},{SENSOR}={escape_tag(stage)},{STATION}={HEADQUARTERS}"
        f" {_DISCARDED_TOTAL.name}={float_text(float(count))} {time_ns}"
        for (stage, reason), count in sorted(counters.items())
    ]


def _head(kind: Kind, key: tuple[str, str, int], territory: str, station: str) -> str:
    """Measurement and tags, the tags in the order of schema.TAGS."""
    sensor, label, quality = key
    labelled = f",{LABEL}={escape_tag(label)}" if label else ""
    return (
        f"{escape_measurement(MEASUREMENTS[kind])}{labelled},{SENSOR}={escape_tag(sensor)}"
        f",{STATION}={escape_tag(station)},{TERRITORY}={escape_tag(territory)},{TIME_QUALITY}={quality_slug(quality)}"
    )


def _texts(quantity: Quantity, steps: list[int]) -> Iterator[str] | list[int]:
    """A column of steps as floats in the quantity's unit. Values repeat: each distinct one is written once."""
    per_unit = quantity.per_unit
    if per_unit == 1 and -_EXACT_UP_TO < min(steps) <= max(steps) < _EXACT_UP_TO:
        return steps
    texts = {step: float_text(step / per_unit) for step in set(steps)}
    return map(texts.__getitem__, steps)


def _note_text(note: str) -> str:
    return f'{NOTE}="{note.translate(_STRING_ESCAPES)}",' if note else ""


def _uncertainty_texts(uncertainties_ms: list[int]) -> Iterator[str]:
    texts = {ms: f",{TIME_UNCERTAINTY}={float_text(ms / 1000)}" if ms > 0 else "" for ms in set(uncertainties_ms)}
    return map(texts.__getitem__, uncertainties_ms)
