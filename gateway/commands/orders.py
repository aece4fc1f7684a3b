"""What each order does. One method an order; each returns words for the answer or raises OrderError."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from firmware_bridge.readings import Downlink, DownlinkError
from gateway.commands.errors import OrderError
from gateway.commands.files import write
from gateway.commands.images import Images
from gateway.commands.overlay import Overlay
from gateway.contract.commands import (
    ChangeSettings,
    Order,
    Outcome,
    PutFirmware,
    Restart,
    SayToSensor,
    SendMedia,
    SetRules,
    Setting,
    UpdateFirmware,
)
from gateway.errors import GatewayError
from gateway.rules.book import RuleBook
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

RESTART_FILE: Final = "restart-machine"
"""vigia-restart.path of systemd waits for it."""
_HALF_WAY: Final = frozenset(
    {"no_answer", "no_progress", "too_long", "bad_digest", "not_booted", "no_key", "counters", "stopped"}
)
"""Why an update ended, see `FirmwareCarrier.update`, when something of it may be with the sensor. After any other
reason the sensor is as it was."""


class Says(Protocol):
    """Who lets a source say something, as `gateway.speakers.Speakers`."""

    def say(self, name: str, downlink: Downlink) -> None:
        """Raises DownlinkError."""


class Reply(NamedTuple):
    """What an order came to. afterwards: to be done once the answer is on disk."""

    outcome: Outcome
    words: str = ""
    afterwards: Callable[[], None] | None = None


class Orders:
    """own: the settings of the post's own file. want_media: asks for a file by its hash; "" or why not. read_rules:
    the rules in a file; raises GatewayError for those that cannot be used. kept_bytes: what waits for headquarters in
    each store, by the name of its table in the settings. update: brings an image onto a sensor; raises GatewayError or
    BridgeError. restart: has the gateway's stages started anew."""

    def __init__(
        self,
        own: GatewaySettings,
        directory: Path,
        overlay: Overlay,
        *,
        want_media: Callable[[str], str],
        read_rules: Callable[[Path], RuleBook],
        kept_bytes: Callable[[], Mapping[str, int]],
        speakers: Says,
        update: Callable[[str, bytes], str],
        restart: Callable[[], None],
    ) -> None:
        self._own = own
        self._directory = directory
        self._overlay = overlay
        self._want_media = want_media
        self._read_rules = read_rules
        self._kept_bytes = kept_bytes
        self._speakers = speakers
        self._update = update
        self._restart = restart
        self._images = Images(directory / "firmware")

    def carry_out(self, command_id: str, order: Order) -> Reply:
        """Do it. Raises OrderError; OSError for the post's own disk."""
        match order:
            case SendMedia(sha256):
                if reason := self._want_media(sha256):
                    raise OrderError(reason)
                return Reply(Outcome.DONE, "it is sent as the link and the day's budget allow")
            case SetRules(text):
                return self._rules(command_id, text)
            case ChangeSettings(changes):
                self._propose(command_id, changes)
                return Reply(Outcome.ON_TRIAL, ", ".join(changes), self._restart)
            case SayToSensor(sensor, payload, port, text):
                return self._say(sensor, Downlink(sensor, bytes.fromhex(payload), port, text))
            case PutFirmware(sha256, size_bytes, offset, data):
                held = self._images.keep(sha256, size_bytes, offset, data)
                return Reply(Outcome.DONE, f"{held} of {size_bytes} bytes")
            case UpdateFirmware(sensor, sha256):
                return self._bring(sensor, self._images.read(sha256))
            case Restart("machine"):
                return Reply(Outcome.STARTED, "the machine starts anew", self._restart_machine)
            case Restart():
                return Reply(Outcome.STARTED, "the gateway starts anew", self._restart)

    def _rules(self, command_id: str, text: str) -> Reply:
        if not text:
            self._propose(command_id, {"rules.path": None})
            return Reply(Outcome.ON_TRIAL, "the rules of the post's own settings", self._restart)
        path = self._directory / f"rules-{command_id}.toml"
        write(path, text.encode())
        try:
            is_for_good = self._propose(command_id, {"rules.path": str(path)})
        except OrderError:
            path.unlink()
            raise
        for old in self._directory.glob("rules-*.toml") if is_for_good else ():
            if str(old) not in (str(path), self._overlay.changes.get("rules.path")):
                old.unlink()
        return Reply(Outcome.ON_TRIAL, "new rules", self._restart)

    def _propose(self, command_id: str, changes: Mapping[str, Setting]) -> bool:
        """As `Overlay.propose`. A trial sees whether headquarters is reached, not whether anybody is warned, nor what
        was thrown away for room. Raises OrderError, also for that."""

        def judge(settings: GatewaySettings) -> None:
            if "rules.path" in changes and settings.rules.path is not None:
                self._judge_rules(settings.rules.path)
            if "lanes.alert_labels" in changes and not settings.lanes.alert_labels:
                raise OrderError("lanes.alert_labels: without any, nobody would be warned; that is changed at the post")
            for store, kept_bytes in self._kept_bytes().items():
                if f"{store}.max_megabytes" in changes:
                    _judge_room(store, kept_bytes, getattr(settings, store).max_megabytes)

        return self._overlay.propose(command_id, self._own, changes, judge)

    def _judge_rules(self, path: Path) -> None:
        try:
            book = self._read_rules(path)
        except GatewayError as error:
            raise OrderError(f"{error}") from error
        if not book.rules:
            raise OrderError("there is no rule among them, so that nobody would be warned; that is changed at the post")

    def _say(self, sensor: str, downlink: Downlink) -> Reply:
        try:
            self._speakers.say(sensor, downlink)
        except DownlinkError as error:
            raise OrderError(f"{error}") from error
        return Reply(Outcome.DONE, "said, or queued for when the sensor listens")

    def _bring(self, sensor: str, image: bytes) -> Reply:
        try:
            return Reply(Outcome.DONE, self._update(sensor, image))
        except DownlinkError as error:
            interrupted = error.reason == "stopped"
            raise OrderError(f"{error}", begun=error.reason in _HALF_WAY, interrupted=interrupted) from error

    def _restart_machine(self) -> None:
        """Ask for it: the gateway may not do it itself, a unit of systemd that watches for this file does."""
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / RESTART_FILE).touch()
        log.warning("the machine is to start anew: %s", self._directory / RESTART_FILE)


def _judge_room(store: str, kept_bytes: int, megabytes: int) -> None:
    """Raises OrderError when what waits would not fit."""
    if kept_bytes > megabytes * 1024 * 1024:
        raise OrderError(
            f"{store}.max_megabytes: {kept_bytes / 1024 / 1024:.1f} MB wait there for headquarters, and what does not"
            " fit would be thrown away; give it more, or give the order again when less waits"
        )
