"""All outputs of a post: a warning goes to each that is for it, and none waits for another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.rules.facts import Change, Incident
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
from gateway.warning.untold import Untold, keep_untold, take_untold
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

    def warn(self, change: Change, age_s: float = 0.0, before: Incident | None = None) -> None:
        """Warn of an incident by every output that it is for. age_s: how long ago what it is about was heard (a
        recorder may tell late). before: as it stood when it was last told, None when it never was. Returns at once."""
        for desk in self.desks:
            desk.offer(change, age_s, before)

    def keep_untold(self, path: Path, boot: str, boot_ms: int) -> None:
        """After the desks have ended: keep what they could not give, for the next start. What cannot be kept is counted
        as too late."""
        now = time.monotonic()
        left = [(desk, desk.take_untold()) for desk in self.desks]
        untold = [
            Untold(desk.name, one.change.step, one.change.incident, round(max(0.0, now - one.due_at) * 1000))
            for desk, notices in left
            for one in notices
            if one.change is not None
        ]
        if not keep_untold(path, boot, boot_ms, untold):
            for desk, notices in left:
                desk.give_up(notices)

    def take_up_untold(self, path: Path, boot: str, boot_ms: int) -> None:
        """Before the desks run: warn of what waited when the post ended, each output of its own."""
        desks = {desk.name: desk for desk in self.desks}
        for name, change, age_s in take_untold(path, boot, boot_ms):
            if name in desks:
                desks[name].offer(change, age_s)

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
