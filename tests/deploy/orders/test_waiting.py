"""Why an order waits is told in words, as far as the book knows."""

from __future__ import annotations

import pytest

from deploy.orders.waiting import told, when
from gateway.contract.states import STOPPED, WINDOW_OVER
from ingest.commands.book import Given, Hearing

NOW_MS = 1_795_000_000_000
POST = "puesto-a"


def order(sends: int = 0, *, age_s: int = 3600, series: str = "", outcome: str | None = None) -> Given:
    sent_ms = NOW_MS - 1000 if sends else None
    given_ms = NOW_MS - age_s * 1000
    return Given("a" * 16, POST, "w", series, b"", given_ms, NOW_MS + 1, sends, sent_ms, outcome, "b" * 16, None)


@pytest.mark.parametrize(
    ("one", "hearing", "state", "why"),
    [
        (order(age_s=5), None, "por enviar", "ingest la ve en unos segundos"),
        (order(), None, "por enviar", "¿está en marcha vigia-ingest, y es este libro su [commands] path?"),
        (order(), Hearing(POST, False), "por enviar", "no se oyó nada todavía"),
        (order(), Hearing(POST, False, "", NOW_MS), "por enviar", f"puesto sin señal desde {when(NOW_MS)}"),
        (order(2), Hearing(POST, False, "", NOW_MS), "enviada", "; se envió 2 veces"),
        (order(), Hearing(POST, False, STOPPED), "por enviar", "está parado o arranca de nuevo"),
        (order(), Hearing(POST, False, WINDOW_OVER, 5, NOW_MS), "por enviar", f"lo abre {when(NOW_MS)}"),
        (order(), Hearing(POST, False, "later"), "por enviar", "el puesto cerró su enlace"),
        (order(age_s=5), Hearing(POST, True), "por enviar", "sale en seguida"),
        (order(), Hearing(POST, True), "por enviar", "espera su turno"),
        (order(series="s"), Hearing(POST, True), "por enviar", "espera la respuesta a la parte anterior"),
        (order(1), Hearing(POST, True), "enviada", "falta su respuesta"),
        (order(3), Hearing(POST, True), "enviada", "enviada 3 veces sin respuesta (la última, "),
        (order(outcome="withdrawn"), None, "retirada", "no se llegó a enviar"),
        (order(1, outcome="superseded"), None, f"reemplazada por {'b' * 16}", "puede que el puesto la haya recibido"),
    ],
)
def test_each_reason_is_told(one: Given, hearing: Hearing | None, state: str, why: str) -> None:
    said, reason = told(one, hearing, NOW_MS, "es")
    assert said == state
    assert why in reason
    assert told(one, hearing, NOW_MS, "en")[1] != reason
