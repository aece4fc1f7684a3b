"""The post's map as shapes of one SVG: ground, rivers, sensors, boats.

The ground is flat here (equirectangular around the middle): a post watches tens of kilometres. x grows to the east, y
to the south, in units of the drawing; north is up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import atan2, cos, degrees, hypot, radians
from typing import Final, NamedTuple

from gateway.page import phrases, pictograms
from gateway.page.languages import Language
from gateway.page.now_view import age_s, passage_words
from gateway.page.sensors_view import state_of
from gateway.place.geometry import Point, River
from gateway.place.place import Place
from gateway.rules.facts import Incident
from gateway.watch.words import BoardState

WIDTH: Final = 360.0
_MARGIN: Final = 34.0
_LEAST_HEIGHT, _MOST_HEIGHT = 240.0, 460.0
_METRES_PER_DEGREE: Final = 111_195.0
_MOST_LINE_POINTS: Final = 400
_LONGEST_GUESS_S: Final = 7200.0
_LETTER: Final = 6.4
"""Width of a letter of a label, about."""
_LABEL_HEIGHT: Final = 14.0


class Shape(NamedTuple):
    """kind: territory, boundary, river. path: for an SVG path's d."""

    kind: str
    name: str
    path: str


class Mark(NamedTuple):
    """A sensor or the post. state: as in `sensor_rows`, alert where something goes on, post. label_x, label_y, anchor:
    where its name goes; has_label: there is room for it."""

    x: float
    y: float
    state: str
    title: str
    pictogram: str
    label_x: float
    label_y: float
    anchor: str
    has_label: bool


class Boat(NamedTuple):
    """heading: degrees clockwise from north. arrives: "15:57" at the post, or ""."""

    x: float
    y: float
    heading: float
    arrives: str
    words: str


class MapView(NamedTuple):
    """bar_width: of the scale bar, in units; bar_words: what it measures."""

    width: float
    height: float
    shapes: list[Shape]
    marks: list[Mark]
    boats: list[Boat]
    bar_width: float
    bar_words: str
    unplaced: list[str]


class _Ground:
    """Degrees to units of the drawing."""

    def __init__(self, points: Sequence[Point]) -> None:
        south, north = min(p.latitude for p in points), max(p.latitude for p in points)
        west, east = min(p.longitude for p in points), max(p.longitude for p in points)
        squeeze = max(0.01, cos(radians((south + north) / 2)))
        wide = max((east - west) * squeeze, 1e-3)
        tall = max(north - south, 1e-3)
        room = WIDTH - 2 * _MARGIN
        self.height = min(_MOST_HEIGHT, max(_LEAST_HEIGHT, room * tall / wide + 2 * _MARGIN))
        self._scale = min(room / wide, (self.height - 2 * _MARGIN) / tall)
        self._squeeze = squeeze
        self._middle = Point((south + north) / 2, (west + east) / 2)

    @property
    def units_per_metre(self) -> float:
        return self._scale / _METRES_PER_DEGREE

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        x = WIDTH / 2 + (point[1] - self._middle.longitude) * self._squeeze * self._scale
        y = self.height / 2 - (point[0] - self._middle.latitude) * self._scale
        return round(x, 1), round(y, 1)

    def path(self, lines: Iterable[Sequence[Point]]) -> str:
        """Lines as SVG path data, at most so many points in each, none nearer than a unit."""
        parts = []
        for line in lines:
            step = max(1, -(-len(line) // _MOST_LINE_POINTS))
            thin = [*line[:-1][::step], line[-1]]
            told: list[tuple[float, float]] = []
            for point in map(self.at, thin):
                if not told or hypot(point[0] - told[-1][0], point[1] - told[-1][1]) >= 1 or point == told[0]:
                    told.append(point)
            closing = "z" if len(line) > 2 and line[0] == line[-1] else ""
            parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in told) + closing)
        return "".join(parts)


def map_view(state: BoardState, place: Place, say: Language) -> MapView | None:
    """See the module. None when nothing has a place."""
    points = [one.position for one in place.sensors.values() if one.position is not None]
    points += [point for river in place.rivers for point in river.points]
    points += [p for outline in (*place.territories, *place.boundaries) for line in outline.lines for p in line]
    if place.post is not None:
        points.append(place.post)
    if not points:
        return None
    ground = _Ground(points)
    shapes = [
        *(Shape("territory", one.name, ground.path(one.lines)) for one in place.territories),
        *(Shape("boundary", one.name, ground.path(one.lines)) for one in place.boundaries),
        *(Shape("river", one.name, ground.path([one.points])) for one in place.rivers),
    ]
    going_on = [c.incident for c in state.incidents if c.incident.state != "closed" and not c.incident.suppressed_by]
    boats = [boat for one in going_on if (boat := _boat(one, state, place, ground, say)) is not None]
    bar_metres = _round_down(90 / ground.units_per_metre)
    return MapView(
        WIDTH,
        ground.height,
        shapes,
        _marks(state, place, going_on, ground, boats, say),
        boats,
        round(bar_metres * ground.units_per_metre, 1),
        phrases.distance(say, bar_metres),
        [
            word.title
            for word in state.sensors
            if word.name not in place.sensors or not place.sensors[word.name].position
        ],
    )


