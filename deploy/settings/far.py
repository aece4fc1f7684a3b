"""Places of a map that are far from the rest of it, as of a latitude and a longitude that were swapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, Final

from deploy.language import Text

if TYPE_CHECKING:
    from gateway.place.geometry import Point
    from gateway.place.place import Place

_FAR_METRES: Final = 200_000.0
"""Nobody hears that far, and no river is walked that far from a post."""
_LEAST_OF_A_CROWD: Final = 3
_MOST_NAMED: Final = 12


class _Ground:
    """What the others must be near: a box of degrees, and what it is called."""

    def __init__(self, points: Sequence[Point], called: Text) -> None:
        self.called = called
        self._south, self._north = min(p.latitude for p in points), max(p.latitude for p in points)
        self._west, self._east = min(p.longitude for p in points), max(p.longitude for p in points)

    def away_metres(self, latitude: float, longitude: float) -> float:
        """How far a place is from it; 0 inside."""
        from gateway.place.geometry import distance_metres

        near = min(max(latitude, self._south), self._north), min(max(longitude, self._west), self._east)
        return distance_metres((latitude, longitude), near)


def doubts_of_distance(place: Place) -> Iterator[Text]:
    """The post, sensors and rivers that are more than 200 km from the territory, from the rivers where no territory is
    told, or from the others."""
    ground = _ground_of(place)
    if ground is None:
        return
    swapped: list[tuple[str, float]] = []
    lost: list[tuple[str, float]] = []
    for name, point in _named(place):
        away = ground.away_metres(*point)
        if away > _FAR_METRES:
            is_swapped = (
                -90 <= point.longitude <= 90 and ground.away_metres(point.longitude, point.latitude) < away / 10
            )
            (swapped if is_swapped else lost).append((name, away))
    if swapped:
        yield _doubt(swapped, ground, Text("¿latitud y longitud cambiadas?", "are latitude and longitude swapped?"))
    if lost:
        yield _doubt(lost, ground, Text("¿está bien escrita su posición?", "is the position written right?"))


def _ground_of(place: Place) -> _Ground | None:
    lines = [line for one in (place.territories or place.boundaries) for line in one.lines]
    if lines:
        return _Ground([point for line in lines for point in line], Text("del territorio", "from the territory"))
    if place.rivers:
        return _Ground([point for river in place.rivers for point in river.points], Text("del río", "from the river"))
    points = [point for _, point in _named(place)]
    if len(points) < _LEAST_OF_A_CROWD:
        return None
    middle = type(points[0])(median(p.latitude for p in points), median(p.longitude for p in points))
    return _Ground([middle], Text("de los demás", "from the others"))


def _named(place: Place) -> Iterator[tuple[str, Point]]:
    if place.post is not None:
        yield "", place.post
    for sensor in place.sensors.values():
        if sensor.position is not None:
            yield sensor.name, sensor.position
    for river in place.rivers:
        yield river.name, river.points[0]


def _doubt(far: list[tuple[str, float]], ground: _Ground, question: Text) -> Text:
    kilometres = f"{min(away for _, away in far) / 1000:,.0f}"
    more = f" (+{len(far) - _MOST_NAMED})" if len(far) > _MOST_NAMED else ""
    said = []
    for post, are in (("el puesto", ("está", "están")), ("the post", ("is", "are"))):
        names = ", ".join(name or post for name, _ in far[:_MOST_NAMED])
        said.append(f"{names}{more} {are[len(far) > 1]}")
    return Text(
        f"en el mapa, {said[0]} a {kilometres.replace(',', ' ')} km {ground.called.es}: {question.es} En GeoJSON va"
        " primero la longitud, después la latitud",
        f"on the map, {said[1]} {kilometres} km {ground.called.en}: {question.en} GeoJSON has longitude first, then"
        " latitude",
    )
