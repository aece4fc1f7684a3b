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
from gateway.lookout import Lookout
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.settings import GatewaySettings
from gateway.speakers import Speakers
from gateway.supervision.supervisor import Stage, Supervisor
from gateway.uplink.uplink import Uplink

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
        self.lookout = Lookout(settings, self.outbox, self.clock, self.speakers)

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
        self.lookout.open()
        watch = self.lookout.watch
        intake = Intake(
            self.outbox, Lanes(settings.lanes), self.clock, watch.hear, self.media, read_texts=watch.read_texts
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
            self.lookout.start(supervisor, uplink.state, self.media)
            for source in settings.sources:
                supervisor.start(f"source {source.name}", _Listener(source, self.outbox, intake, self.speakers))
            supervisor.start("uplink", uplink.run)
            supervisor.start("health", health.run)
            if settings.page.enabled:
                supervisor.start("page", self._page(intake))
            stop.wait()
        finally:
            supervisor.stop()
            self.lookout.close()
            self.outbox.close()
        log.info("%s: stopped", settings.station.name)

    def _page(self, intake: Intake) -> Stage:
        """The post's page. Imported here: what it needs costs ten megabytes that a post without page does not pay."""
        from gateway.page.application import PageParts
        from gateway.page.photos import Photos
        from gateway.page.stage import PageStage

        settings, lookout = self._settings, self.lookout
        parts = PageParts(
            station=settings.station.name,
            board=lookout.board,
            actions=lookout.actions(intake.submit),
            place=lookout.place,
            photos=Photos(self.media),
            test_output=lookout.warnings.test,
            directory=settings.outbox.path.parent,
        )
        return PageStage(settings.page, parts, settings.rules.zone).run

    def _commit(self, stop: threading.Event) -> None:
        while not stop.wait(self._settings.outbox.commit_every_s):
            self.outbox.commit()


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
