"""Outputs of warnings that fail, told by what a running gateway counts."""

from __future__ import annotations

from deploy.doctor.discards import discard_findings
from deploy.doctor.findings import Mark
from deploy.doctor.outputs import judge_outputs
from gateway.warning.settings import LogSettings
from gateway.watch.state_file import CounterWord, GatewayState
from tests.deploy.doctor.findings import found

OUTPUTS = [LogSettings(name="sirena"), LogSettings(name="luz")]
HOUR_S = 3600.0


def state(*counters: CounterWord) -> GatewayState:
    return GatewayState("/outbox.db", 1, 0.0, 100 * HOUR_S, counters=counters)


def failed(name: str, ago_s: float, times: int = 3) -> CounterWord:
    return CounterWord(f"warning {name}", "warning_failed", times, 100 * HOUR_S - ago_s)


def test_one_that_fails_now_is_wrong_and_one_that_failed_today_is_worth_a_look() -> None:
    now, before = judge_outputs(OUTPUTS, state(failed("sirena", 30), failed("luz", 2 * HOUR_S, 1)), 100 * HOUR_S)
    assert found([now, before]) == {"output_failing": Mark.WRONG, "output_failed": Mark.ATTENTION}
    assert now.what.es == "La salida sirena falla: 3 veces desde que arrancó, la última hace 30 segundos"
    assert before.what.es == "La salida luz falló: 1 vez desde que arrancó, la última hace 2 horas"
    assert now.todo is not None
    assert "grep 'warnings by sirena'" in now.todo.es


def test_of_yesterday_of_others_and_of_other_counters_nothing_is_said() -> None:
    others = CounterWord("warning sirena", "warning_came_late", 3, 100 * HOUR_S)
    assert judge_outputs(OUTPUTS, state(failed("luz", 25 * HOUR_S), failed("otra", 1), others), 100 * HOUR_S) == []


def test_a_failure_is_not_told_among_the_discards_too() -> None:
    many = failed("sirena", 30, times=50)
    told = discard_findings({(many.place, many.name): 50}, (), state(many), 100 * HOUR_S)
    assert "discarded_warning_failed" not in found(told)
    # Of a gateway that does not run nothing else tells it.
    assert "discarded_warning_failed" in found(discard_findings({(many.place, many.name): 50}))
