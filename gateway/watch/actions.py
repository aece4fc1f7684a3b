"""What people at the post, or a command from headquarters, do about what happens: each becomes a reading like any
other, and goes the same way: outbox, history, rules, board. One log."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from firmware_bridge.readings import MAX_NAME_BYTES, MAX_NOTE_BYTES, Kind, Reading, is_name, make_reading
from gateway.rules.facts import Step
from gateway.watch.board import Board
from gateway.watch.errors import WatchError

MAX_PATROL_HOURS: Final = 24.0
"""Where no rule believes a patrol for less."""
_SPACE: Final = re.compile(r"\s+")


class Actions:
    """From any thread. Each returns when what was done is on disk. submit: takes the reading in, as the intake does.
    max_patrol_hours: how long a patrol may be marked as out, which is how long the rules believe it."""

    def __init__(
        self, board: Board, submit: Callable[[Reading], None], max_patrol_hours: float = MAX_PATROL_HOURS
    ) -> None:
        self._board = board
        self._submit = submit
        self.max_patrol_hours = min(max_patrol_hours, MAX_PATROL_HOURS)

    def acknowledge(self, number: int, note: str, who: str) -> None:
        """Somebody has seen to an incident: the siren falls silent. Again is no harm: notes add up, also on one that is
        closed, for what people found is known when they are back.

        Raises WatchError: unknown_incident, incident_closed, bad_note, bad_name.
        """
        change = self._board.incident(number)
        if change is None:
            raise WatchError(
                "unknown_incident",
                f"no hay un incidente {number}; vuelva a cargar la página",
                f"there is no incident {number}; load the page again",
            )
        incident = change.incident
        if incident.state == "closed" and not note.strip():
            raise WatchError(
                "incident_closed", f"el incidente {number} ya está cerrado", f"incident {number} is closed already"
            )
        who = _name(who)
        sensor = incident.sensors[0] if incident.sensors else who
        note = _note(f"{who}: {note}" if note.strip() else who)
        values: dict[str, float] = {"incident_number": number, "incident_step": int(Step.ACKNOWLEDGED)}
        self._submit(make_reading(Kind.INCIDENT, sensor, values, label=incident.label, note=note))

    def patrol_out(self, name: str, hours: float, note: str = "") -> None:
        """People go out, and what they set off is no alarm for so long. Raises WatchError: bad_name, bad_hours,
        bad_note."""
        if not 0 < hours <= self.max_patrol_hours:
            raise WatchError(
                "bad_hours",
                f"una patrulla sale por más de 0 y hasta {self.max_patrol_hours:g} horas; si sigue fuera, márquela"
                " otra vez",
                f"a patrol is out for more than 0 and up to {self.max_patrol_hours:g} hours; mark it again if it stays"
                " out",
            )
        values = {"duration_seconds": round(hours * 3600)}
        self._submit(make_reading(Kind.PATROL, _name(name), values, label="out", note=_note(note)))

    def patrol_back(self, name: str, note: str = "") -> None:
        """They are back. Raises WatchError: bad_name, not_out, bad_note."""
        name = _name(name)
        if all(patrol.name != name for patrol in self._board.patrols_out()):
            raise WatchError("not_out", f"la patrulla {name} no está fuera", f"patrol {name} is not out")
        self._submit(make_reading(Kind.PATROL, name, {"duration_seconds": 0}, label="back", note=_note(note)))


def _name(text: str) -> str:
    name = _SPACE.sub(" ", text).strip()
    if not is_name(name):
        raise WatchError(
            "bad_name",
            f"escriba un nombre de 1 a {MAX_NAME_BYTES} letras",
            f"write a name of 1 to {MAX_NAME_BYTES} letters",
        )
    return name


def _note(text: str) -> str:
    note = _SPACE.sub(" ", text).strip()
    if not (note.isprintable() and len(note.encode(errors="replace")) <= MAX_NOTE_BYTES):
        raise WatchError(
            "bad_note",
            f"la nota pasa de {MAX_NOTE_BYTES} letras, o tiene signos que no se pueden mostrar",
            f"the note is longer than {MAX_NOTE_BYTES} letters, or has characters that do not print",
        )
    return note
