"""What the board says, drawn as the post's map."""

from __future__ import annotations

import re
import time
from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest

from firmware_bridge.readings import Kind
from gateway.page.languages import Language
from gateway.page.map_view import MapView, map_view
from gateway.place.place import Place
from gateway.rules.facts import Note
from gateway.watch.words import BoardState
from tests.gateway.page.posts import LIMA, Post, crowd, crowded_map

SPANISH = Language("es", LIMA)


@pytest.fixture
def busy(post: Post) -> BoardState:
    post.fill()
    return post.board.snapshot()


def drawn(state: BoardState, place: Place) -> MapView:
    found = map_view(state, place, SPANISH)
    assert found is not None
    return found


def test_the_map_has_everything_inside_and_north_up(post: Post, busy: BoardState) -> None:
    found = drawn(busy, post.place)
    assert [shape.kind for shape in found.shapes] == ["territory", "boundary", "river"]
    numbers = [float(number) for shape in found.shapes for number in re.findall(r"[\d.]+", shape.path)]
    assert min(numbers) >= 0
    assert max(numbers) <= max(found.width, found.height)
    for mark in found.marks:
        assert 0 < mark.x < found.width
        assert 0 < mark.y < found.height
    by_title = {mark.title: mark for mark in found.marks}
    assert by_title["Río arriba"].y < by_title["Río medio"].y, "further north is further up"
    assert by_title["Río arriba"].x < by_title["Río abajo"].x, "further east is further right"
    assert {title: mark.state for title, mark in by_title.items()} == {
        "Puesto": "post",
        "Río arriba": "seen",
        "Río medio": "alert",
        "Río abajo": "alert",
        "Quebrada Norte": "alert",
    }
    assert found.unplaced == ["pluvial"]


def test_the_scale_bar_measures_what_it_says(post: Post, busy: BoardState) -> None:
    found = drawn(busy, post.place)
    (shape,) = [one for one in found.shapes if one.kind == "boundary"]
    (x1, y1), (x2, y2) = (map(float, point.split()) for point in shape.path.removeprefix("M").split("L"))
    metres_per_unit = 12_280 / ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5  # the boundary's length by haversine
    told = float(found.bar_words.partition(" ")[0]) * 1000
    assert told == pytest.approx(found.bar_width * metres_per_unit, rel=0.02)


def boxes_of(found: MapView) -> list[tuple[float, float, float, float]]:
    """Of every name and every sign."""
    texts = [(mark.name, mark.title) for mark in found.marks] + [(boat.name, boat.arrives) for boat in found.boats]
    boxes = []
    for name, text in texts:
        if name is not None:
            wide = len(text) * 7.4
            left = name.x - {"middle": wide / 2, "start": 0, "end": wide}[name.anchor]
            boxes.append((left, name.y - 11, left + wide, name.y + 3))
    boxes += [(one.x - 7.7, one.y - 7.7, one.x + 7.7, one.y + 7.7) for one in found.marks if one.has_sign]
    return boxes + [(one.x - 10, one.y - 10, one.x + 10, one.y + 10) for one in found.boats]


def assert_nothing_is_covered(found: MapView) -> None:
    for a, b in combinations(boxes_of(found), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_no_name_and_no_sign_covers_another(post: Post, busy: BoardState) -> None:
    found = drawn(busy, post.place)
    assert_nothing_is_covered(found)
    assert all(mark.name is not None and not mark.number for mark in found.marks)


def test_in_a_crowd_what_sounds_has_its_name_and_everything_is_in_the_list(tmp_path: Path) -> None:
    with closing(Post(tmp_path, crowded_map(tmp_path, 20))) as post:
        crowd(post)
        found = drawn(post.board.snapshot(), post.place)
    assert_nothing_is_covered(found)
    loud = [mark for mark in found.marks if mark.state == "alert"]
    assert [mark.title for mark in loud] == ["Aguajal 4", "Aguajal 7", "Aguajal 8"]
    assert found.marks[:3] == loud
    assert [mark.words for mark in loud[1:]] == ["Disparo", "Motosierra"]
    assert all(mark.name is not None for mark in loud)
    assert {mark.title for mark in found.marks} == {"Puesto", *(f"Aguajal {n}" for n in range(20))}
    assert all(mark.has_sign and (mark.name is not None or mark.number) for mark in found.marks)
    numbers = [int(mark.number) for mark in found.marks if mark.number]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(found.boats) == 3


def test_more_sensors_than_a_map_holds_are_dots_and_in_the_list(tmp_path: Path) -> None:
    with closing(Post(tmp_path, crowded_map(tmp_path, 300))) as post:
        crowd(post)
        found = drawn(post.board.snapshot(), post.place)
    assert len(found.marks) == 301
    assert all(mark.has_sign for mark in found.marks[:4])
    assert not found.marks[-1].has_sign
    assert_nothing_is_covered(found)


def test_what_was_seen_to_is_not_well_while_it_goes_on(post: Post) -> None:
    now_ms = time.time_ns() // 1_000_000
    notes = (Note(now_ms - 60_000, "Rosa"),)
    post.hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.5})
    post.raise_incident(1, "chainsaw", "rio-medio", last_ms=now_ms, state="acknowledged", notes=notes)
    (mark,) = [one for one in drawn(post.board.snapshot(), post.place).marks if one.title == "Río medio"]
    assert (mark.state, mark.words) == ("seen", "Motosierra · Visto, sigue sonando")
    post.raise_incident(2, "gunshot", "rio-medio")
    (mark,) = [one for one in drawn(post.board.snapshot(), post.place).marks if one.title == "Río medio"]
    assert (mark.state, mark.words) == ("alert", "Disparo")


def test_a_boat_has_moved_on_from_its_last_sensor(post: Post, busy: BoardState) -> None:
    (boat,) = drawn(busy, post.place).boats
    sensor = next(mark for mark in drawn(busy, post.place).marks if mark.title == "Río abajo")
    assert boat.x > sensor.x, "this river flows east"
    assert 20 < boat.heading < 90
    assert re.fullmatch(r"(\d+/\d+ )?\d+:\d\d", boat.arrives)


def test_a_post_without_a_map_has_none(post: Post) -> None:
    assert map_view(post.board.snapshot(), Place(), SPANISH) is None
