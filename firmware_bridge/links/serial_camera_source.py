"""A source of pictures on a serial line: what comes over the line is spooled, and the spool is a watched directory."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from firmware_bridge.delivery import Deliver, Delivery, SourceStanding, Tally
from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.picture_transfer import Receiver, decode
from firmware_bridge.links.folder_source import FolderSource
from firmware_bridge.links.link_standing import STANDINGS
from firmware_bridge.links.partial_files import PartialFiles
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.readings import Rejected

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_WRITE_S: Final = 2.0
_TELL_EVERY_S: Final = 1.0


class SerialCameraSource:
    """A `Source`. folder: watches what `files` keeps whole."""

    def __init__(self, name: str, link: SerialLink, files: PartialFiles, folder: FolderSource, max_bytes: int) -> None:
        self._name = name
        self._link = link
        self._files = files
        self._folder = folder
        self._tally = Tally()
        self._receiver = Receiver(files, max_bytes, self._tally_one)
        self._tell_at = 0.0

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """What the line and the spool are doing, in words."""
        return "; ".join(words for words in (self._link.words, self._receiver.words, self._folder.state) if words)

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        line = STANDINGS[self._link.state]
        return self._folder.standing if line is SourceStanding.WELL else line

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`."""
        deframer = cobs_frames.Deframer()
        self._make_spool()
        try:
            while not stop.is_set():
                self._folder.step(deliver, stop)
                for content in deframer.feed(self._link.read(_POLL_S)):
                    message = content if isinstance(content, Rejected) else decode(content)
                    if isinstance(message, Rejected):
                        self._tally.extend([message])
                    else:
                        self._receiver.feed(message, time.monotonic())
                self._receiver.tick(time.monotonic())
                for output in self._receiver.take_output():
                    framed = cobs_frames.DELIMITER + cobs_frames.encode(output)
                    if self._link.write(framed, _WRITE_S) < len(framed):
                        break  # a camera that takes nothing asks again for all the rest
                self._tell(deliver)
        finally:
            self._link.close()
            self._folder.close()

    def _make_spool(self) -> None:
        whole = self._files.whole
        try:
            whole.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # said by the folder's state too; offers are answered with NO_ROOM
            log.warning("%s: %s cannot be made (%s); give the gateway the right to", self._name, whole, error.strerror)

    def _tally_one(self, reason: str, detail: str) -> None:
        self._tally.add(reason, detail)

    def _tell(self, deliver: Deliver) -> None:
        """Hand over what was rejected, not more often than once a second."""
        rejected = self._tally.items()
        if not rejected or time.monotonic() < self._tell_at:
            return
        self._tally = Tally()
        self._tell_at = time.monotonic() + _TELL_EVERY_S
        deliver(Delivery(self._name, [], rejected, {}))
