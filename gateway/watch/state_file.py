"""A small file in which a running gateway says how its sources fare and which counters move, for `vigia doctor`.

In the directory that systemd gives the service in memory, else beside the outbox: there it is written at most each
minute while nothing but counts is new, which a card does not feel beside the outbox's own commits. Never synced: it
says what is, and a file that a power cut spoilt says nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from gateway.watch.words import SourceWord

log = logging.getLogger(__name__)

NAME: Final = "state.json"
RUNTIME_DIRECTORY: Final = Path("/run/vigia-gateway")
"""As vigia-gateway.service asks for."""
LOOK_EVERY_S: Final = 10.0
REFRESH_S: Final = 60.0
_MAX_BYTES: Final = 4 * 1024 * 1024


class CounterWord(msgspec.Struct, frozen=True):
    """A counter of the outbox that moved since the gateway started: by how much, and when last (CLOCK_MONOTONIC,
    seconds, to ten seconds)."""

    place: str
    name: str
    since_start: int
    moved_s: float


class GatewayState(msgspec.Struct, frozen=True):
    """outbox: the file of the gateway that says so. started_s, told_s: CLOCK_MONOTONIC, which all processes of a
    machine share and which nobody sets. unheard: configured sensors of which nothing is known, not even of the last
    day before the start."""

    outbox: str
    pid: int
    started_s: float
    told_s: float
    sources: tuple[SourceWord, ...] = ()
    unheard: tuple[str, ...] = ()
    counters: tuple[CounterWord, ...] = ()


class Counters:
    """Which counters move, and when. `look` is told all of them, now and then; what they were at first is no move."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], int] | None = None
        self._moved: dict[tuple[str, str], tuple[int, float]] = {}  # total, and when it was first seen

    def begin(self, tallies: Mapping[tuple[str, str], int]) -> None:
        """So they stand as the gateway starts."""
        self._first = dict(tallies)

    def look(self, tallies: Mapping[tuple[str, str], int], now_s: float) -> tuple[CounterWord, ...]:
        """Those that moved since the start."""
        if self._first is None:
            self.begin(tallies)
        first = self._first or {}
        for key, total in tallies.items():
            if total != self._moved.get(key, (first.get(key, 0), 0.0))[0]:
                self._moved[key] = total, now_s
        return tuple(
            CounterWord(*key, total - first.get(key, 0), moved_s) for key, (total, moved_s) in self._moved.items()
        )


class StateFile:
    """Written by one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: GatewayState | None = None
        self._trouble = ""

    def tell(self, state: GatewayState) -> None:
        """Write it if it is news, or if the last is a minute old. Never raises for the disk."""
        told = self._told
        if told is not None and state.told_s - told.told_s < REFRESH_S and _essence(state) == _essence(told):
            return
        self._told = state
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            fresh.write_bytes(msgspec.json.encode(state))
            fresh.replace(self._path)
        except OSError as error:
            if str(error) != self._trouble:
                log.info("the doctor is not told how the sources fare: %s", error)
            self._trouble = str(error)
        else:
            self._trouble = ""

    def remove(self) -> None:
        """The gateway ends."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.debug("%s stays: %s", self._path, error)


def state_path(outbox: Path) -> Path:
    """Where a gateway with this outbox writes: in systemd's directory for it, if there is one."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return (Path(given) if given else outbox.parent) / NAME


def read_state(outbox: Path) -> GatewayState | None:
    """What the gateway with this outbox last said; None when it said nothing that can be read. Raises
    PermissionError."""
    found = []
    for directory in (RUNTIME_DIRECTORY, outbox.parent):
        try:
            with (directory / NAME).open("rb") as file:
                found.append(msgspec.json.decode(file.read(_MAX_BYTES), type=GatewayState))
        except PermissionError:
            raise
        except (OSError, msgspec.DecodeError):  # a ValidationError is one
            continue
    ours = [state for state in found if state.outbox == str(outbox.absolute())]
    return max(ours, key=lambda state: state.told_s, default=None)


def _essence(state: GatewayState) -> object:
    """What is told at once: not how much."""
    return (
        [(source.name, source.standing, source.words if source.standing != "well" else "") for source in state.sources],
        state.unheard,
        {(counter.place, counter.name) for counter in state.counters},
    )
