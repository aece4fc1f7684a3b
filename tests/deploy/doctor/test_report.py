"""The report reads well on a terminal, in a pipe and to a program."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from deploy.doctor.findings import Finding, Mark, Text, Told, ages, attention, number, ok, sizes, unseen, wrong
from deploy.doctor.report import as_json, as_lines, exit_code, show, summary

TODO = Text("Póngalo en hora", "Set it")
OK = Told(Text("Disco", "Disk"), ok("disk", "Hay espacio", "There is room", "/var"))
ATTENTION = Told(Text("Reloj", "Clock"), attention("clock", "Atrasa", "It is slow", todo=TODO))
WRONG = Told(Text("Enlace", "Link"), wrong("broker", "No hay enlace", "No link", "hub:8883", todo=TODO))
UNSEEN = Told(Text("Claves", "Keys"), unseen("key", "No se pudo leer", "Not readable", todo=TODO))


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        ([OK], 0, "Todo está bien."),
        ([OK, ATTENTION], 0, "1 cosa bien, 1 por atender."),
        ([OK, UNSEEN, ATTENTION], 2, "1 cosa bien, 1 sin poder ver, 1 por atender."),
        ([UNSEEN, WRONG], 1, "0 cosas bien, 1 sin poder ver, 1 mal."),
    ],
)
def test_the_exit_code_and_the_sum_tell_the_same(told: list[Told], code: int, said: str) -> None:
    assert exit_code(told) == code
    assert summary(told, "es") == said


def test_lines_have_mark_theme_place_and_advice_and_the_worst_last() -> None:
    assert as_lines("Puesto", [WRONG, OK, ATTENTION], "es") == [
        "Puesto",
        "bien      Disco: Hay espacio [/var]",
        "atención  Reloj: Atrasa",
        "            Qué hacer: Póngalo en hora",
        "MAL       Enlace: No hay enlace [hub:8883]",
        "            Qué hacer: Póngalo en hora",
        "1 cosa bien, 1 por atender, 1 mal.",
    ]
    assert as_lines("Post", [WRONG], "en")[1] == "WRONG     Link: No link [hub:8883]"


def test_a_terminal_shows_signs_and_words_not_colour_alone() -> None:
    out = io.StringIO()
    long = Told(Text("Buzón", "Outbox"), Finding(Mark.WRONG, "x", Text("palabra " * 30, "word"), "/x", TODO))
    show(Console(file=out, width=60, force_terminal=True, color_system=None), "Puesto", [OK, ATTENTION, long], "es")
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert "✓ bien     Disco         Hay espacio  /var" in lines
    assert "! atención Reloj: Atrasa" in lines
    assert any(line.startswith("✗ MAL      Buzón: palabra") for line in lines)
    assert lines[-1] == "✗ 1 cosa bien, 1 por atender, 1 mal."
    assert all(len(line) <= 60 for line in lines)


def test_json_is_for_programs() -> None:
    told = json.loads(as_json([OK, WRONG], "en"))
    assert told["exit_code"] == 1
    assert told["findings"][1] == {
        "mark": "wrong",
        "code": "broker",
        "theme": "Link",
        "what": "No link",
        "where": "hub:8883",
        "todo": "Set it",
    }


def test_numbers_ages_and_sizes_for_people() -> None:
    assert number(1234567, "es") == "1 234 567"
    assert [ages(s).es for s in (5, 150, 7300, 400_000)] == ["5 segundos", "2 minutos", "2 horas", "5 días"]
    assert [sizes(n) for n in (12, 3_400_000_000, 45_000_000)] == ["12 B", "3.4 GB", "45 MB"]