def _marks(
    state: BoardState, place: Place, going_on: list[Incident], ground: _Ground, boats: list[Boat], say: Language
) -> list[Mark]:
    words = {word.name: word for word in state.sensors}
    # The newest that nobody has acknowledged.
    label_of = {sensor: one.label for one in reversed(going_on) if one.state == "open" for sensor in one.sensors}
    told: list[tuple[float, float, str, str, str]] = []
    if place.post is not None:
        told.append((*ground.at(place.post), "post", say("Puesto"), "post"))
    for sensor in place.sensors.values():
        if sensor.position is None:
            continue
        word = words.get(sensor.name)
        is_in = state_of(word) if word is not None else "never"
        pictogram = "silence" if is_in == "silent" else "sensor"
        if sensor.name in label_of:
            is_in, pictogram = "alert", pictograms.of_label(label_of[sensor.name])
        told.append((*ground.at(sensor.position), is_in, sensor.title, pictogram))
    taken = [(x - 12, y - 12, x + 12, y + 12) for x, y, *_ in told] + [
        (boat.x - 16, boat.y - 16, boat.x + 16, boat.y + 16) for boat in boats
    ]
    order = {"post": 0, "alert": 1, "silent": 2, "low": 3}
    told.sort(key=lambda one: order.get(one[2], 4))
    return [_labelled(*one, ground.height, taken) for one in told]


def _labelled(
    x: float,
    y: float,
    is_in: str,
    title: str,
    pictogram: str,
    height: float,
    taken: list[tuple[float, float, float, float]],
) -> Mark:
    """With its name where it covers nothing: below, above, right, left; unnamed if there is no such place."""
    wide = len(title) * _LETTER
    for label_x, label_y, anchor, left in (
        (x, y + 25, "middle", x - wide / 2),
        (x, y - 16, "middle", x - wide / 2),
        (x + 15, y + 4, "start", x + 15),
        (x - 15, y + 4, "end", x - 15 - wide),
    ):
        box = (left, label_y - _LABEL_HEIGHT + 3, left + wide, label_y + 3)
        if box[0] < 0 or box[2] > WIDTH or box[1] < 0 or box[3] > height:
            continue
        if any(box[0] < r and l < box[2] and box[1] < b and t < box[3] for l, t, r, b in taken):  # noqa: E741
            continue
        taken.append(box)
        return Mark(x, y, is_in, title, pictogram, round(label_x, 1), round(label_y, 1), anchor, True)
    return Mark(x, y, is_in, title, pictogram, x, y, "middle", False)


def _boat(incident: Incident, state: BoardState, place: Place, ground: _Ground, say: Language) -> Boat | None:
    """Where it should be now: from its last sensor on, at its speed."""
    passage = incident.passage
    if passage is None:
        return None
    river = next((one for one in place.rivers if one.name == passage.river), None)
    seen = [place.sensors[name].position for name in incident.sensors if name in place.sensors]
    last = seen[-1] if seen else None
    if river is None or last is None:
        return None
    way = -1 if passage.direction == "upstream" else 1
    gone_s = min(age_s(incident.last_steady_ms, incident.last_ms, state), _LONGEST_GUESS_S)
    along = river.along_metres(*last)[0] + way * gone_s * passage.speed_metres_per_second
    x, y = ground.at(river.point_at(along))
    at_post = [when_ms for sensor, when_ms in passage.arrivals if sensor == ""]
    return Boat(
        x,
        y,
        _heading(river, along, way, ground),
        phrases.at(say, at_post[0], state.made_ms) if at_post and at_post[0] > state.made_ms else "",
        f"{say.label(incident.label)}. {passage_words(incident, state, place, say)}",
    )


def _heading(river: River, along: float, way: int, ground: _Ground) -> float:
    step = 300.0
    here = min(max(0.0, along), river.length_metres)
    a, b = ground.at(river.point_at(here - way * step)), ground.at(river.point_at(here + way * step))
    return round(degrees(atan2(b[0] - a[0], a[1] - b[1])), 0)


def _round_down(metres: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no larger."""
    power = 1.0
    while power * 10 <= metres:
        power *= 10
    return next(step * power for step in (5, 2, 1) if step * power <= max(metres, power))
