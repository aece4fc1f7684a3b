"""The gateway's one composition root: builds every stage from the settings and runs them."""

from __future__ import annotations

import logging
import threading
from importlib.metadata import version

from firmware_bridge.readings import BridgeError
from firmware_bridge.sources import SourceSettings, open_source
from gateway.clock.clock import Clock
from gateway.errors import GatewayError
from gateway.health import Health
from gateway.intake import Intake, Lanes
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.place.errors import PlaceError
from gateway.place.place import Place, place_of
from gateway.rules.book import RuleBook, default_rules
from gateway.rules.engine import Engine
from gateway.rules.errors import RulesError
from gateway.rules.facts import Change
from gateway.rules.loading import load_rules
from gateway.rules.words import words
from gateway.settings import GatewaySettings
from gateway.speakers import Speakers
from gateway.supervision.supervisor import Supervisor
from gateway.uplink.uplink import Uplink
from gateway.warning.warnings import Warnings
from gateway.watch.actions import Actions
from gateway.watch.board import Board
from gateway.watch.history import History
from gateway.watch.post import PostTeller
from gateway.watch.watch import Watch
from gateway.watch.words import SensorCard, TroubleWord

log = logging.getLogger(__name__)


class Gateway:
    """One post. `run` works until the event is set."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self.clock = Clock(settings.clock.trust)
        self.outbox = Outbox(
            settings.outbox.path,
            max_bytes=settings.outbox.max_megabytes * 1024 * 1024,
            memory_bytes=settings.outbox.memory_megabytes * 1024 * 1024,
            clock=self.clock,
        )
        self.media = MediaStore(
            settings.media.path or settings.outbox.path.parent / "media",
            max_bytes=settings.media.max_megabytes * 1024 * 1024,
        )
        self.speakers = Speakers()
        self.history = History(
            settings.history.path or settings.outbox.path.parent / "history.db",
            days=settings.history.days,
            max_bytes=settings.history.max_megabytes * 1024 * 1024,
            count=lambda counts: self.outbox.accept([], tallies=counts),
        )

    def run(self, stop: threading.Event) -> None:
        """Open the outbox, start every stage, wait for `stop`, stop them, close."""
        settings = self._settings
        self.outbox.open()
        self.media.open()
        uplink = Uplink(
            settings.station.name,
            self.outbox,
            settings.uplink,
            settings.clock,
            self.clock,
            software=version("vigia"),
            zone=settings.rules.zone,
        )
        self.outbox.tell_news_to(uplink.wake)
        self.history.open()
        place, book, troubles = place_and_rules(settings)
        board = Board(
            SensorCard(sensor.name, sensor.title, sensor.groups, sensor.expected_interval_s)
            for sensor in place.sensors.values()
        )
        warnings = Warnings(
            settings.warnings,
            station=settings.station.name,
            words=lambda change, lang: self._words(change, lang, place),
            zone=settings.rules.zone,
            speakers=self.speakers,
            count=lambda counts: self.outbox.accept([], tallies=counts),
        )
        watch = Watch(
            self.outbox,
            board,
            self.history,
            self.clock,
            lambda: Engine(book, place, settings.rules.zone),
            warnings,
            lambda change: self._words(change, "es", place),
            commit_every_s=settings.history.commit_every_s,
        )
        intake = Intake(
            self.outbox, Lanes(settings.lanes), self.clock, watch.hear, self.media, read_texts=watch.read_texts
        )
        actions = Actions(board, intake.submit)
        teller = PostTeller(
            board,
            self.clock,
            self.outbox,
            uplink.state,
            self.history,
            self.media,
            warnings.states,
            settings.outbox.path.parent,
            troubles,
        )
        health = Health(self.outbox, settings.outbox.path.parent, uplink.state, self.clock, settings.health.every_s)
        supervisor = Supervisor(
            lambda stage: self.outbox.accept([], tallies={("restarted", stage): 1}), known=(GatewayError, BridgeError)
        )
        log.info(
            "%s: %d sources, epoch %s, %d readings wait for headquarters",
            settings.station.name,
            len(settings.sources),
            self.outbox.state().epoch.hex(),
            self.outbox.state().entries,
        )
        try:
            supervisor.start("commit", self._commit)
            for desk in warnings.desks:
                supervisor.start(f"warning {desk.name}", desk.run)
            supervisor.start("watch", watch.run)
            supervisor.start("board", teller.run)
            for source in settings.sources:
                supervisor.start(f"source {source.name}", _Listener(source, self.outbox, intake, self.speakers))
            supervisor.start("uplink", uplink.run)
            supervisor.start("health", health.run)
            stop.wait()
        finally:
            supervisor.stop()
            self.history.close()
            self.outbox.close()
        log.info("%s: stopped", settings.station.name)

    def _words(self, change: Change, lang: str, place: Place) -> str:
        """Hours are told only while somebody vouches for the clock."""
        return words(change, lang, place, self._settings.rules.zone if self.clock.now().is_trusted else None)

    def _commit(self, stop: threading.Event) -> None:
        while not stop.wait(self._settings.outbox.commit_every_s):
            self.outbox.commit()


def place_and_rules(settings: GatewaySettings) -> tuple[Place, RuleBook, list[TroubleWord]]:
    """The post's map and rules. A file that cannot be used does not keep the post from warning: what the settings alone
    say serves in its place, and the trouble is said."""
    troubles = []
    try:
        place = Place.load(settings.place)
    except PlaceError as error:
        log.error("%s", error)  # in Spanish: a person at the post reads it
        troubles.append(TroubleWord("place", str(error)))
        place = place_of(settings.place, [])
    book = default_rules(settings.lanes.alert_labels, settings.lanes.alert_confidence)
    if settings.rules.path is not None:
        try:
            book = load_rules(settings.rules.path)
        except RulesError as error:
            log.error("%s", error)
            troubles.append(TroubleWord("rules", str(error)))
    return place, book, troubles


class _Listener:
    """A stage that runs one source into the intake; each start opens the source anew."""

    def __init__(self, settings: SourceSettings, outbox: Outbox, intake: Intake, speakers: Speakers) -> None:
        self._settings = settings
        self._outbox = outbox
        self._intake = intake
        self._speakers = speakers

    def __call__(self, stop: threading.Event) -> None:
        source = open_source(self._settings, self._outbox.replay())
        self._speakers.joined(source)
        try:
            source.run(self._intake.deliver, stop)
        finally:
            self._speakers.left(source)
