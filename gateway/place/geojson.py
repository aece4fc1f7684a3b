"""A map file: GeoJSON (RFC 7946), with what each feature is in its properties.

properties.kind: territory, boundary (Polygon, MultiPolygon, LineString, MultiLineString), river (LineString from source
to mouth), sensor, post (Point). properties.name: 1 to 64 characters; of a sensor its name in the settings. A sensor may
have title, groups (a list) and expected_interval_s. Features of other kinds are for other programs, and passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.place.errors import PlaceError
from gateway.place.geometry import Point

MAX_FILE_BYTES: Final = 8 * 1024 * 1024
MAX_POINTS: Final = 100_000
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "territory": ("Polygon", "MultiPolygon"),
    "boundary": ("Polygon", "MultiPolygon", "LineString", "MultiLineString"),
    "river": ("LineString",),
    "sensor": ("Point",),
    "post": ("Point",),
}
"""What a feature may be, and the geometries it may have."""


class Feature(NamedTuple):
    """lines: a Point is one line of one point; a polygon's rings are lines whose last point is the first."""

    kind: str
    name: str
    lines: tuple[tuple[Point, ...], ...]
    properties: Mapping[str, Any]


def read_features(path: Path) -> list[Feature]:
    """Every feature of a kind that is known. Raises PlaceError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        said = error.strerror or str(error)
        raise PlaceError(
            f"no se puede leer el mapa {path}: {said}", f"the map {path} cannot be read: {said}"
        ) from error
    if len(raw) > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1024 // 1024
        raise PlaceError(
            f"el mapa {path} pasa de {most} MiB; simplifique sus líneas (mapshaper, QGIS)",
            f"the map {path} is longer than {most} MiB; simplify its lines (mapshaper, QGIS)",
        )
    try:
        told = json.loads(raw.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise PlaceError(
            f"el mapa {path} no es JSON: línea {error.lineno}, columna {error.colno}",
            f"the map {path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}",
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8; lists in lists without end
        raise PlaceError(f"el mapa {path} no es JSON en UTF-8", f"the map {path} is not JSON in UTF-8") from error
    features = told.get("features") if isinstance(told, dict) and told.get("type") == "FeatureCollection" else None
    if not isinstance(features, list):
        raise PlaceError(
            f"el mapa {path} no es GeoJSON: falta una FeatureCollection con features",
            f"the map {path} is no GeoJSON: it holds no FeatureCollection with features",
        )
    budget = _Budget(path)
    return [feature for number, one in enumerate(features, 1) if (feature := _feature(one, number, budget)) is not None]


class _Budget:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.points = 0

    def take(self) -> None:
        self.points += 1
        if self.points > MAX_POINTS:
            raise PlaceError(
                f"el mapa {self.path} tiene más de {MAX_POINTS} puntos; simplifique sus líneas (mapshaper, QGIS)",
                f"the map {self.path} has more than {MAX_POINTS} points; simplify its lines (mapshaper, QGIS)",
            )


def _feature(one: Any, number: int, budget: _Budget) -> Feature | None:
    properties = one.get("properties") if isinstance(one, dict) else None
    kind = properties.get("kind") if isinstance(properties, dict) else None
    if not isinstance(properties, dict) or not isinstance(kind, str) or kind not in KINDS:
        return None
    name = properties.get("name", "")
    fault = _fault_of(budget.path, number, kind, name)
    if not isinstance(name, str) or len(name) > 64 or not name.isprintable() or (kind != "post" and not name):
        raise fault("properties.name debe ser texto de 1 a 64 signos", "properties.name must be text of 1 to 64 signs")
    geometry = one.get("geometry")
    shape = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or shape not in KINDS[kind]:
        wanted = " o ".join(KINDS[kind]), " or ".join(KINDS[kind])
        raise fault(f"la geometría debe ser {wanted[0]}", f"its geometry must be {wanted[1]}")
    depth = {"Point": 0, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}[str(shape)]
    lines = tuple(_lines(geometry.get("coordinates"), depth, budget, fault))
    least = {"Point": 1, "LineString": 2, "MultiLineString": 2}.get(str(shape), 4)
    if not lines or any(len(line) < least for line in lines):
        raise fault(f"cada línea necesita al menos {least} puntos", f"each line needs at least {least} points")
    return Feature(kind, name, lines, properties)


_Fault = Callable[[str, str], PlaceError]


def _fault_of(path: Path, number: int, kind: str, name: object) -> _Fault:
    called = f" {name}" if isinstance(name, str) and name.isprintable() and len(name) <= 64 and name else ""

    def fault(es: str, en: str) -> PlaceError:
        where = f"{path}, feature {number} ({kind}{called})"
        return PlaceError(f"{where}: {es}", f"{where}: {en}")

    return fault


def _lines(coordinates: Any, depth: int, budget: _Budget, fault: _Fault) -> Iterator[tuple[Point, ...]]:
    if depth == 0:
        yield (_point(coordinates, budget, fault),)
        return
    if not isinstance(coordinates, list):
        raise fault("coordinates no es una lista", "coordinates is no list")
    if depth == 1:
        yield tuple(_point(one, budget, fault) for one in coordinates)
        return
    for inner in coordinates:
        yield from _lines(inner, depth - 1, budget, fault)


def _point(position: Any, budget: _Budget, fault: _Fault) -> Point:
    budget.take()
    if not isinstance(position, list) or len(position) < 2:
        raise fault("una posición es [longitud, latitud]", "a position is [longitude, latitude]")
    longitude, latitude = position[:2]
    for number in (longitude, latitude):
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise fault("una posición es [longitud, latitud]", "a position is [longitude, latitude]")
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        if -180 <= latitude <= 180 and -90 <= longitude <= 90:
            raise fault(
                f"[{longitude:g}, {latitude:g}]: ¿latitud y longitud cambiadas? En GeoJSON va primero la longitud",
                f"[{longitude:g}, {latitude:g}]: are latitude and longitude swapped? GeoJSON has longitude first",
            )
        raise fault(
            f"[{longitude:g}, {latitude:g}] no está en la Tierra: en GeoJSON va primero la longitud, en grados WGS 84",
            f"[{longitude:g}, {latitude:g}] is not on Earth: GeoJSON has longitude first, in degrees of WGS 84",
        )
    return Point(float(latitude), float(longitude))
