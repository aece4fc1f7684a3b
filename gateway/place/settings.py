"""[place] of the gateway's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from firmware_bridge.readings import MAX_NAME_BYTES, is_name
from gateway.section import Section


def _name(text: str) -> str:
    if not is_name(text):
        said = "a sensor's name is 1 to {most} printable bytes"
        raise PydanticCustomError("value_error", said, {"most": MAX_NAME_BYTES})
    return text


def _no_longitude(degrees: object) -> object:
    if isinstance(degrees, int | float) and not isinstance(degrees, bool) and 90 < abs(degrees) <= 180:
        raise PydanticCustomError("value_error", "a latitude is -90 to 90: are latitude and longitude swapped?")
    return degrees


Latitude = Annotated[float, Field(ge=-90, le=90), BeforeValidator(_no_longitude)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Group = Annotated[str, Field(min_length=1, max_length=64)]


class _Located(Section):
    @model_validator(mode="after")
    def _whole(self) -> _Located:
        latitude, longitude = getattr(self, "latitude", None), getattr(self, "longitude", None)
        if (latitude is None) != (longitude is None):
            raise PydanticCustomError("value_error", "latitude and longitude go together")
        return self


class PlacedSensorSettings(_Located):
    """[[place.sensors]]: goes before what the map says of the same sensor."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="Name of the sensor as in its source: 1 to 32 bytes.",
    )
    title: str | None = Field(None, min_length=1, max_length=64, description="What people call it.")
    latitude: Latitude | None = Field(None, description="Where it is, degrees north; south is negative.")
    longitude: Longitude | None = Field(None, description="Where it is, degrees east; west is negative.")
    groups: list[Group] = Field(
        default_factory=list, max_length=16, description="Groups that it belongs to, the one that people name first."
    )
    expected_interval_s: float | None = Field(
        None, ge=1, le=604_800, description="How often it speaks, seconds; learned from what it says if left out."
    )


class PlaceSettings(_Located):
    """[place]"""

    map: Path | None = Field(
        None, description="GeoJSON file with the territory, the rivers (from source to mouth) and the sensors."
    )
    latitude: Latitude | None = Field(None, description="Where the post is, degrees north; south is negative.")
    longitude: Longitude | None = Field(None, description="Where the post is, degrees east; west is negative.")
    sensors: list[PlacedSensorSettings] = Field(
        default_factory=list,
        max_length=1000,
        description="Where sensors are and which belong together: one [[place.sensors]] for each.",
    )

    @field_validator("sensors")
    @classmethod
    def _no_twins(cls, sensors: list[PlacedSensorSettings]) -> list[PlacedSensorSettings]:
        seen: set[str] = set()
        for sensor in sensors:
            if sensor.name in seen:
                raise PydanticCustomError("value_error", "sensor {name} is placed twice", {"name": sensor.name})
            seen.add(sensor.name)
        return sensors
