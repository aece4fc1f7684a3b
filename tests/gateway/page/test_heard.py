"""What was heard of late and nobody was warned of, and the last detections."""

from __future__ import annotations

import msgspec
import pytest

from firmware_bridge.readings import Kind
from gateway.page.heard import heard_rows, untold_rows
from gateway.page.languages import Language
from gateway.page.map_view import map_view
from gateway.page.now_view import now_view
from gateway.rules.facts import Change, Passage, Step
from tests.gateway.page.posts import LIMA, Post, phone, serving

SPANISH = Language("es", LIMA)
SURE = {"confidence_ratio": 0.9}


def motor(post: Post, sensor: str, ago_s: float, label: str = "long_tail_motor") -> None:
    post.hear(sensor, Kind.ACOUSTIC_DETECTION, SURE, label=label, ago_s=ago_s)


def untold(post: Post) -> list[str]:
    rows = untold_rows(post.board.snapshot(), post.place, SPANISH)
    return [f"{row.title} · {row.place}: {row.words}" for row in rows]


def test_a_motor_at_one_sensor_is_told_before_it_is_a_passage(post: Post) -> None:
    motor(post, "rio-arriba", 200)
    motor(post, "rio-arriba", 20)
    assert untold(post) == ["Peque-peque · Río arriba: se oye desde hace 3 min (aún sin aviso)"]
    found = map_view(post.board.snapshot(), post.place, SPANISH)
    assert found is not None
    (mark,) = [one for one in found.marks if one.state == "heard"]
    assert (mark.title, mark.words) == ("Río arriba", "Peque-peque: se oye desde hace 3 min (aún sin aviso)")


def test_what_is_gone_is_told_for_a_while(post: Post) -> None:
    motor(post, "rio-arriba", 500)
    post.hear("rio-medio", Kind.CAMERA_DETECTION, SURE, label="person", ago_s=400)
    assert untold(post) == [
        "Persona · Río medio: se vio hace 6 min (aún sin aviso)",
        "Peque-peque · Río arriba: se oyó hace 8 min (aún sin aviso)",
    ]


@pytest.mark.parametrize(("label", "ago_s"), [("long_tail_motor", 1000), ("bird", 10), ("rain", 10)])
def test_what_is_long_ago_or_does_not_matter_leaves_it_calm(post: Post, label: str, ago_s: float) -> None:
    motor(post, "rio-arriba", ago_s, label)
    assert untold(post) == []


def test_an_unsure_chainsaw_matters(post: Post) -> None:
    post.hear("rio-arriba", Kind.ACOUSTIC_DETECTION, {"confidence_ratio": 0.3}, label="chainsaw")
    assert untold(post) == ["Motosierra · Río arriba: se oye desde hace un momento (aún sin aviso)"]


def test_what_an_incident_tells_of_is_told_there_alone(post: Post) -> None:
    motor(post, "rio-medio", 30)
    motor(post, "rio-medio", 20, "boat")
    motor(post, "rio-abajo", 10)
    passage = Passage("Río Sereno", "downstream", 2.4)
    passing = post.raise_incident(1, "long_tail_motor", "rio-medio", "rio-abajo", passage=passage)
    post.raise_incident(2, "chainsaw", "rio-arriba", suppressed_by="patrulla")
    motor(post, "rio-arriba", 5, "chainsaw")
    assert untold(post) == []
    over = msgspec.structs.replace(passing, state="closed", last_ms=passing.last_ms - 15_000)
    post.board.change(Change(Step.CLOSED, over))
    assert untold(post) == ["Peque-peque · Río abajo: se oye desde hace un momento (aún sin aviso)"]


def test_alike_detections_are_one_line(post: Post) -> None:
    motor(post, "rio-medio", 9000)
    for ago_s in range(1200, 0, -100):
        motor(post, "rio-medio", ago_s)
        motor(post, "rio-abajo", ago_s - 50, "bird")
    state = post.board.snapshot()
    rows = heard_rows(state, post.place, SPANISH)
    assert [row.place for row in rows] == ["Río abajo", "Río medio", "Río medio"]
    assert rows[1].when.startswith("12 veces, la última ")
    assert "veces" not in rows[2].when


@pytest.mark.slow
def test_the_page_is_calm_only_when_nothing_that_matters_was_heard(post: Post) -> None:
    post.tell()
    motor(post, "rio-arriba", 1000)
    with serving(post) as url, phone(url) as client:
        assert "Todo tranquilo" in client.get("/").text
        motor(post, "rio-arriba", 30)
        said = client.get("/").text
        assert "Todo tranquilo" not in said
        assert "se oye desde" in said
        assert "Río arriba" in said
    assert now_view(post.board.snapshot(), post.place, SPANISH).open == []
