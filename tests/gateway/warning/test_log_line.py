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
