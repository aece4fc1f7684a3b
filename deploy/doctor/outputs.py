"""Whether the outputs of warnings work, by what the running gateway counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from deploy.doctor.findings import Check, Finding, Text, ages, attention, counted, wrong
from gateway.warning.settings import WarningSettings
from gateway.watch.state_file import CounterWord, GatewayState

FAILED: Final = "warning_failed"
_PLACE: Final = "warning "
_NOW_S: Final = 15 * 60.0
"""A failing output tries again and again: what failed so lately is most likely failing still."""
_LATELY_S: Final = 86_400.0


def outputs_check(outputs: Sequence[WarningSettings], state: GatewayState) -> Check:
    """state: what the running gateway last said."""
    return Check(Text("Salidas de aviso", "Outputs"), lambda: judge_outputs(outputs, state, time.monotonic()))


def is_told_here(counter: CounterWord) -> bool:
    """Whether a counter is of an output's failures."""
    return counter.name == FAILED and counter.place.startswith(_PLACE)


def judge_outputs(outputs: Sequence[WarningSettings], state: GatewayState, now_s: float) -> list[Finding]:
    """What to say of outputs that failed in the last day, at a time of CLOCK_MONOTONIC."""
    names = {output.name for output in outputs}
    return [
        _failing(counter.place.removeprefix(_PLACE), counter, now_s)
        for counter in state.counters
        if is_told_here(counter)
        and counter.place.removeprefix(_PLACE) in names
        and counter.since_start
        and now_s - counter.moved_s < _LATELY_S
    ]


def _failing(name: str, counter: CounterWord, now_s: float) -> Finding:
    ago_s = now_s - counter.moved_s
    ago = ages(ago_s)
    many = counted(counter.since_start, Text("vez", "time"), Text("veces", "times"))
    is_now = ago_s < _NOW_S
    code, say = ("output_failing", wrong) if is_now else ("output_failed", attention)
    verb = Text("falla", "fails") if is_now else Text("falló", "failed")
    return say(
        code,
        f"La salida {name} {verb.es}: {many.es} desde que arrancó, la última hace {ago.es}",
        f"The output {name} {verb.en}: {many.en} since the start, the last {ago.en} ago",
        name,
        todo=Text(
            "La página del puesto y el registro dicen por qué: journalctl -u vigia-gateway | grep 'warnings by"
            f" {name}'. Corríjalo y pruébela en la página",
            "The post's page and the log say why: journalctl -u vigia-gateway | grep 'warnings by"
            f" {name}'. Mend it and test it on the page",
        ),
    )
