"""All outputs of a post: a warning goes to each that is for it, and none waits for another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from gateway.rules.facts import Change, Incident
from gateway.warning.desk import Count, Desk, Output, Words, machine_wall_ms
from gateway.warning.errors import OutputError, UnknownOutputError
from gateway.warning.keeper import Keeper
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
from gateway.warning.untold import Untold, UntoldFile
from gateway.warning.webhook import WebhookOutput
from gateway.watch.words import OutputWord

log = logging.getLogger(__name__)


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
        self._count = count
        self._keeper: Keeper | None = None
        self.desks = [
            Desk(one, _output(one, station, speakers), words, zone, count, wall_ms, is_time_known, self._changed)
            for one in settings
        ]

    def open(self, file: UntoldFile, is_recalled: Callable[[], bool], is_seen_to: Callable[[int], bool]) -> None:
        """Before the desks run: from now on what has not been given is kept in the file, and what it holds is given
        by each output as soon as is_recalled: when is_seen_to knows whether somebody has seen to the incident of a
        number. Never raises for the disk."""
        kept = file.read()
        known = {desk.name for desk in self.desks}
        for name, notice in kept:
            if name not in known:
                log.info("there is no output %s any more to give a warning that waited", name)
                self._count({(f"warning {name}", "warning_too_late"): 1 + notice.more})
        for desk in self.desks:
            desk.take_up([notice for name, notice in kept if name == desk.name], is_recalled, is_seen_to)
        untold = self._untold()
        self._keeper = Keeper(file, self._untold, self._count, untold if len(untold) == len(kept) else None)

    def keep(self, stop: threading.Event) -> None:
        """The stage that writes, after `open`."""
        assert self._keeper is not None
        self._keeper.run(stop)

    def close(self) -> None:
        """After all stages have ended: what has not been given is kept for the next start."""
        if self._keeper is not None:
            self._keeper.close()

    def warn(self, change: Change, age_s: float = 0.0, before: Incident | None = None) -> None:
        """Warn of an incident by every output that it is for. age_s: how long ago what it is about was heard (a
        recorder may tell late). before: as it stood when it was last told, None when it never was. The outputs begin at
        once; returns when what they are to give is on disk, or after half a second."""
        for desk in self.desks:
            desk.offer(change, age_s, before)
        if self._keeper is not None:
            self._keeper.keep()

    def acknowledged(self, number: int) -> None:
        """Somebody has seen to an incident: sirens and lamps end."""
        for desk in self.desks:
            desk.acknowledged(number)
        self._changed()

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

    def _untold(self) -> list[Untold]:
        return [Untold(desk.name, notice) for desk in self.desks for notice in desk.untold()]

    def _changed(self) -> None:
        if self._keeper is not None:
            self._keeper.changed()

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
