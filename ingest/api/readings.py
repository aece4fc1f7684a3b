"""/api/v1/readings: the last reading of each sensor, or all of a stretch of time, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from firmware_bridge.readings import MAX_NAME_BYTES, QUANTITIES, Kind
from ingest.api.cursors import MAX_CURSOR, AfterReading, AfterSensor, decode_cursor, encode_cursor
from ingest.api.labels import is_listed, not_a_label
from ingest.api.parts import PartsOf, refuse_unknown_parameters, require_token
from ingest.api.problems import ANSWERS, DATABASE_AWAY, bad_request
from ingest.api.stations import StationName
from ingest.influx.reader import MAX_ROWS, Filter, InfluxReader, StoredReading

router = APIRouter(
    prefix="/api/v1",
    tags=["readings"],
    dependencies=[Depends(require_token), Depends(refuse_unknown_parameters)],
    responses={**ANSWERS, **DATABASE_AWAY},
)

KindSlug = Literal[
    "acoustic_detection",
    "camera_detection",
    "environment",
    "device_status",
    "position",
    "station_health",
    "tally",
    "incident",
    "patrol",
    "command_answer",
]
_KINDS: Final = {kind.slug: kind for kind in Kind}
_Name = Annotated[str, Query(min_length=1, max_length=MAX_NAME_BYTES)]
_UNITS: Final = ", ".join(f"{q.name} ({q.unit})" for q in QUANTITIES.values())


class StoredReadingAnswer(BaseModel, title="Reading"):
    """One thing that a sensor said."""

    time: Annotated[
        datetime,
        Field(description="When it happened, UTC, to the millisecond.", examples=["2025-06-01T06:00:00.250Z"]),
    ]
    kind: Annotated[str, Field(examples=["acoustic_detection"])]
    station: Annotated[str, Field(examples=["boca-yaguas"])]
    sensor: Annotated[str, Field(examples=["audio-01"])]
    territory: Annotated[str | None, Field(examples=["yaguas"])]
    label: Annotated[
        str | None, Field(description="What was heard or seen; of a tally, the reason.", examples=["chainsaw"])
    ]
    time_quality: Annotated[
        str | None,
        Field(description="Where the time comes from: gps, ntp, recovered, system, untrusted.", examples=["gps"]),
    ]
    time_uncertainty_seconds: Annotated[
        float | None, Field(description="The true time is within this many seconds; none when it is sure.")
    ]
    sequence: Annotated[int | None, Field(description="Number of the entry in the post's outbox.", examples=[4711])]
    values: Annotated[
        dict[str, float],
        Field(
            description=f"By quantity, each in its one unit (UCUM): {_UNITS}.",
            examples=[{"confidence_ratio": 0.92, "sound_level_decibels": 71.5}],
        ),
    ]
    note: Annotated[str, Field(description="Words of a person or of the post; mostly none.", examples=[""])]


class Readings(BaseModel):
    """A page of readings."""

    readings: list[StoredReadingAnswer]
    next: Annotated[
        str | None,
        Field(description="Send as `cursor`, with the other parameters unchanged, for the next page; none at the end."),
    ]


@router.get("/readings", summary="Last readings, or those of a time range")
def readings(
    parts: PartsOf,
    station: StationName | None = None,
    sensor: Annotated[_Name | None, Query(description="The sensor's name.", examples=["audio-01"])] = None,
    kind: Annotated[KindSlug | None, Query(description="One kind; without it all but tallies.")] = None,
    label: Annotated[
        _Name | None,
        Query(
            description="What was heard or seen: a name of the vocabulary, or another that readings have; "
            "of tallies, the reason.",
            examples=["chainsaw"],
        ),
    ] = None,
    latest: Annotated[bool, Query(description="Only the last reading of each sensor and kind.")] = False,
    start: Annotated[
        AwareDatetime | None,
        Query(
            alias="from",
            description="First instant, RFC 3339; without it 24 hours before `to`.",
            examples=["2025-06-01T06:00:00Z"],
        ),
    ] = None,
    stop: Annotated[
        AwareDatetime | None,
        Query(
            alias="to", description="First instant no longer wanted; without it now.", examples=["2025-06-02T06:00:00Z"]
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS, description="Most readings in one page.")] = 100,
    cursor: Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next` of the page before.")] = None,
) -> Readings:
    """With `latest=true` by kind, station and sensor; else oldest first."""
    for name, text in (("sensor", sensor), ("label", label)):
        if text is not None and not text.isprintable():
            raise bad_request(f"`{name}` has characters that do not print")
    wanted = Filter(kind=_KINDS[kind] if kind else None, station=station, sensor=sensor, label=label)
    try:
        after = decode_cursor(cursor) if cursor is not None else None
    except ValueError as error:
        raise bad_request(str(error)) from error
    if latest:
        if start is not None or stop is not None:
            raise bad_request("`latest=true` takes no `from` and no `to`")
        if after is not None and not isinstance(after, AfterSensor):
            raise bad_request("`cursor` belongs to a time range; begin without it")
        found = _latest(parts.reader, wanted, limit, after)
    else:
        if after is not None and not isinstance(after, AfterReading):
            raise bad_request("`cursor` belongs to `latest=true`; begin without it")
        found = _between(parts.reader, wanted, start, stop, limit, after)
    if label and not found.readings and not (is_listed(label) or _has_ever(parts.reader, wanted.kind, label)):
        raise bad_request(not_a_label(label))
    return found


def _has_ever(reader: InfluxReader, kind: Kind | None, label: str) -> bool:
    """Whether there is any such reading: recorders may have labels of their own, and tallies have reasons."""
    return kind is Kind.TALLY or bool(reader.latest(Filter(label=label)))


def _latest(reader: InfluxReader, wanted: Filter, limit: int, after: AfterSensor | None) -> Readings:
    found = reader.latest(wanted)
    if after is not None:
        found = [r for r in found if (r.kind, r.station, r.sensor) > (after.kind, after.station, after.sensor)]
    page = found[:limit]
    more = AfterSensor(int(page[-1].kind), page[-1].station, page[-1].sensor) if len(found) > limit else None
    return Readings(readings=[_answer(r) for r in page], next=encode_cursor(more) if more else None)


def _between(
    reader: InfluxReader,
    wanted: Filter,
    start: datetime | None,
    stop: datetime | None,
    limit: int,
    after: AfterReading | None,
) -> Readings:
    if any(moment is not None and not 1970 <= moment.year <= 2248 for moment in (start, stop)):
        raise bad_request("`from` and `to` must lie between 1970 and 2248")
    stop = stop or datetime.now(UTC)
    start = start or stop - timedelta(days=1)
    if start >= stop:
        raise bad_request("`from` must be before `to`")
    page, more = reader.between(wanted, _ns(start), _ns(stop), limit=limit, after=after.position() if after else None)
    return Readings(
        readings=[_answer(r) for r in page], next=encode_cursor(AfterReading(more.time_ns, more.rows)) if more else None
    )


def _ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _answer(reading: StoredReading) -> StoredReadingAnswer:
    return StoredReadingAnswer(
        time=datetime.fromtimestamp(reading.time_ns // 1_000_000 / 1000, UTC),
        kind=reading.kind.slug,
        station=reading.station,
        sensor=reading.sensor,
        territory=reading.territory,
        label=reading.label,
        time_quality=reading.time_quality,
        time_uncertainty_seconds=reading.time_uncertainty_seconds,
        sequence=reading.sequence,
        values=reading.values,
        note=reading.note,
    )
