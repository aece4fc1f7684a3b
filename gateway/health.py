"""The gateway about itself: readings like any other, so that what was discarded and why reaches headquarters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from firmware_bridge.readings import MAX_NAME_BYTES, Kind, Reading, make_reading
from gateway.clock.clock import Clock
from gateway.commands.places import ANSWERS
from gateway.contract.topics import Lane
from gateway.machine import Machine
from gateway.outbox.outbox import Accepted, Outbox
from gateway.uplink.meter import SENT
from gateway.uplink.spending import COUNTER_PLACES
from gateway.uplink.uplink import UplinkState

SENSOR = "gateway"
_RESTARTED = "restarted"
"""Place of the counters of stages that failed and were started again: told like discards, and none themselves."""
_WORTH_TELLING_BYTES = 10_000
"""What a lane has cost is told again when it is so much more: telling costs too."""


class Health:
    """Reports every so often: one STATION_HEALTH reading, and a TALLY for each counter that has moved: what was
    discarded and why, what each lane has cost."""

    def __init__(
        self, outbox: Outbox, directory: Path, link: Callable[[], UplinkState], clock: Clock, every_s: float
    ) -> None:
        self._outbox = outbox
        self._machine = Machine(directory)
        self._link = link
        self._clock = clock
        self._every_s = every_s
        self._told: dict[tuple[str, str], int] = {}

    def run(self, stop: threading.Event) -> None:
        """Report at once, then every so often, until told to stop."""
        while True:
            moment = self._clock.now()
            self._outbox.accept([Accepted(Lane.HEALTH, moment, reading) for reading in self.report()])
            if self._machine.watch(stop, self._every_s):
                return

    def report(self) -> list[Reading]:
        """What there is to say now."""
        state, link, tallies = self._outbox.state(), self._link(), self._outbox.tallies()
        values: dict[str, float] = {
            "outbox_entries": state.entries,
            "outbox_bytes": max(0, state.bytes),
            "outbox_oldest_age_seconds": min(4e9, state.oldest_age_s),
            **self._machine.values(),
            "sent_bytes_total": link.sent_bytes,
            "accepted_total": sum(total for (place, _), total in tallies.items() if place == "accepted"),
            "discarded_total": sum(
                total for key, total in tallies.items() if _is_discard(key) and key[0] != _RESTARTED
            ),
        }
        readings = [make_reading(Kind.STATION_HEALTH, SENSOR, values)]
        for (place, name), total in tallies.items():
            if _is_discard((place, name)) and self._told.get((place, name)) != total:
                self._told[place, name] = total
                readings.append(make_reading(Kind.TALLY, _fit(place), {"discarded_total": total}, label=_fit(name)))
            elif place == SENT and total >= self._told.get((place, name), 0) + _WORTH_TELLING_BYTES:
                self._told[place, name] = total
                readings.append(make_reading(Kind.TALLY, place, {"sent_bytes_total": total}, label=name))
        return readings


def _fit(name: str) -> str:
    return name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")


def _is_discard(key: tuple[str, str]) -> bool:
    place, name = key
    if place in ("accepted", "clock", ANSWERS) or place in COUNTER_PLACES:
        return False
    return (place, name) not in {
        ("media", "evicted_delivered"),
        ("outbox", "receipted"),
        ("outbox", "salvaged"),
        ("watch", "incident_alerts"),
        ("watch", "incidents_numbered"),
    }
