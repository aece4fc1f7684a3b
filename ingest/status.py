"""The running service seen from outside: what the API and the metrics show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from ingest.api.status import Labels, SinkStatus, StationLink
from ingest.journal.journal import STAGE
from ingest.journal.runner import SinkRunner
from ingest.media.service import MediaService
from ingest.media.stage import STAGE as MEDIA
from ingest.subscriber.subscriber import Subscriber

STATES: Final = "state"
"""The stage of what was discarded on state topics."""
_LATEST_MS: Final = 2**43 - 1
"""The year 2248: a post that says it came up later has no clock."""


class ServiceStatus:
    """Reads what the stages keep; does no I/O. sink_discards: by reason; restarts: by stage. media: None when this
    process takes no pictures."""

    def __init__(
        self,
        subscriber: Subscriber,
        runners: Sequence[SinkRunner],
        sink_discards: Counter[str],
        restarts: Counter[str],
        media: MediaService | None = None,
    ) -> None:
        self._subscriber = subscriber
        self._runners = runners
        self._sink_discards = sink_discards
        self._restarts = restarts
        self._media = media

    def broker_connected(self) -> bool:
        """Whether the subscriber is connected and subscribed."""
        return self._subscriber.connected

    def journal_fault(self) -> str | None:
        """Why the journal takes nothing now, or None when it is in order."""
        return self._subscriber.journal_fault

    def sinks(self) -> Mapping[str, SinkStatus]:
        """By the sink's name."""
        sinks = {runner.name: SinkStatus(runner.behind, runner.trouble or None) for runner in self._runners}
        return sinks | ({MEDIA: self._media.status()} if self._media is not None else {})

    def discards(self) -> dict[tuple[str, str], int]:
        """By (stage, reason)."""
        by_stage = {
            STAGE: self._subscriber.discards,
            STATES: self._subscriber.state_discards,
            "influxdb": self._sink_discards,
            MEDIA: self._media.discards() if self._media is not None else Counter(),
        }
        return {
            (stage, reason): count
            for stage, reasons in by_stage.items()
            for reason, count in reasons.copy().items()
            if count
        }

    def restarts(self) -> dict[tuple[str, str], int]:
        """By ("restarted", stage): how often a stage failed and was started again."""
        return {("restarted", stage): count for stage, count in self._restarts.copy().items()}

    def counters(self) -> Mapping[tuple[str, Labels], float]:
        """Ever-growing counts by (name, labels)."""
        counts = self._subscriber.counts.copy() + (self._media.counts() if self._media is not None else Counter())
        made: dict[tuple[str, Labels], float] = {(name, ()): n for name, n in counts.items()}
        for (stage, reason), count in self.discards().items():
            made["discarded", (("stage", stage), ("reason", reason))] = count
        for (_, stage), count in self.restarts().items():
            made["restarted_stages", (("stage", stage),)] = count
        return made

    def station_links(self) -> Mapping[str, StationLink]:
        """By the station's name."""
        states, received = self._subscriber.states.copy(), self._subscriber.last_received_ms.copy()
        links = {}
        for station in states.keys() | received.keys():
            state = states.get(station)
            is_closed = state is not None and state.link == "down"
            links[station] = StationLink(
                link=state.link if state else "unknown",
                since_ms=_plausible(state.since_ms) if state else None,
                last_received_ms=received.get(station),
                reason=state.reason if state and is_closed else "",
                next_ms=_plausible(state.next_ms) if state and is_closed else None,
            )
        return links


def _plausible(time_ms: int | None) -> int | None:
    return time_ms if time_ms is not None and 0 <= time_ms <= _LATEST_MS else None
