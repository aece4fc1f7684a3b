"""Incidents in one line."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.place.geometry import River
from gateway.place.place import Place
from gateway.rules.facts import Change, Incident, Passage, Step
from gateway.rules.words import MAX_BYTES, words
from tests.gateway.rules.facts_made import BEND, WALL_MS

LIMA = ZoneInfo("America/Lima")


def incident(**more: object) -> Incident:
    told: dict[str, object] = {
        "number": 7,
        "rule": "r",
        "level": "alert",
        "label": "chainsaw",
        "sensors": ("quebrada-norte",),
        "first_steady_ms": 0,
        "last_steady_ms": 240_000,
        "first_ms": WALL_MS,
        "last_ms": WALL_MS + 240_000,
        "count": 3,
    }
    return Incident(**(told | more))  # type: ignore[arg-type]  # as told


def line(step: Step = Step.RAISED, lang: str = "es", place: Place = BEND, **more: object) -> str:
    return words(Change(step, incident(**more)), lang, place, LIMA)


DOWN = Passage("Río Sereno", "downstream", 3.4, (("rio-abajo", WALL_MS + 600_000), ("", WALL_MS + 3_000_000)))
UP = Passage("Río Sereno", "upstream", 3.4, (("rio-arriba", WALL_MS + 600_000),))


@pytest.mark.parametrize(
    ("spanish", "english", "more"),
    [
        ("Motosierra en Quebrada Norte, 3 veces en 4 min", "Chainsaw at Quebrada Norte, 3 times in 4 min", {}),
        (
            "Disparo en Río arriba",
            "Gunshot at Río arriba",
            {"label": "gunshot", "sensors": ("rio-arriba",), "count": 1},
        ),
        (
            "Disparo en Río Sereno, 2 veces en 4 min",
            "Gunshot at Río Sereno, 2 times in 4 min",
            {"label": "gunshot", "sensors": ("rio-arriba", "rio-medio"), "count": 2},
        ),
        (
            "Peque-peque río abajo, 12 km/h, llega al puesto 10:03",
            "Long-tail boat motor downstream, 12 km/h, at the post 10:03",
            {"label": "long_tail_motor", "passage": DOWN},
        ),
        (
            "Peque-peque río arriba, 12 km/h, llega a Río arriba 09:23",
            "Long-tail boat motor upstream, 12 km/h, at Río arriba 09:23",
            {"label": "long_tail_motor", "passage": UP},
        ),
        (
            "Sin señal de Quebrada Norte desde las 09:17",
            "No signal from Quebrada Norte since 09:17",
            {"label": "silence", "count": 0},
        ),
        (
            "Motosierra: 14 avisos en 4 min (Quebrada Norte y otro)",
            "Chainsaw: 14 warnings in 4 min (Quebrada Norte, otro)",
            {"rule": "storm", "count": 14, "sensors": ("quebrada-norte", "otro")},
        ),
    ],
)
def test_what_is_said(spanish: str, english: str, more: dict[str, object]) -> None:
    assert line(**more) == spanish
    assert line(lang="en", **more) == english


@pytest.mark.parametrize(
    ("step", "more", "said"),
    [
        (Step.GROWN, {}, "Sigue: Motosierra en Quebrada Norte, 3 veces en 4 min"),
        (
            Step.ACKNOWLEDGED,
            {"note": "Ana: vamos"},
            "Atendido: Motosierra en Quebrada Norte, 3 veces en 4 min (Ana: vamos)",
        ),
        (Step.CLOSED, {}, "Terminó: Motosierra en Quebrada Norte, 3 veces en 4 min"),
        (Step.CLOSED, {"label": "silence"}, "Quebrada Norte se oye otra vez"),
        (Step.HELD_BACK, {"suppressed_by": "lluvia", "count": 1}, "Sin aviso (lluvia): Motosierra en Quebrada Norte"),
        (
            Step.HELD_BACK,
            {"suppressed_by": "late", "count": 1},
            "Sin aviso (llegó tarde): Motosierra en Quebrada Norte",
        ),
    ],
)
def test_what_became_of_it(step: Step, more: dict[str, object], said: str) -> None:
    assert line(step, **more) == said


def test_without_a_clock_minutes_are_told() -> None:
    change = Change(Step.RAISED, incident(label="boat", passage=DOWN, last_ms=WALL_MS))
    assert words(change, "es", BEND) == "Embarcación río abajo, 12 km/h, llega al puesto en 50 min"
    silent = Change(Step.RAISED, incident(label="silence"))
    assert words(silent, "es", BEND) == "Sin señal de Quebrada Norte"


def test_where_there_are_several_rivers_the_river_is_named() -> None:
    two = Place(BEND.sensors, (*BEND.rivers, River("Otro", [(0, 0), (1, 1)])))
    assert line(place=two, label="boat", passage=UP).startswith("Embarcación por Río Sereno río arriba, ")


def test_many_sensors_are_some_and_more() -> None:
    assert line(sensors=tuple("vwxyz"), count=1) == "Motosierra en v, w y 3 más"
    assert line(lang="en", sensors=tuple("vwx"), count=1) == "Chainsaw at v, w, x"


@given(note=st.text(max_size=400), sensor=st.text(max_size=64), label=st.text(max_size=32), step=st.sampled_from(Step))
def test_any_incident_is_one_line_that_a_radio_takes(note: str, sensor: str, label: str, step: Step) -> None:
    for lang in ("es", "en"):
        said = line(step, lang, note=note, sensors=(sensor,) * 3, label=label, suppressed_by=note)
        assert len(said.encode()) <= MAX_BYTES
        assert said.isprintable()
