"""The running service seen from outside: what the API and the metrics show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ingest.api.status import Labels, SinkStatus, StationLink
from ingest.journal.runner import SinkRunner
from ingest.subscriber.subscriber import Subscriber

SUBSCRIBER: Final = "journal"


class ServiceStatus:
    """Reads what the stages keep; does no I/O. discards of sinks are added by `count_discards`."""

    def __init__(self, subscriber: Subscriber, runners: Sequence[SinkRunner], sink_discards: Counter[str]) -> None:
        self._subscriber = subscriber
        self._runners = runners
        self._sink_discards = sink_discards

    def broker_connected(self) -> bool:
        """Whether the subscriber is connected and subscribed."""
        return self._subscriber.connected

    def journal_fault(self) -> str | None:
        """Why the journal takes nothing now, or None when it is in order."""
        return self._subscriber.journal_fault

    def sinks(self) -> Mapping[str, SinkStatus]:
        """By the sink's name."""
        return {runner.name: SinkStatus(runner.behind, runner.trouble or None) for runner in self._runners}

    def discards(self) -> dict[tuple[str, str], int]:
        """By (stage, reason)."""
        found = {(SUBSCRIBER, reason): count for reason, count in self._subscriber.discards.copy().items()}
        return found | {("influxdb", reason): count for reason, count in self._sink_discards.copy().items()}

    def counters(self) -> Mapping[tuple[str, Labels], float]:
        """Ever-growing counts by (name, labels)."""
        counts = self._subscriber.counts.copy()
        made: dict[tuple[str, Labels], float] = {(f"received_{what}", ()): count for what, count in counts.items()}
        for (stage, reason), count in self.discards().items():
            made["discarded", (("stage", stage), ("reason", reason))] = count
        return made

    def station_links(self) -> Mapping[str, StationLink]:
        """By the station's name."""
        states, received = self._subscriber.states.copy(), self._subscriber.last_received_ms.copy()
        links = {}
        for station in states.keys() | received.keys():
            state = states.get(station)
            links[station] = StationLink(
                link=state.link if state else "unknown",
                since_ms=state.since_ms if state else None,
                last_received_ms=received.get(station),
            )
        return links
