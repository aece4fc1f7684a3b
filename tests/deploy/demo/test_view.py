"""What a person sees: on a terminal, and where there is none."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from deploy.demo.events import Event
from deploy.demo.figures import Figures, PostFigures
from deploy.demo.view import PlainView, TerminalView, open_view, table

CUT = PostFigures("puesto-yaguas", "down", True, 120, 118, 6, 80, 44, 70, "Motosierra, trocha-norte")
DEAD = PostFigures("puesto-maijuna", "up", False, 9, 9, 1, 0, 10, 1, "Disparo, trocha-norte")
FIGURES = Figures((CUT, DEAD), True, 321, 54, 40)


def test_without_a_terminal_it_is_plain_lines_at_most_every_five_seconds() -> None:
    out = io.StringIO()
    view = open_view(Console(file=out, width=80))
    assert isinstance(view, PlainView)
    with view:
        view.figures(3.0, FIGURES)
        view.figures(7.5, FIGURES._replace(points=55))
        view.figures(8.1, FIGURES)  # the same again says nothing
        view.event(8.2, Event("se corta el enlace", "the link is cut"))
        view.figures(8.3, FIGURES._replace(points=56))
    lines = out.getvalue().splitlines()
    assert lines[:4] == [
        "t+3 s   puesto-yaguas: enlace caído, enviadas 120, oídas 118, propias 6, en espera 80, guardadas 44",
        (
            "        puesto-maijuna: enlace arriba, gateway parado, enviadas 9, oídas 9, propias 1, en espera 0,"
            " guardadas 10"
        ),
        "        sede: diario 321, InfluxDB 54",
        "t+8 s   se corta el enlace  (the link is cut)",
    ]
    assert len(lines) == 7
    assert lines[-1].endswith("InfluxDB 56")
    assert "\x1b" not in out.getvalue()


def test_on_a_terminal_events_stay_above_the_table() -> None:
    out = io.StringIO()
    view = open_view(Console(file=out, width=140, height=40, force_terminal=True, color_system=None))
    assert isinstance(view, TerminalView)
    with view:
        view.figures(3.0, FIGURES)
        view.event(4.0, Event("se corta el enlace", "the link is cut"))
        view.figures(5.0, FIGURES)
    assert out.getvalue().index("the link is cut") < out.getvalue().rindex("puesto-yaguas")


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_shows_each_stage_in_the_width_of_a_terminal(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(table(12.4, FIGURES))
    text = out.getvalue()
    yaguas, maijuna = (next(line for line in text.splitlines() if name in line) for name in ("yaguas", "maijuna"))
    assert yaguas.split()[:7] == ["puesto-yaguas", "caído", "120", "118", "6", "80", "44"]
    assert "Motosierra" in yaguas
    assert "parado" in maijuna
    assert "t+12 s" in text
    assert "diario 321 mensajes" in text
    assert "trocha-norte" in text  # where the alert came from is not cut off
    assert "…" not in text
    for word in ("enviadas", "guardadas", "stored", "waits"):
        assert word in text


def test_a_long_event_is_broken_between_words_on_a_terminal() -> None:
    out = io.StringIO()
    view = open_view(Console(file=out, width=60, height=40, force_terminal=True, color_system=None))
    es = "puesto-yaguas avisa sin enlace: Caída de árbol, quebrada-arriba"
    with view:
        view.event(4.0, Event(es, "it warns without a link"))
    plain = re.sub(r"\x1b\[[0-9;?]*\w|\r", "", out.getvalue())  # without what moves the cursor
    lines = [line.rstrip() for line in plain.splitlines()]
    assert " ".join(" ".join(lines).split()) == f"t+ 4 s {es} it warns without a link"
    assert all(len(line) <= 60 for line in lines)


def test_one_message_is_told_in_the_singular() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(table(12.4, FIGURES._replace(messages=1, points=1)))
    assert "diario 1 mensaje · InfluxDB 1 punto\n" in out.getvalue().replace(" \n", "\n").replace("  ", "")
