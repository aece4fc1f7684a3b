"""Distances on the ground, and along a river.

A river is short beside the Earth: projecting a point on it takes the ground for flat around that point (equirectangular
projection), which is good to some metres within the reach of a sensor.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import asin, cos, hypot, radians, sin, sqrt
from typing import Final, NamedTuple

EARTH_RADIUS_METRES: Final = 6_371_008.8
"""Mean radius, IUGG."""
_METRES_PER_DEGREE: Final = radians(1) * EARTH_RADIUS_METRES


class Point(NamedTuple):
    """Degrees, WGS 84; north and east positive."""

    latitude: float
    longitude: float


def distance_metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Along a great circle, by the haversine formula. a, b: latitude and longitude in degrees."""
    phi_a, phi_b = radians(a[0]), radians(b[0])
    half = sin((phi_b - phi_a) / 2) ** 2 + cos(phi_a) * cos(phi_b) * sin(radians(b[1] - a[1]) / 2) ** 2
    return 2 * EARTH_RADIUS_METRES * asin(sqrt(min(1.0, half)))


class River:
    """A line from source to mouth: downstream in the order of the points (two or more)."""

    def __init__(self, name: str, points: Sequence[tuple[float, float]]) -> None:
        self.name = name
        self.points = tuple(Point(*point) for point in points)
        self._marks = tuple(accumulate((distance_metres(a, b) for a, b in pairwise(self.points)), initial=0.0))

    @property
    def length_metres(self) -> float:
        """From the first point to the last."""
        return self._marks[-1]

    def along_metres(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Metres from the source to the place on the river that is nearest to a point, and metres from there to it."""
        scale = _METRES_PER_DEGREE * cos(radians(latitude))
        flat = [((p.longitude - longitude) * scale, (p.latitude - latitude) * _METRES_PER_DEGREE) for p in self.points]
        best = (0.0, hypot(*flat[0]))
        for number, ((ax, ay), (bx, by)) in enumerate(pairwise(flat)):
            dx, dy = bx - ax, by - ay
            square = dx * dx + dy * dy
            share = min(1.0, max(0.0, -(ax * dx + ay * dy) / square)) if square else 0.0
            off = hypot(ax + share * dx, ay + share * dy)
            if off < best[1]:
                start, end = self._marks[number], self._marks[number + 1]
                best = (start + share * (end - start), off)
        return best

    def point_at(self, along_metres: float) -> Point:
        """The place on the river so many metres from its source; its ends for less than none or more than all."""
        at = min(max(0.0, along_metres), self.length_metres)
        number = min(max(0, bisect_right(self._marks, at) - 1), len(self.points) - 2)
        start, end = self._marks[number], self._marks[number + 1]
        share = (at - start) / (end - start) if end > start else 0.0
        a, b = self.points[number], self.points[number + 1]
        return Point(a.latitude + share * (b.latitude - a.latitude), a.longitude + share * (b.longitude - a.longitude))

    def __repr__(self) -> str:
        return f"River({self.name!r}, {len(self.points)} points, {self.length_metres:.0f} m)"
