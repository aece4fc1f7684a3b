"""The numbers that people know incidents by. Pure.

The rules begin anew with each start of the gateway, on the history of their longest window, and number what they find
from wherever they like. Here an incident that was known before keeps its number, its beginning and its count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from gateway.rules.facts import Change, Incident, Step


class _Known(NamedTuple):
    """number: for people. before: as it stood before the start, if it is of before."""

    number: int
    before: Incident | None


class Numbers:
    """known: the incidents of before this start, each with its last step."""

    def __init__(self, known: Iterable[Change]) -> None:
        self._before = {change.incident.number: change for change in known}
        self._next = max(self._before, default=0) + 1
        self._known: dict[int, _Known] = {}  # by the rules' number
        self._theirs: dict[int, int] = {}  # the rules' number, by ours

    def ours(self, change: Change) -> Change:
        """The change as people are to see it."""
        incident = change.incident
        known = self._known.get(incident.number)
        if known is None:
            known = self._known[incident.number] = self._recognise(incident)
            self._theirs[known.number] = incident.number
        before = known.before
        if before is None:
            return Change(change.step, msgspec.structs.replace(incident, number=known.number))
        is_acknowledged = incident.state == "open" and before.state == "acknowledged"
        return Change(
            change.step,
            msgspec.structs.replace(
                incident,
                number=known.number,
                first_steady_ms=min(before.first_steady_ms, incident.first_steady_ms),
                first_ms=min(before.first_ms, incident.first_ms),
                count=max(before.count, incident.count),
                sensors=tuple(dict.fromkeys((*before.sensors, *incident.sensors))),
                state=before.state if is_acknowledged else incident.state,
                note=incident.note or before.note,
            ),
        )

    def theirs(self, number: int) -> int | None:
        """The rules' number of an incident that people know by this one; None when the rules do not know it."""
        return self._theirs.get(number)

    def settle(self, found: Mapping[int, Change]) -> list[Change]:
        """After the history was gone through. found: what the rules made of it, by our number, as it stands. What has
        become of the incidents: those of before that closed meanwhile, and those that stand otherwise than before."""
        settled = []
        for number, change in self._before.items():
            now = found.get(number)
            if now is None and change.incident.state != "closed":
                settled.append(Change(Step.CLOSED, msgspec.structs.replace(change.incident, state="closed")))
            elif now is not None and now.incident != change.incident and change.incident.state != "closed":
                settled.append(now)
        settled += [
            change
            for number, change in found.items()
            if number not in self._before and change.incident.state != "closed"
        ]
        return settled

    def _recognise(self, incident: Incident) -> _Known:
        for number, change in self._before.items():
            before = change.incident
            if (
                number not in self._theirs
                and (before.rule, before.label) == (incident.rule, incident.label)
                and before.first_steady_ms <= incident.first_steady_ms <= before.last_steady_ms
            ):
                return _Known(number, before)
        self._next += 1
        return _Known(self._next - 1, None)
