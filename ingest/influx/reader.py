"""Stored readings, read back in InfluxQL over `/query`, which 1.x, 2.x (with a DBRP mapping) and 3 all answer.

Every question is bounded: in rows, in bytes read back and in time. Whatever goes wrong is a RetryLater.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from firmware_bridge.readings import QUANTITIES, Kind
from ingest.influx.answers import answer_text, later
from ingest.influx.settings import InfluxSettings
from ingest.influx.statements import from_measurements, where
from ingest.influx.transport import Transport
from ingest.schema import (
    LABEL,
    MEASUREMENTS,
    NOTE,
    SENSOR,
    SEQUENCE,
    STATION,
    TERRITORY,
    TIME_QUALITY,
    TIME_UNCERTAINTY,
)

MAX_ROWS: Final = 10_000
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_KIND_OF: Final = {name: kind for kind, name in MEASUREMENTS.items()}
_Row = Mapping[str, Any]


class Position(msgspec.Struct, frozen=True):
    """Where a page of a time range ended: after `rows` readings of the instant `time_ns`."""

    time_ns: int
    rows: int


class StoredReading(msgspec.Struct, frozen=True):
    """One point. time_ns: its timestamp, whose last six digits are identity, not time. values: by quantity name."""

    kind: Kind
    time_ns: int
    station: str
    sensor: str
    territory: str | None
    label: str | None
    time_quality: str | None
    time_uncertainty_seconds: float | None
    sequence: int | None
    values: dict[str, float]
    note: str = ""


class SeenSensor(msgspec.Struct, frozen=True):
    """A sensor that has sent readings of a kind, and the time of its last one."""

    station: str
    sensor: str
    kind: Kind
    last_time_ns: int


class Filter(msgspec.Struct, frozen=True):
    """What is wanted; None is everything."""

    kind: Kind | None = None
    station: str | None = None
    sensor: str | None = None
    label: str | None = None

    def measurements(self) -> list[str]:
        """Of the one kind, or of all kinds but tallies, which are no sensor's."""
        kinds = [kind for kind in Kind if kind is not Kind.TALLY] if self.kind is None else [self.kind]
        return [MEASUREMENTS[kind] for kind in kinds]

    def tags(self) -> dict[str, str]:
        """Tags that must have a value."""
        wanted = {STATION: self.station, SENSOR: self.sensor, LABEL: self.label}
        return {tag: value for tag, value in wanted.items() if value is not None}


