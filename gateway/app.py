"""The gateway's one composition root: builds every stage from the settings and runs them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from firmware_bridge.readings import BridgeError
from firmware_bridge.sources import Deliver, Delivery, SourceSettings, open_source
from gateway.clock.clock import Clock
from gateway.commands.office import Office, overlay_of
from gateway.errors import GatewayError
from gateway.health import Health
from gateway.intake import Intake, Lanes
from gateway.lookout import Lookout
from gateway.media.index import FileState
from gateway.media.sender import MediaSender
from gateway.media.store import MediaStore
from gateway.memory import give_back
from gateway.outbox.outbox import Outbox
from gateway.settings import GatewaySettings
from gateway.speakers import Speakers
from gateway.supervision.service_manager import ServiceManager
from gateway.supervision.supervisor import Stage, Supervisor
from gateway.uplink.uplink import Uplink

log = logging.getLogger(__name__)

STUCK_AFTER_S: Final = 120.0
"""A stage that has not looked at its event for so long hangs: systemd is not told any more that all is well."""
_OPENED_WITHIN_S: Final = 1800.0
"""A damaged outbox is read through and carried over before anything else: minutes on a slow card, where systemd would
end a start after 90 s."""
_LOOK_EVERY_S: Final = 0.5
_SETTLED_AFTER_S: Final = 15.0
_GIVE_BACK_EVERY_S: Final = 3600.0


class Gateway:
    """One post. `run` works until the event is set, or the office wants it started anew. office: without one, the post
    obeys no commands. manager: is told how it fares. clock: in place of the machine's own."""

    def __init__(
        self,
        settings: GatewaySettings,
        office: Office | None = None,
        manager: ServiceManager | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._office = office or Office(settings, overlay_of(settings))
        self._manager = manager or ServiceManager({})
        self.clock = clock or Clock(settings.clock.trust)
        self.outbox = Outbox(
            settings.outbox.path,
            max_bytes=settings.outbox.max_megabytes * 1024 * 1024,
            memory_bytes=settings.outbox.memory_megabytes * 1024 * 1024,
            clock=self.clock,
        )
        self.media = MediaStore(
            settings.media.path or settings.outbox.path.parent / "media",
            max_bytes=settings.media.max_megabytes * 1024 * 1024,
            dear_labels={*settings.lanes.alert_labels, *settings.media.send_whole},
            boot=self.clock.boot_id(),
        )
        self.speakers = Speakers()
        self.lookout = Lookout(settings, self.outbox, self.clock, self.speakers)

    def run(self, stop: threading.Event) -> None:
        """Open the outbox, start every stage, wait, stop them, close."""
        settings = self._settings
        self._manager.more_time(_OPENED_WITHIN_S)
        self.outbox.open()
        self.media.open()
        desk = self._office.desk(
            self.outbox,
            self.clock,
            lambda: uplink.state(),
            want_media=self.media.want,
            kept_bytes=self._kept_bytes,
            speakers=self.speakers,
            update=self.speakers.update,
        )
        media = self._media_sender(lambda: uplink.wake({})) if settings.media.send else None
        uplink = Uplink(
            settings.station.name,
            self.outbox,
            settings.uplink,
            settings.clock,
            self.clock,
            software=version("vigia"),
            zone=settings.rules.zone,
            freights=[*([desk] if desk else []), *([media] if media else [])],
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
                supervisor.start(
                    f"source {source.name}", _Listener(source, self.outbox, self._deliver(intake), self.speakers)
                )
            supervisor.start("uplink", uplink.run)
            supervisor.start("health", health.run)
            if desk is not None:
                supervisor.start("commands", desk.run, watched=False)  # an update of firmware takes minutes
            if settings.page.enabled:
                supervisor.start("page", self._page(intake), watched=False)
            self._manager.ready(self._status())
            self._wait(stop, supervisor)
        finally:
            supervisor.stop()
            self.lookout.close()
            self.media.close()
            self.outbox.close()
        log.info("%s: stopped", settings.station.name)

    def _kept_bytes(self) -> dict[str, int]:
        """What waits for headquarters, by the store's table in the settings."""
        files = self.media.files()
        undelivered = sum(file.size_bytes for file in files if file.state is not FileState.DELIVERED)
        return {"outbox": self.outbox.state().bytes, "media": undelivered}

    def _media_sender(self, wake: Callable[[], None]) -> MediaSender:
        settings = self._settings
        sender = MediaSender(
            settings.station.name,
            self.media,
            settings.media,
            self.clock,
            alert_labels=settings.lanes.alert_labels,
            settle_s=settings.clock.settle_s,
            answer_timeout_s=settings.uplink.receipt_timeout_s,
            count=lambda reason: self.outbox.accept([], tallies={("media", reason): 1}),
            freeze=self.outbox.freeze,
            wake=wake,
        )
        sender.begin()
        return sender

    def _wait(self, stop: threading.Event, supervisor: Supervisor) -> None:
        """Until it is to end; tell systemd meanwhile that every stage moves, as long as that is so."""
        told: list[str] = []
        alive_at = time.monotonic()
        give_back_at = alive_at + _SETTLED_AFTER_S
        while not stop.wait(_LOOK_EVERY_S) and not self._office.wants_restart.is_set():
            stuck = supervisor.stuck(STUCK_AFTER_S)
            if stuck and stuck != told:
                log.error("no sign of life for %.0f s: %s", STUCK_AFTER_S, ", ".join(stuck))
            told = stuck
            if time.monotonic() >= give_back_at:
                give_back()
                give_back_at = time.monotonic() + _GIVE_BACK_EVERY_S
            every_s = self._manager.alive_every_s
            if every_s is not None and not stuck and time.monotonic() >= alive_at:
                self._manager.alive(self._status())  # asks the outbox too, which all stages share
                alive_at = time.monotonic() + every_s / 2

    def _status(self) -> str:
        state = self.outbox.state()
        return f"{len(self._settings.sources)} sources, {state.entries} readings wait for headquarters. {state.trouble}"

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

    def _deliver(self, intake: Intake) -> Deliver:
        def deliver(delivery: Delivery) -> None:
            intake.deliver(delivery)
            self.lookout.hearing.heard(delivery)

        return deliver

    def _commit(self, stop: threading.Event) -> None:
        while not stop.wait(self._settings.outbox.commit_every_s):
            self.outbox.commit()


class _Listener:
    """A stage that runs one source into the intake; each start opens the source anew."""

    def __init__(self, settings: SourceSettings, outbox: Outbox, deliver: Deliver, speakers: Speakers) -> None:
        self._settings = settings
        self._outbox = outbox
        self._deliver = deliver
        self._speakers = speakers

    def __call__(self, stop: threading.Event) -> None:
        source = open_source(self._settings, self._outbox.replay())
        self._speakers.joined(source)
        try:
            source.run(self._deliver, stop)
        finally:
            self._speakers.left(source)
