"""The boards are what is checked in, load in Grafana 9.4, and speak Spanish first."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

import dashboards
from dashboards.boards import Board, boards, generate, validate
from dashboards.errors import BoardError

GENERATED = Path(dashboards.__file__).parent / "generated"


@pytest.fixture(scope="module")
def made() -> dict[str, Board]:
    return boards()


def test_the_files_checked_in_are_what_the_code_generates(tmp_path: Path) -> None:
    paths = generate(tmp_path / "new")
    assert sorted(path.name for path in paths) == sorted(path.name for path in GENERATED.iterdir())
    for path in paths:
        assert path.read_bytes() == (GENERATED / path.name).read_bytes(), "run `vigia generate`"
        assert path.read_bytes().endswith(b"}\n")


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in generate(tmp_path)]
    assert [path.read_bytes() for path in generate(tmp_path)] == first


def test_uids_are_the_ones_that_links_and_bookmarks_hold(made: dict[str, Board]) -> None:
    assert {name: board["uid"] for name, board in made.items()} == {
        "landscape": "vigia-paisaje",
        "station": "vigia-puesto",
    }


def test_every_panel_has_words_in_two_languages_and_a_place_on_the_board(made: dict[str, Board]) -> None:
    for board in made.values():
        for panel in board["panels"]:
            place = panel["gridPos"]
            assert panel["title"]
            assert place["x"] + place["w"] <= 24
            if panel["type"] != "row":
                assert "\n\nEnglish: " in panel["description"], panel["title"]


def test_panels_do_not_overlap(made: dict[str, Board]) -> None:
    for board in made.values():
        taken: dict[tuple[int, int], str] = {}
        for panel in board["panels"]:
            place = panel["gridPos"]
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    assert (x, y) not in taken, f"{panel['title']} lies on {taken.get((x, y))}"
                    taken[x, y] = panel["title"]


def test_time_zone_and_data_source_are_chosen_by_who_pushes() -> None:
    for board in boards(time_zone="America/Lima", datasource_uid="otra").values():
        assert board["timezone"] == "America/Lima"
        assert '"vigia"' not in str(board["panels"]).replace("'", '"')
        assert {panel["datasource"]["uid"] for panel in board["panels"] if panel["type"] != "row"} == {"otra"}


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("schemaVersion",), 41, "schema version"),
        (("uid",), "x" * 41, "41 characters"),
        (("panels", 0, "type"), "text", "text"),
        (("panels", 0, "id"), 2, "share an id"),
        (("panels", 0, "titel"), "x", "read back"),
    ],
)
def test_a_board_that_grafana_9_4_would_not_load_is_refused(
    made: dict[str, Board], where: tuple[str | int, ...], value: object, message: str
) -> None:
    board = copy.deepcopy(made["landscape"])
    part = board
    for step in where[:-1]:
        part = part[step]  # type: ignore[index]  # keys and indexes of JSON
    part[where[-1]] = value  # type: ignore[index]  # as above
    with pytest.raises(BoardError, match=message):
        validate(board)
