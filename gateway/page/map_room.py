"""Room on the map: where signs and names go, so that none covers another. Pure; lengths in units of the drawing."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, radians, sin
from typing import Final, NamedTuple

SIGN: Final = 11.0
"""Radius of a sensor's sign."""
_GAP: Final = 1.5
_STEP: Final = 6.0
_FARTHEST: Final = 90.0
_MOST_SIGNS: Final = 60
_MOST_IN_VAIN: Final = 5
"""A map of a phone's size has no room for more, and looking for it takes long."""
_LETTER: Final = 7.4
"""Width of a letter of a name, about, in the widest of the fonts that phones have."""
_ABOVE, _BELOW = 11.0, 3.0
"""Height of a name above and below its line."""


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class Name(NamedTuple):
    """Where a text stands: its line, and which end of it x is (SVG's text-anchor)."""

    x: float
    y: float
    anchor: str


class Room:
    """What is taken of a drawing. taken: from the beginning, by no signs."""

    def __init__(self, width: float, height: float, *taken: Box) -> None:
        self._width, self._height = width, height
        self._taken = list(taken)
        self._signs: list[tuple[float, float, float]] = []
        self._names: list[Box] = []
        self._in_vain = 0

    def sign(self, x: float, y: float, radius: float = SIGN) -> tuple[float, float] | None:
        """Where a sign goes that belongs there: there, or as near as there is room; None where there is none."""
        if len(self._signs) >= _MOST_SIGNS:
            return None
        for at_x, at_y in _around(x, y) if self._in_vain < _MOST_IN_VAIN else ((x, y),):
            if not (radius <= at_x <= self._width - radius and radius <= at_y <= self._height - radius):
                continue
            if any(
                (at_x - one_x) ** 2 + (at_y - one_y) ** 2 < (radius + one + _GAP) ** 2
                for one_x, one_y, one in self._signs
            ):
                continue
            box = Box(at_x - radius, at_y - radius, at_x + radius, at_y + radius)
            if any(box.meets(name) for name in self._names):
                continue
            self._signs.append((at_x, at_y, radius))
            self._taken.append(box)
            return at_x, at_y
        self._in_vain += 1
        return None

    def name(self, x: float, y: float, text: str, radius: float = SIGN) -> Name | None:
        """Where the name of the sign there goes, beside it; None where there is no room."""
        wide, near = len(text) * _LETTER, radius * 0.6 + 4
        for at_x, at_y, anchor in (
            (x, y + radius + 14, "middle"),
            (x, y - radius - 5, "middle"),
            (x + radius + 4, y + 4, "start"),
            (x - radius - 4, y + 4, "end"),
            (x + near, y + radius + 9, "start"),
            (x - near, y + radius + 9, "end"),
            (x + near, y - radius, "start"),
            (x - near, y - radius, "end"),
        ):
            left = at_x - {"middle": wide / 2, "start": 0.0, "end": wide}[anchor]
            box = Box(left, at_y - _ABOVE, left + wide, at_y + _BELOW)
            if box.left < 0 or box.right > self._width or box.top < 0 or box.bottom > self._height:
                continue
            if not any(box.meets(one) for one in self._taken):
                self._taken.append(box)
                self._names.append(box)
                return Name(round(at_x, 1), round(at_y, 1), anchor)
        return None


def _around(x: float, y: float) -> Iterator[tuple[float, float]]:
    """There, and then ring after ring around it."""
    yield x, y
    for ring in range(1, int(_FARTHEST / _STEP) + 1):
        away, count = ring * _STEP, 6 * ring
        for n in range(count):
            angle = radians(360 * n / count)
            yield round(x + away * sin(angle), 1), round(y - away * cos(angle), 1)
