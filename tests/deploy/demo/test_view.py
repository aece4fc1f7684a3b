"""What a person sees: on a terminal, and where there is none."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from deploy.demo.events import Event
from deploy.demo.figures import Figures, PostFigures
from deploy.demo.view import PlainView, TerminalView, open_view, table

CUT = PostFigures("puesto-yaguas", "down", True, 120, 118, 6, 80, 44, 70, "Motosierra, trocha-norte")
DEAD = PostFigures("puesto-maijuna", "up", False, 9, 9, 1, 0, 10, 1, "Disparo, trocha-norte")
FIGURES = Figures((CUT, DEAD), True, 321, 54, 40)


def test_without_a_terminal_it_is_plain_lines_at_most_one_a_second() -> None:
    out = io.StringIO()
    view = open_view(Console(file=out, width=80))
    assert isinstance(view, PlainView)
    with view:
        view.figures(3.0, FIGURES)
        view.figures(3.5, FIGURES._replace(points=55))
        view.figures(4.1, FIGURES)  # the same again says nothing
        view.event(4.2, Event("se corta el enlace", "the link is cut"))
        view.figures(4.3, FIGURES._replace(points=56))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0] == (
        "t+3 s  puesto-yaguas: enlace caído, enviadas 120, oídas 118, en espera 80, guardadas 44;"
        " puesto-maijuna: enlace arriba, gateway parado, enviadas 9, oídas 9, en espera 0, guardadas 10;"
        " diario 321, InfluxDB 54"
    )
    assert lines[1] == "t+4 s  se corta el enlace  (the link is cut)"
    assert lines[2].endswith("InfluxDB 56")
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
    for word in ("enviadas", "guardadas", "stored", "waits"):
        assert word in text
