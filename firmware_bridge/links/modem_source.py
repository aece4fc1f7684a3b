"""A source on a modem: a serial link, a conversation with the modem, and a reader of the packets that it received."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from firmware_bridge.commands.voice import Voice
from firmware_bridge.delivery import Deliver, Delivery, SourceStanding
from firmware_bridge.links.link_standing import STANDINGS, LinkState
from firmware_bridge.links.modem_dialect import Conversation, Event
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.readings import Downlink, DownlinkError

log = logging.getLogger(__name__)

_POLL_S: Final = 0.2
_WAITING_POLL_S: Final = 0.05
_WRITE_S: Final = 0.3
_MOST_WORDS: Final = 16
_CALM_S: Final = 600.0


class Reader(Protocol):
    """What becomes of packets."""

    def read(self, events: list[Event]) -> Delivery | None:
        """What they gave, None for nothing. Never raises."""


class ModemSource:
    """A `Source` and a `Speaker`; a `FirmwareCarrier` only to say why not. The reader is made when it is run, since its
    making may read key files."""

    def __init__(
        self, name: str, link: SerialLink, conversation: Conversation, new_reader: Callable[[], Reader], voice: Voice
    ) -> None:
        self._name = name
        self._link = link
        self._talk = conversation
        self._new_reader = new_reader
        self._voice = voice
        self._said = ""
        self._said_at = 0.0
        self._told: dict[str, int] = {}  # since all was calm

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """What the line and the modem are doing now, in words."""
        return self._talk.words if self._link.state is LinkState.OPEN else self._link.words

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        if self._link.state is not LinkState.OPEN:
            return STANDINGS[self._link.state]
        if self._talk.in_trouble:
            return SourceStanding.SILENT
        return SourceStanding.WELL if self._talk.listens else SourceStanding.STARTING

    def knows(self, device: str) -> bool:
        """See `Speaker.knows`."""
        return self._voice.knows(device)

    def say(self, downlink: Downlink) -> None:
        """See `Speaker.say`: sent between two packets, one at a time; the modem is deaf meanwhile.

        Reasons: not_connected, radio_away (it is not set up), those of `Conversation.check` and of `Voice.queue`.
        """
        if self._link.state is not LinkState.OPEN:
            raise DownlinkError("not_connected", self._link.words)
        if not self._talk.listens:
            raise DownlinkError("radio_away", self._talk.words)
        self._voice.queue(downlink, self._talk.check)

    def update(self, device: str, image: bytes) -> str:
        """See `FirmwareCarrier.update`. Reason: too_slow. A block fits no packet of most modems, and the hundreds of
        kilobytes of a program would take hours in which nothing else is heard, at a duty that no band allows."""
        raise DownlinkError("too_slow", f"{device} is on the radio, too slow for firmware: bring it over a cable")

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`."""
        reader = self._new_reader()
        link, talk = self._link, self._talk
        is_open = False
        try:
            while not stop.is_set():
                chunk = link.read(_WAITING_POLL_S if talk.is_waiting else _POLL_S)
                now = time.monotonic()
                if link.state is not LinkState.OPEN:
                    events = talk.lost() if is_open else []
                    is_open = False
                else:
                    if not is_open:
                        talk.start(now)
                    is_open = True
                    events = talk.feed(chunk, now) if chunk else talk.tick(now)
                    if talk.may_send and (said := self._voice.take()) is not None:
                        talk.send(said, now)
                    if output := talk.take_output():
                        # Before anything is stored: until a one-shot receiver is armed again it is deaf.
                        link.write(output, _WRITE_S)
                    self._tell()
                if not talk.listens:
                    events += self._voice.lost()
                if (delivery := reader.read(events)) is not None:
                    deliver(delivery)
            events = [*(talk.lost() if is_open else ()), *self._voice.lost()]
            if (delivery := reader.read(events)) is not None:
                deliver(delivery)
        finally:
            link.close()

    def _tell(self) -> None:
        """Say once that the modem listens or why it does not; repeats, until ten minutes were calm, at DEBUG."""
        trouble, waiting = self._talk.in_trouble, self._talk.is_waiting
        if waiting and not trouble:
            return
        words = self._talk.words
        if words == self._said:
            return
        now = time.monotonic()
        if now - self._said_at > _CALM_S:
            self._told.clear()
        self._said, self._said_at = words, now
        times = self._told[words] = self._told.get(words, 0) + 1
        if times > 1 or len(self._told) > _MOST_WORDS:
            log.debug("%s: %s (%d times)", self._name, words, times)
        else:
            log.log(logging.WARNING if trouble else logging.INFO, "%s: %s", self._name, words)
