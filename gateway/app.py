"""The gateway's one composition root: builds every stage from the settings and runs them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from importlib.metadata import version

from firmware_bridge.readings import LABELS, QUANTITY_BY_CODE, BridgeError, Reading
from firmware_bridge.sources import SourceSettings, open_source
from gateway.clock.clock import Clock
from gateway.errors import GatewayError
from gateway.health import Health
from gateway.intake import Intake, Lanes
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.settings import GatewaySettings
from gateway.supervision.supervisor import Supervisor
from gateway.uplink.uplink import Uplink

log = logging.getLogger(__name__)
alerts_log = logging.getLogger("gateway.alerts")


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
        )
        self.outbox.tell_news_to(uplink.wake)
        intake = Intake(self.outbox, Lanes(settings.lanes), self.clock, warn_post, self.media)
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
            for source in settings.sources:
                supervisor.start(f"source {source.name}", _Listener(source, self.outbox, intake))
            supervisor.start("uplink", uplink.run)
            supervisor.start("health", health.run)
            stop.wait()
        finally:
            supervisor.stop()
            self.outbox.close()
        log.info("%s: stopped", settings.station.name)

    def _commit(self, stop: threading.Event) -> None:
        while not stop.wait(self._settings.outbox.commit_every_s):
            self.outbox.commit()


def warn_post(alerts: Sequence[Reading]) -> None:
    """Warn whoever is at the post, now that the alerts are safe on disk: for now, on the service's log, in Spanish."""
    for reading in alerts:
        label = LABELS.get(reading.label)
        title = label.title_es if label else reading.label
        values = ", ".join(_in_words(code, steps) for code, steps in zip(reading.codes, reading.steps, strict=True))
        alerts_log.warning("ALERTA: %s en %s (%s)", title, reading.sensor, values)


def _in_words(code: int, steps: int) -> str:
    quantity = QUANTITY_BY_CODE[code]
    value = quantity.from_steps(steps)
    if quantity.name.endswith("_ratio"):
        return f"{quantity.title_es.lower()} {value:.0%}".replace("%", " %")
    unit = {"1": "", "dB[mW]": " dBm", "Cel": " °C"}.get(quantity.unit, f" {quantity.unit}")
    return f"{quantity.title_es[:1].lower()}{quantity.title_es[1:]} {value:g}{unit}".replace(".", ",")


class _Listener:
    """A stage that runs one source into the intake; each start opens the source anew."""

    def __init__(self, settings: SourceSettings, outbox: Outbox, intake: Intake) -> None:
        self._settings = settings
        self._outbox = outbox
        self._intake = intake

    def __call__(self, stop: threading.Event) -> None:
        open_source(self._settings, self._outbox.replay()).run(self._intake.deliver, stop)
