"""A source on a Meshtastic radio: a link, and a session with the radio, in a loop."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final, Protocol

from firmware_bridge.delivery import Deliver, SourceStanding
from firmware_bridge.links.link_standing import STANDINGS, LinkState
from firmware_bridge.meshtastic.session import MeshSession
from firmware_bridge.readings import Downlink

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_WRITE_S: Final = 0.3


class Link(Protocol):
    """A serial port or a TCP connection."""

    @property
    def state(self) -> LinkState:
        """Where it stands."""

    @property
    def words(self) -> str:
        """The state for a person."""

    def read(self, timeout_s: float) -> bytes:
        """What has come."""

    def write(self, data: bytes, timeout_s: float) -> int:
        """Send it; how much of it was taken."""

    def close(self) -> None:
        """Close it."""


class MeshSource:
    """A `Source` and a `Speaker`."""

    def __init__(self, name: str, link: Link, session: MeshSession) -> None:
        self._name = name
        self._link = link
        self._session = session
        self._said = ""

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """What the link and the radio are doing now, in words."""
        return self._session.words if self._link.state is LinkState.OPEN else self._link.words

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        if self._link.state is not LinkState.OPEN:
            return STANDINGS[self._link.state]
        if self._session.in_trouble:
            return SourceStanding.SILENT
        return SourceStanding.WELL if self._session.is_ready else SourceStanding.STARTING

    def knows(self, device: str) -> bool:
        """See `Speaker.knows`."""
        return self._session.knows(device)

    def say(self, downlink: Downlink) -> None:
        """See `Speaker.say` and `MeshSession.say`."""
        self._session.say(downlink)

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`."""
        link, session = self._link, self._session
        is_open = False
        unsent = b""
        try:
            while not stop.is_set():
                chunk = link.read(_POLL_S)
                now = time.monotonic()
                if link.state is not LinkState.OPEN:
                    if is_open and (delivery := session.lost(mid_output=bool(unsent))) is not None:
                        deliver(delivery)
                    is_open = False
                    unsent = b""
                    continue
                if not is_open:
                    session.opened(now)
                    is_open = True
                if chunk:
                    for delivery in session.feed(chunk, now):
                        deliver(delivery)
                session.tick(now)
                if unsent := unsent or session.take_output():
                    unsent = unsent[link.write(unsent, _WRITE_S) :]
                self._tell()
        finally:
            link.close()

    def _tell(self) -> None:
        """Say once that the radio listens or why it does not."""
        words = self._session.words
        if words != self._said and (self._session.is_ready or self._session.in_trouble):
            self._said = words
            log.log(logging.WARNING if self._session.in_trouble else logging.INFO, "%s: %s", self._name, words)
