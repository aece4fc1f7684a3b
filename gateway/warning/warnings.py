"""All outputs of a post: a warning goes to each that is for it, and none waits for another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from gateway.rules.facts import Change
from gateway.warning.desk import Count, Desk, Output, Words, machine_wall_ms
from gateway.warning.errors import OutputError, UnknownOutputError
from gateway.warning.log_line import LogOutput
from gateway.warning.messages import AppriseOutput
from gateway.warning.pin_output import PinOutput
from gateway.warning.radio import RadioOutput, Says
from gateway.warning.settings import (
    AppriseSettings,
    LampSettings,
    LogSettings,
    OutputSettings,
    RadioSettings,
    SirenSettings,
    WarningSettings,
    WebhookSettings,
)
from gateway.warning.webhook import WebhookOutput
from gateway.watch.words import OutputWord


class Warnings:
    """See the module. Each of `desks` is to be run as a stage of its own (`Desk.run`). No I/O before that. wall_ms:
    Unix time as the post knows it. is_time_known: whether anybody vouches for that."""

    def __init__(
        self,
        settings: Iterable[WarningSettings],
        *,
        station: str,
        words: Words,
        zone: ZoneInfo,
        speakers: Says,
        count: Count,
        wall_ms: Callable[[], int] = machine_wall_ms,
        is_time_known: Callable[[], bool] = lambda: True,
    ) -> None:
        self.desks = [
            Desk(one, _output(one, station, speakers), words, zone, count, wall_ms, is_time_known) for one in settings
        ]

    def warn(self, change: Change, age_s: float = 0.0) -> None:
        """Warn of an incident by every output that it is for. age_s: how long ago what it is about was heard (a
        recorder may tell late). Returns at once."""
        for desk in self.desks:
            desk.offer(change, age_s)

    def acknowledged(self, number: int) -> None:
        """Somebody has seen to an incident: sirens and lamps end."""
        for desk in self.desks:
            desk.acknowledged(number)

    def test(self, name: str) -> None:
        """Let one output warn as a test; how it went shows in `states`. Raises UnknownOutputError."""
        self._desk(name).test()

    def try_once(self, name: str) -> None:
        """Let one output warn as a test, in this thread, while no gateway runs it. Raises UnknownOutputError, or
        OutputError when it did not work."""
        self._desk(name).try_once()

    def states(self) -> tuple[OutputWord, ...]:
        """How each fares."""
        return tuple(desk.state() for desk in self.desks)

    def _desk(self, name: str) -> Desk:
        for desk in self.desks:
            if desk.name == name:
                return desk
        known = ", ".join(desk.name for desk in self.desks)
        raise UnknownOutputError(f"no output is called {name!r}; known: {known}")


def _output(settings: OutputSettings, station: str, speakers: Says) -> Output:
    match settings:
        case SirenSettings() | LampSettings():
            return PinOutput(settings)
        case RadioSettings():
            return RadioOutput(settings, speakers)
        case WebhookSettings():
            return WebhookOutput(settings, station)
        case AppriseSettings():
            return AppriseOutput(settings)
        case LogSettings():
            return LogOutput(settings)
    raise OutputError(f"no output of these settings: {type(settings).__name__}")
