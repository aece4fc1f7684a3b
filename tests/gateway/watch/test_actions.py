"""What people do becomes readings, or is refused with words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_bridge.readings import Kind, Reading
from gateway.watch.actions import Actions
from gateway.watch.board import Board
from gateway.watch.errors import WatchError
from tests.gateway.watch.facts_made import fact, raised


@pytest.fixture
def submitted() -> list[Reading]:
    return []


@pytest.fixture
def actions(submitted: list[Reading]) -> Actions:
    board = Board()
    board.change(raised(7))
    board.change(raised(8, state="closed"))

    def submit(reading: Reading) -> None:
        submitted.append(reading)
        board.hear(fact(len(submitted), reading))

    return Actions(board, submit)


def test_each_act_is_a_reading(actions: Actions, submitted: list[Reading]) -> None:
    actions.acknowledge(7, " vamos\ncon el bote ", "Rosa")
    actions.acknowledge(7, "", "Juan")
    actions.acknowledge(8, "era el vecino", "Juan")
    actions.patrol_out("Los  Tigres", 2.5, "por la quebrada")
    actions.patrol_back("Los Tigres")
    assert [(one.kind, one.sensor, one.label, one.note, one.values()) for one in submitted] == [
        (
            Kind.INCIDENT,
            "norte",
            "chainsaw",
            "Rosa: vamos con el bote",
            {"incident_number": 7, "incident_step": 3},
        ),
        (Kind.INCIDENT, "norte", "chainsaw", "Juan", {"incident_number": 7, "incident_step": 3}),
        (Kind.INCIDENT, "norte", "chainsaw", "Juan: era el vecino", {"incident_number": 8, "incident_step": 3}),
        (Kind.PATROL, "Los Tigres", "out", "por la quebrada", {"duration_seconds": 9000}),
        (Kind.PATROL, "Los Tigres", "back", "", {"duration_seconds": 0}),
    ]


def test_nobody_marks_a_patrol_for_longer_than_the_rules_believe_it(submitted: list[Reading]) -> None:
    actions = Actions(Board(), submitted.append, 12.0)
    with pytest.raises(WatchError, match="up to 12 hours"):
        actions.patrol_out("Los Tigres", 12.5)
    actions.patrol_out("Los Tigres", actions.max_patrol_hours)
    assert [one.values() for one in submitted] == [{"duration_seconds": 43_200}]


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda a: a.acknowledge(99, "", "Rosa"), "unknown_incident"),
        (lambda a: a.acknowledge(8, "", "Rosa"), "incident_closed"),
        (lambda a: a.acknowledge(7, "x" * 401, "Rosa"), "bad_note"),
        (lambda a: a.acknowledge(7, "\x00", "Rosa"), "bad_note"),
        (lambda a: a.acknowledge(7, "", " "), "bad_name"),
        (lambda a: a.patrol_out("x" * 33, 1), "bad_name"),
        (lambda a: a.patrol_out("", 1), "bad_name"),
        (lambda a: a.patrol_out("A", 0), "bad_hours"),
        (lambda a: a.patrol_out("A", 24.5), "bad_hours"),
        (lambda a: a.patrol_out("A", float("nan")), "bad_hours"),
        (lambda a: a.patrol_back("A"), "not_out"),
    ],
)
def test_what_cannot_be_is_refused_with_words(
    actions: Actions, submitted: list[Reading], act: Callable[[Actions], None], reason: str
) -> None:
    with pytest.raises(WatchError) as caught:
        act(actions)
    assert caught.value.reason == reason
    assert caught.value.words("es") != caught.value.words("en")
    assert submitted == []
