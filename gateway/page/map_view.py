"""The post's map as shapes of one SVG: ground, rivers, sensors, boats.

The ground is flat here (equirectangular around the middle): a post watches tens of kilometres. x grows to the east, y
to the south, in units of the drawing; north is up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from math import atan2, cos, degrees, hypot, radians
from typing import Final, NamedTuple

from gateway.page import phrases, pictograms
from gateway.page.heard import UntoldRow, untold_rows
from gateway.page.languages import Language
from gateway.page.map_room import Box, Name, Room
from gateway.page.now_view import age_s, passage_words, standing_words
from gateway.page.sensors_view import state_of
from gateway.place.geometry import Point, River
from gateway.place.place import Place
from gateway.rules.book import SILENCE
from gateway.rules.facts import Incident
from gateway.watch.words import BoardState

WIDTH: Final = 360.0
_MARGIN: Final = 34.0
_LEAST_HEIGHT, _MOST_HEIGHT = 240.0, 460.0
_METRES_PER_DEGREE: Final = 111_195.0
_MOST_LINE_POINTS: Final = 400
_LONGEST_GUESS_S: Final = 7200.0
_BOAT: Final = 15.0
"""Radius of a boat's sign."""
_ORDER: Final = {"alert": 0, "post": 1, "heard": 2, "seen": 3, "silent": 4, "low": 5, "never": 6, "well": 7}
_LOUD: Final = frozenset({"alert", "post", "heard"})


class Shape(NamedTuple):
    """kind: territory, boundary, river. path: for an SVG path's d."""

    kind: str
    name: str
    path: str


class Mark(NamedTuple):
    """A sensor or the post. x, y: of its sign; home_x, home_y: where it stands, which differs in a crowd. has_sign:
    there is room for more than a dot. state: as in `sensor_rows`, alert where something goes on, seen where somebody
    has seen to it, heard where something that matters was heard of which no incident tells, post. words: of its state.
    name: where its title goes, None where there is no room: then a number stands in the sign and in the list."""

    x: float
    y: float
    home_x: float
    home_y: float
    has_sign: bool
    state: str
    title: str
    words: str
    pictogram: str
    name: Name | None
    number: str


class Boat(NamedTuple):
    """heading: degrees clockwise from north. arrives: "15:57" at the post, or "". name: where that goes, None for
    nowhere."""

    x: float
    y: float
    home_x: float
    home_y: float
    heading: float
    arrives: str
    words: str
    name: Name | None = None


class MapView(NamedTuple):
    """marks: most pressing first. bar_width: of the scale bar, in units; bar_words: what it measures. unplaced: sensors
    of which nobody told where they are."""

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
    bar_metres = _round_down(90 / ground.units_per_metre)
    bar_width = round(bar_metres * ground.units_per_metre, 1)
    north, bar = Box(10, 8, 34, 48), Box(WIDTH - 18 - bar_width, ground.height - 38, WIDTH - 10, ground.height)
    marks, boats = _placed(
        _marks(state, place, going_on, ground, say),
        [boat for one in going_on if (boat := _boat(one, state, place, ground, say)) is not None],
        Room(WIDTH, ground.height, north, bar),
    )
    return MapView(
        WIDTH,
        ground.height,
        shapes,
        marks,
        boats,
        bar_width,
        phrases.distance(say, bar_metres),
        [
            word.title
            for word in state.sensors
            if word.name not in place.sensors or not place.sensors[word.name].position
        ],
    )


def _marks(state: BoardState, place: Place, going_on: list[Incident], ground: _Ground, say: Language) -> list[Mark]:
    """Each where it stands, the most pressing first."""
    words_of = {word.name: word for word in state.sensors}
    incident_of: dict[str, Incident] = {}
    for one in sorted(going_on, key=lambda one: (one.state == "open", one.number)):
        if one.label != SILENCE:
            incident_of.update(dict.fromkeys(one.sensors, one))
    untold: dict[str, UntoldRow] = {}
    for row in untold_rows(state, place, say):
        untold.setdefault(row.sensor, row)
    marks = []
    if place.post is not None:
        x, y = ground.at(place.post)
        marks.append(Mark(x, y, x, y, True, "post", say("Puesto"), "", "post", None, ""))
    plain = {
        "silent": say("Callado"),
        "low": say("Batería baja"),
        "never": say("Nunca se oyó"),
        "well": say("Bien"),
    }
    for sensor in place.sensors.values():
        if sensor.position is None:
            continue
        word = words_of.get(sensor.name)
        is_in = state_of(word) if word is not None else "never"
        words, pictogram = plain[is_in], "silence" if is_in == "silent" else "sensor"
        if heard := untold.get(sensor.name):
            is_in, words, pictogram = "heard", f"{heard.title}: {heard.words}", heard.pictogram
        incident = incident_of.get(sensor.name)
        if incident is not None and (heard is None or incident.state == "open"):
            is_in = "alert" if incident.state == "open" else "seen"
            words, pictogram = say.label(incident.label), pictograms.of_label(incident.label)
            if standing := standing_words(incident, say):
                words = f"{words} · {standing}"
        x, y = ground.at(sensor.position)
        marks.append(Mark(x, y, x, y, True, is_in, sensor.title, words, pictogram, None, ""))
    return sorted(marks, key=lambda one: (_ORDER[one.state], one.title.casefold()))


def _placed(marks: list[Mark], boats: list[Boat], room: Room) -> tuple[list[Mark], list[Boat]]:
    """With room for each: what sounds and the boats first, with their names; then the others."""
    loud, quiet = [one for one in marks if one.state in _LOUD], [one for one in marks if one.state not in _LOUD]
    loud = [_with_name(_with_sign(one, room), room) for one in loud]
    boats = [_boat_with_name(_boat_with_sign(boat, room), room) for boat in boats]
    quiet = [_with_sign(one, room) for one in quiet]
    quiet = [_with_name(one, room) for one in quiet]
    numbers = count(1)
    numbered = [
        one._replace(number=str(next(numbers))) if one.has_sign and one.name is None else one for one in loud + quiet
    ]
    return numbered, boats


def _with_sign(mark: Mark, room: Room) -> Mark:
    found = room.sign(mark.x, mark.y)
    return mark._replace(x=found[0], y=found[1]) if found is not None else mark._replace(has_sign=False)


def _with_name(mark: Mark, room: Room) -> Mark:
    return mark._replace(name=room.name(mark.x, mark.y, mark.title)) if mark.has_sign else mark


def _boat_with_sign(boat: Boat, room: Room) -> Boat:
    found = room.sign(boat.x, boat.y, _BOAT)
    return boat._replace(x=found[0], y=found[1]) if found is not None else boat


def _boat_with_name(boat: Boat, room: Room) -> Boat:
    return boat._replace(name=room.name(boat.x, boat.y, boat.arrives, _BOAT)) if boat.arrives else boat


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
    gone_s = min(age_s(incident.last_steady_ms, state), _LONGEST_GUESS_S)
    along = river.along_metres(*last)[0] + way * gone_s * passage.speed_metres_per_second
    x, y = ground.at(river.point_at(along))
    at_post = [when_ms for sensor, when_ms in passage.arrivals if sensor == ""]
    return Boat(
        x,
        y,
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
