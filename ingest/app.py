"""The ingestion service's one composition root: builds every stage from the settings and runs them."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from gateway.supervision.supervisor import Supervisor
from ingest.api.server import ApiServer
from ingest.clock import HeadquartersClock
from ingest.commands.answers import AnswerSink
from ingest.commands.book import CommandBook
from ingest.commands.dispatch import Dispatcher
from ingest.errors import IngestError
from ingest.influx.dialects import writer_for
from ingest.influx.reader import InfluxReader
from ingest.journal.journal import Journal
from ingest.journal.reader import JournalReader
from ingest.journal.runner import Sink, SinkRunner
from ingest.journal.series import SeriesBook
from ingest.media.service import MediaService
from ingest.registry import Registry
from ingest.settings import IngestSettings
from ingest.sink import InfluxSink
from ingest.status import ServiceStatus
from ingest.subscriber.subscriber import Subscriber

log = logging.getLogger(__name__)

_TALLIES_EVERY_S: Final = 60.0
_STOP_WITHIN_S: Final = 4.0
"""Whoever waits for a database or a broker that hangs is not waited for: the journal has everything."""


class Ingest:
    """One ingest process. `run` works until the event is set."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._restarts: Counter[str] = Counter()
        self._sink_discards: Counter[str] = Counter()

    def run(self, stop: threading.Event) -> None:
        """Open the journal, start every stage, wait for `stop`, stop them, close. Raises IngestError when the journal
        or the registry cannot be used."""
        settings = self._settings
        registry = Registry(settings.registry.path)
        registry.load()
        journal = Journal(
            settings.journal.path, registry.territory_of, bytes_a_day=settings.journal.station_bytes_per_day
        )
        journal.open()
        clock = HeadquartersClock(max(journal.last_received_ms().values(), default=0))
        series = SeriesBook(settings.journal.path, settings.influx.series_per_station)
        series.open()
        sink, tally_sink = (
            InfluxSink(
                writer_for(settings.influx),
                settings.influx.bucket,
                registry,
                believe_days_back=settings.influx.believe_days_back,
                clock=clock,
                series=of_posts,
            )
            for of_posts in (series, None)
        )
        reader = InfluxReader(settings.influx)
        sinks: list[Sink] = [sink]
        book = CommandBook(settings.commands.path) if settings.commands.path else None
        if book is not None:
            book.open()
            sinks.append(AnswerSink(book))
        journal.only_sinks([one.name for one in sinks])
        runners = [
            SinkRunner(
                JournalReader(settings.journal.path, one.name, registry.territory_of if one is sink else None),
                one,
                self._sink_discards.update,
            )
            for one in sinks
        ]
        media = None
        if settings.media_path is not None:
            media = MediaService(
                settings.media, settings.media_path, registry, lambda topic, words: subscriber.say(topic, words)
            )
            media.open()
        subscriber = Subscriber(
            settings.broker,
            journal,
            keep_days=settings.journal.keep_days,
            news=lambda: _wake(runners),
            media=media.stage.take if media is not None else None,
        )
        status = ServiceStatus(subscriber, runners, self._sink_discards, self._restarts, media)
        supervisor = Supervisor(lambda stage: self._restarts.update([stage]), known=(IngestError,))
        for runner in runners:
            supervisor.start(f"sink {runner.name}", runner.run)
        if settings.commands.path:
            dispatcher = Dispatcher(
                CommandBook(settings.commands.path), subscriber.say, subscriber.states, subscriber.last_received_ms
            )
            supervisor.start("commands", dispatcher.run)
        if media is not None:
            media.start(supervisor)
        supervisor.start("subscriber", subscriber.run)
        supervisor.start("tallies", _Tallies(status, tally_sink).run)
        supervisor.start("api", ApiServer(settings.api, registry, reader, status, media=media).run)
        stop.wait()
        if supervisor.stop(_STOP_WITHIN_S):
            journal.close()  # else the end of the process does, at whatever instant: that is what it is made for
            sink.close()
            series.close()
            tally_sink.close()
            reader.close()
            if book is not None:
                book.close()
            if media is not None:
                media.close()
        log.info("stopped")


def _wake(runners: Sequence[SinkRunner]) -> None:
    for runner in runners:
        runner.wake()


class _Tallies:
    """A stage: what headquarters itself discarded goes to the database like any post's discards, once a minute."""

    def __init__(self, status: ServiceStatus, sink: InfluxSink) -> None:
        self._status = status
        self._sink = sink

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop."""
        while not stop.wait(_TALLIES_EVERY_S):
            counters = self._status.discards() | self._status.restarts()
            try:
                self._sink.write_tallies(counters, time.time_ns())
            except IngestError as error:
                log.debug("tallies wait: %s", error)
