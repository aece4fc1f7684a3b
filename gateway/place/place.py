"""The place of a post: what its settings and its map say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from firmware_bridge.readings import MAX_NAME_BYTES, is_name
from gateway.place.errors import PlaceError
from gateway.place.geojson import Feature, read_features
from gateway.place.geometry import Point, River
from gateway.place.settings import PlaceSettings

MAX_SENSORS: Final = 1000


class PlacedSensor(msgspec.Struct, frozen=True):
    """A sensor that a person told of. title: what people call it, its name if nothing else. latitude, longitude:
    degrees, both None for one whose place nobody told. groups: the one that people name first comes first.
    expected_interval_s: how often it speaks, None where that must be learned."""

    name: str
    title: str
    latitude: float | None = None
    longitude: float | None = None
    groups: tuple[str, ...] = ()
    expected_interval_s: float | None = None

    @property
    def position(self) -> Point | None:
        """Where it is, if anybody told."""
        if self.latitude is None or self.longitude is None:
            return None
        return Point(self.latitude, self.longitude)


class Outline(msgspec.Struct, frozen=True):
    """A territory or a boundary. lines: rings (their last point is the first) or open lines."""

    name: str
    lines: tuple[tuple[Point, ...], ...]


class Place(msgspec.Struct, frozen=True):
    """sensors: by name, in the order in which they were told. rivers: see `River`. post: where the post is."""

    sensors: Mapping[str, PlacedSensor] = {}
    rivers: tuple[River, ...] = ()
    territories: tuple[Outline, ...] = ()
    boundaries: tuple[Outline, ...] = ()
    post: Point | None = None

    @classmethod
    def load(cls, settings: PlaceSettings) -> Place:
        """Read the map that the settings name, if any. Raises PlaceError with words for a person."""
        return place_of(settings, read_features(settings.map) if settings.map is not None else [])

    def title(self, sensor: str) -> str:
        """What people call a sensor: its name when nobody told more."""
        placed = self.sensors.get(sensor)
        return placed.title if placed is not None else sensor

    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Each group to the names of its sensors."""
        found: dict[str, tuple[str, ...]] = {}
        for sensor in self.sensors.values():
            for group in sensor.groups:
                found[group] = (*found.get(group, ()), sensor.name)
        return found


def place_of(settings: PlaceSettings, features: Sequence[Feature]) -> Place:
    """The settings over the map. Raises PlaceError."""
    sensors: dict[str, PlacedSensor] = {}
    for feature in features:
        if feature.kind == "sensor":
            sensor = _sensor(feature, settings)
            if sensor.name in sensors:
                raise PlaceError(
                    f"{settings.map}: el sensor {sensor.name} está dos veces; quite uno",
                    f"{settings.map}: sensor {sensor.name} is there twice; take one away",
                )
            sensors[sensor.name] = sensor
    for told in settings.sensors:
        known = sensors.get(told.name, PlacedSensor(told.name, told.name))
        sensors[told.name] = PlacedSensor(
            told.name,
            told.title or known.title,
            known.latitude if told.latitude is None else told.latitude,
            known.longitude if told.longitude is None else told.longitude,
            tuple(told.groups) or known.groups,
            told.expected_interval_s or known.expected_interval_s,
        )
    if len(sensors) > MAX_SENSORS:
        raise PlaceError(f"hay más de {MAX_SENSORS} sensores en el mapa", f"more than {MAX_SENSORS} sensors on the map")
    post = next((feature.lines[0][0] for feature in features if feature.kind == "post"), None)
    if settings.latitude is not None and settings.longitude is not None:
        post = Point(settings.latitude, settings.longitude)
    return Place(
        sensors,
        tuple(River(feature.name, feature.lines[0]) for feature in features if feature.kind == "river"),
        _outlines(features, "territory"),
        _outlines(features, "boundary"),
        post,
    )


def _outlines(features: Sequence[Feature], kind: str) -> tuple[Outline, ...]:
    return tuple(Outline(feature.name, feature.lines) for feature in features if feature.kind == kind)


def _sensor(feature: Feature, settings: PlaceSettings) -> PlacedSensor:
    properties: Mapping[str, Any] = feature.properties

    def fault(es: str, en: str) -> PlaceError:
        where = f"{settings.map}, sensor {feature.name}"
        return PlaceError(f"{where}: {es}", f"{where}: {en}")

    if not is_name(feature.name):
        raise fault(f"su nombre no es de 1 a {MAX_NAME_BYTES} bytes", f"its name is not 1 to {MAX_NAME_BYTES} bytes")
    title = properties.get("title") or feature.name
    if not isinstance(title, str) or len(title) > 64 or not title.isprintable():
        raise fault("title debe ser texto de hasta 64 signos", "title must be text of up to 64 signs")
    groups = properties.get("groups") or []
    if (
        not isinstance(groups, list)
        or len(groups) > 16
        or not all(isinstance(g, str) and 0 < len(g) <= 64 for g in groups)
    ):
        raise fault(
            'groups debe ser una lista como ["Quebrada Norte"]', 'groups must be a list such as ["North Creek"]'
        )
    interval = properties.get("expected_interval_s")
    if interval is not None and (
        isinstance(interval, bool) or not isinstance(interval, int | float) or not 1 <= interval <= 604_800
    ):
        raise fault("expected_interval_s debe ser de 1 a 604800", "expected_interval_s must be 1 to 604800")
    (point,) = feature.lines[0]
    return PlacedSensor(
        feature.name,
        title,
        point.latitude,
        point.longitude,
        tuple(groups),
        float(interval) if interval is not None else None,
    )
