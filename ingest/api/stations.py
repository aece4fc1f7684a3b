"""/api/v1/stations and /api/v1/sensors: who there is, and who has been heard."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from gateway.contract.topics import STATION_NAME
from ingest.api.parts import PartsOf, refuse_unknown_parameters, require_token
from ingest.api.problems import ANSWERS, DATABASE_AWAY
from ingest.api.status import StationLink

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(require_token), Depends(refuse_unknown_parameters)],
    responses=ANSWERS,
)

StationName = Annotated[
    str, Query(pattern=f"^{STATION_NAME.pattern}$", description="The station's name.", examples=["boca-yaguas"])
]
_LastTime = Annotated[datetime | None, Field(description="Time of the last reading, UTC.")]


class Station(BaseModel):
    """A registered control post."""

    name: Annotated[str, Field(examples=["boca-yaguas"])]
    title: Annotated[str, Field(examples=["Puesto Boca Yaguas"])]
    territory: Annotated[str, Field(description="Name of the territory it speaks from.", examples=["yaguas"])]
    territory_title: Annotated[str, Field(examples=["Parque Nacional Yaguas"])]
    link: Annotated[
        Literal["up", "down", "unknown"],
        Field(
            description="Its link to the broker, as it said itself or its last will; unknown before the first word."
            " Down without a `link_reason` is lost: nobody meant it."
        ),
    ]
    link_reason: Annotated[
        str | None,
        Field(
            description="Why the post closed its link itself: window_over (it is open at certain hours),"
            " budget_spent (the day's bytes are spent; alerts still open it), stopped (somebody stopped the gateway);"
            " a later version may say more.",
            examples=["window_over"],
        ),
    ]
    link_next: Annotated[datetime | None, Field(description="When it means to open it again, UTC, if it said so.")]
    link_since: Annotated[datetime | None, Field(description="When the link changed, by the post's clock, UTC.")]
    last_received: Annotated[datetime | None, Field(description="When its last message was stored here, UTC.")]


class Stations(BaseModel):
    """Every registered station, in the registry's order."""

    stations: list[Station]


class SensorKind(BaseModel):
    """Readings of one kind from a sensor."""

    kind: Annotated[str, Field(examples=["acoustic_detection"])]
    last_time: _LastTime


class Sensor(BaseModel):
    """A sensor that is expected or has been heard."""

    station: Annotated[str, Field(examples=["boca-yaguas"])]
    name: Annotated[str, Field(examples=["audio-01"])]
    title: Annotated[str | None, Field(description="From the registry; none when it is not there.")]
    expected: Annotated[bool, Field(description="Whether the registry lists it.")]
    kinds: Annotated[list[SensorKind], Field(description="What it has sent; empty when it was never heard.")]
    last_time: _LastTime


class Sensors(BaseModel):
    """Sensors by station and name."""

    sensors: list[Sensor]


@router.get("/stations", tags=["stations"], summary="Registered stations and their links")
def stations(parts: PartsOf) -> Stations:
    """From the registry and the stations' own states; does not ask the database."""
    titles = {territory.name: territory.title for territory in parts.registry.territories()}
    links = parts.status.station_links()
    listed = []
    for station in parts.registry.stations():
        link = links.get(station.name, StationLink())
        listed.append(
            Station(
                name=station.name,
                title=station.title,
                territory=station.territory,
                territory_title=titles.get(station.territory, station.territory),
                link=link.link,
                link_reason=link.reason or None,
                link_next=_utc(link.next_ms),
                link_since=_utc(link.since_ms),
                last_received=_utc(link.last_received_ms),
            )
        )
    return Stations(stations=listed)


@router.get("/sensors", tags=["stations"], summary="Sensors expected and heard", responses=DATABASE_AWAY)
def sensors(parts: PartsOf, station: StationName | None = None) -> Sensors:
    """Those of the registry and those that the database has readings of."""
    titles = {
        (registered.name, sensor.name): sensor.title
        for registered in parts.registry.stations()
        for sensor in registered.sensors
        if station in (None, registered.name)
    }
    kinds: dict[tuple[str, str], list[SensorKind]] = {key: [] for key in titles}
    for seen in parts.reader.sensors(station):
        kinds.setdefault((seen.station, seen.sensor), []).append(
            SensorKind(kind=seen.kind.slug, last_time=_utc(seen.last_time_ns // 1_000_000))
        )
    return Sensors(
        sensors=[
            Sensor(
                station=key[0],
                name=key[1],
                title=titles.get(key),
                expected=key in titles,
                kinds=of_kind,
                last_time=max((k.last_time for k in of_kind if k.last_time), default=None),
            )
            for key, of_kind in sorted(kinds.items())
        ]
    )


def _utc(time_ms: int | None) -> datetime | None:
    return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, UTC)
