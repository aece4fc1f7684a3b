"""Brings new firmware to a sensor over a line that a running source reads: nothing else on the line is lost by it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from firmware_bridge.commands.voice import Voice
from firmware_bridge.readings import DownlinkError
from firmware_bridge.update.course import Patience, see_through
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.image import decode_image, version_words
from firmware_bridge.update.updater import Phase, Updater

log = logging.getLogger(__name__)


class Carrier:
    """For the sensors of one source, one at a time. From any thread but the source's own."""

    def __init__(self, source: str, voice: Voice, patience: Patience, words: Callable[[], str]) -> None:
        """voice: the source's; it sends what `Voice.take` gives and tells `Voice.hear` what comes. words: what the line
        is doing now."""
        self._source = source
        self._voice = voice
        self._patience = patience
        self._words = words
        self._is_carrying = threading.Lock()

    def update(self, device: str, image: bytes) -> str:
        """See `FirmwareCarrier.update`."""
        if not self._is_carrying.acquire(blocking=False):
            raise DownlinkError("busy", f"{self._source} brings firmware to a sensor already; say it again when it has")
        try:
            return self._carry(device, image)
        except UpdateError as error:
            raise DownlinkError(error.reason, error.detail) from error
        finally:
            self._is_carrying.release()

    def _carry(self, device: str, image: bytes) -> str:
        wanted = decode_image(image)
        version = version_words(wanted.version)
        updater = Updater(wanted)
        with self._voice.talk(device) as talk:
            log.info("%s: firmware %s goes to %s", self._source, version, device)
            effort = see_through(updater, talk.ask, self._patience, talk.over, silence=lambda: self._silence(device))
        if updater.progress.phase is Phase.UP_TO_DATE:
            return f"{device} runs {version} already"
        log.info("%s: %s runs %s now; %d blocks, %d repeats", self._source, device, version, *effort[1:])
        return f"{device} runs {version} now; {effort.blocks} blocks were sent"

    def _silence(self, device: str) -> str:
        return (
            f"{device} does not answer ({self._words()}): is it on and on this line, is its key right? What it has, it"
            " keeps: give the same order again to go on"
        )
