"""The line in the service's log."""

from __future__ import annotations

import logging

import pytest

from deploy.demo.figures import _ALERT
from gateway.rules.facts import Step
from tests.gateway.warning.posts import running
from tests.gateway.watch.facts_made import raised
from tests.support.waiting import wait_until


@pytest.mark.expects_warnings
def test_alerts_are_warnings_and_notices_are_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.alerts")
    english = {"output": "log", "name": "english", "lang": "en", "levels": ["alert"]}
    with running({"output": "log"}, english) as post:
        post.warnings.warn(raised(1))
        wait_until("two lines", lambda: len(caplog.records) == 2)
        post.warnings.warn(raised(2, Step.RAISED, level="notice", label="silence"))
        post.warnings.test("log")
        wait_until("all lines", lambda: len(caplog.records) == 4)
    told = {(record.levelname, record.getMessage()) for record in caplog.records}
    assert told == {
        ("WARNING", "ALERTA: Motosierra en norte"),
        ("WARNING", "ALERT: Chainsaw at norte"),
        ("INFO", "AVISO: Sin señal de norte"),
        ("INFO", "PRUEBA de Vigía: así llega un aviso. No pasa nada."),
    }
    assert _ALERT.search("gateway.alerts: ALERTA: Motosierra en norte")


@pytest.mark.expects_warnings
def test_an_incident_that_another_rule_finds_is_told_where_it_was_not_and_everywhere_as_an_alert(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    near = {"output": "log", "name": "cerca", "rules": ["near"], "lang": "en"}
    first = raised(1, rule="saw", found_by=("saw",), level="notice")
    joined = raised(1, Step.GROWN, rule="saw", found_by=("saw", "near"), level="notice")
    alert = raised(1, Step.GROWN, rule="saw", found_by=("saw", "near"), level="alert")
    with running({"output": "log", "name": "todo"}, near) as post:

        def sent() -> tuple[int, int]:
            return post.state("todo").sent, post.state("cerca").sent

        post.warnings.warn(first)
        wait_until("told to one", lambda: sent() == (1, 0))
        post.warnings.warn(joined, 0.0, first.incident)
        wait_until("told to the other", lambda: sent() == (1, 1))
        post.warnings.warn(alert, 0.0, joined.incident)
        wait_until("told to both", lambda: sent() == (2, 2))