class InfluxReader:
    """Reads one bucket. Thread-safe. The constructor does no I/O."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._transport = Transport(settings)
        self._bucket = settings.bucket

    def latest(self, wanted: Filter) -> list[StoredReading]:
        """The last reading of each (kind, station, sensor), in that order, at most MAX_ROWS. Raises RetryLater."""
        statement = (
            f"SELECT *{from_measurements(wanted.measurements())}{where(wanted.tags())}"
            f' GROUP BY "{STATION}", "{SENSOR}" ORDER BY time DESC LIMIT 1'
        )
        readings = [_reading(name, row) for name, row in self._rows(statement)]
        return sorted(readings, key=lambda r: (r.kind, r.station, r.sensor))[:MAX_ROWS]

    def between(
        self, wanted: Filter, start_ns: int, stop_ns: int, *, limit: int, after: Position | None = None
    ) -> tuple[list[StoredReading], Position | None]:
        """Readings with start <= time < stop, oldest first, and where the next page begins, if there is more.

        limit: 1 to MAX_ROWS. Readings of one instant are ordered by kind; `after` is the Position of the page before.
        Raises RetryLater, ValueError for a limit or Position out of bounds.
        """
        if not 1 <= limit <= MAX_ROWS:
            raise ValueError(f"a limit of {limit} (1 to {MAX_ROWS})")
        if after is not None and not 0 <= after.rows <= MAX_ROWS:
            raise ValueError(f"a page that begins after {after.rows} readings of one instant (at most {MAX_ROWS})")
        skip = 0
        if after is not None:
            start_ns, skip = max(start_ns, after.time_ns), after.rows
        statement = (
            f"SELECT *{from_measurements(wanted.measurements())}"
            f"{where(wanted.tags(), start_ns=start_ns, stop_ns=stop_ns)} ORDER BY time LIMIT {limit + skip + 1}"
        )
        # LIMIT counts for each measurement apart, so the first limit + skip + 1 of all are among the rows.
        readings = sorted(
            (_reading(name, row) for name, row in self._rows(statement)), key=lambda r: (r.time_ns, r.kind)
        )
        page = readings[skip : skip + limit]
        if len(readings) <= skip + limit or not page:
            return page, None
        last = page[-1].time_ns
        rows = sum(1 for reading in page if reading.time_ns == last)
        if after is not None and after.time_ns == last:
            rows += skip
        return page, Position(last, rows)

    def sensors(self, station: str | None = None) -> list[SeenSensor]:
        """Every sensor that has ever sent a reading, by kind, and when it last did. Raises RetryLater."""
        wanted = Filter(station=station)
        statement = (
            f'SELECT last("{SEQUENCE}"){from_measurements(wanted.measurements())}{where(wanted.tags())}'
            f' GROUP BY "{STATION}", "{SENSOR}"'
        )
        seen = [
            SeenSensor(str(row[STATION]), str(row[SENSOR]), _KIND_OF[name], int(row["time"]))
            for name, row in self._rows(statement)
        ]
        return sorted(seen, key=lambda s: (s.station, s.sensor, s.kind))[:MAX_ROWS]

    def close(self) -> None:
        """Let the connections go."""
        self._transport.close()

    def _rows(self, statement: str) -> Iterator[tuple[str, _Row]]:
        """Measurement and row (tags of GROUP BY among its columns) of a statement's answer. Raises RetryLater."""
        answer = self._transport.post(
            "/query",
            {"db": self._bucket, "epoch": "ns"},
            body=_form(statement),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            max_bytes=MAX_ANSWER_BYTES,
        )
        try:
            told = msgspec.json.decode(answer.body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = _Answer(error=answer_text(answer.body)[:200] or "an answer that is not JSON")
        fault = told.error or next((result.error for result in told.results if result.error), None)
        if answer.status != 200 or fault:
            raise later(answer.status, fault or "", answer.retry_after, url=self._transport.url, bucket=self._bucket)
        for result in told.results:
            for series in result.series:
                for values in series.values:
                    yield series.name, {**dict(zip(series.columns, values, strict=True)), **series.tags}


class _Series(msgspec.Struct):
    name: str
    columns: list[str]
    values: list[list[Any]]
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: Sequence[_Result] = []
    error: str | None = None


def _form(statement: str) -> bytes:
    return urlencode({"q": statement}).encode()


def _reading(measurement: str, row: _Row) -> StoredReading:
    sequence = _number(row, SEQUENCE)
    numbers = ((name, _number(row, name)) for name in QUANTITIES)
    return StoredReading(
        kind=_KIND_OF[measurement],
        time_ns=int(row["time"]),
        station=row.get(STATION) or "",
        sensor=row.get(SENSOR) or "",
        territory=row.get(TERRITORY) or None,
        label=row.get(LABEL) or None,
        time_quality=row.get(TIME_QUALITY) or None,
        time_uncertainty_seconds=_number(row, TIME_UNCERTAINTY),
        sequence=None if sequence is None else int(sequence),
        values={name: number for name, number in numbers if number is not None},
        note=str(row.get(NOTE) or ""),
    )


def _number(row: _Row, name: str) -> float | None:
    """A field's number; None where there is none, or where someone else wrote something that is not a number."""
    value = row.get(name)
    return float(value) if isinstance(value, (int, float)) else None
