"""The words of findings: plurals, and one word for one thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import deploy.doctor
from deploy.doctor.discards import discard_findings
from deploy.doctor.findings import Text, counted
from deploy.doctor.journal import Behind, judge_behind, judge_stations
from deploy.doctor.outbox import Held, judge_waiting
from gateway.contract.topics import Lane

READINGS = (Text("lectura", "reading"), Text("lecturas", "readings"))


@pytest.mark.parametrize(
    ("count", "es", "en"),
    [(0, "0 lecturas", "0 readings"), (1, "1 lectura", "1 reading"), (1202, "1 202 lecturas", "1,202 readings")],
)
def test_a_noun_agrees_with_its_number(count: int, es: str, en: str) -> None:
    assert counted(count, *READINGS) == (es, en)


def test_one_of_a_thing_is_told_in_the_singular() -> None:
    told = [
        *discard_findings({("accepted", "alert"): 1}),
        *discard_findings({("outbox", "evicted_reading"): 1}),
        *judge_waiting(Held({Lane.HEALTH: 1}, {Lane.HEALTH: 0.0}, 10), 1000, 5.0, "outbox.db"),
        judge_behind("influxdb", Behind(1, 0.0), 5.0),
        *judge_stations({"puesto-a": "Puesto A"}, {"puesto-a": 5.0}, 5.0),
    ]
    assert [finding.what.es for finding in told] == [
        "1 lectura aceptada; nada descartado",
        "Se borró 1 lectura sin enviar, por falta de espacio (reading 1)",
        "Por enviar: 1 (1 informe de estado); lo más antiguo, de hace 5 segundos",
        "Por pasar a influxdb: 1 mensaje; lo más antiguo, de hace 5 segundos",
        "Se sabe del único puesto del registro",
    ]


def test_headquarters_is_the_sede_and_the_outbox_the_buzon_de_salida() -> None:
    for path in Path(deploy.doctor.__path__[0]).glob("*.py"):
        assert not re.search(r"\bbandeja|\bla central\b", path.read_text(), re.IGNORECASE), path.name
