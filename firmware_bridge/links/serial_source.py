"""A source on a serial line: a link that reads and a decoder that understands, in a loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from firmware_bridge.commands.voice import Said, Voice
from firmware_bridge.delivery import Decoder, Deliver, Delivery, SourceStanding
from firmware_bridge.links.link_standing import STANDINGS, LinkState
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.readings import Downlink, DownlinkError, Rejected
from firmware_bridge.update.carrier import Carrier

_POLL_S: Final = 0.2
_TALKING_POLL_S: Final = 0.02
_WRITE_S: Final = 0.3
_BROKEN_OFF_S: Final = 1.0


class SerialSource:
    """A `Source`, with a voice a `Speaker` that is heard, with a carrier (of the same voice) a `FirmwareCarrier`. The
    decoder is made when it is run, since its making may read key files. on_line: how something is said on this line.
    end: the byte that ends a frame of this line. The decoder gets one when a frame breaks off (the line is lost, or
    silent for a second), so that what is half read has its reason and does not swallow the next."""

    def __init__(
        self,
        name: str,
        link: SerialLink,
        new_decoder: Callable[[], Decoder],
        *,
        end: bytes = b"",
        voice: Voice | None = None,
        carrier: Carrier | None = None,
        on_line: Callable[[Said], bytes] = lambda said: said.content,
    ) -> None:
        self._name = name
        self._link = link
        self._new_decoder = new_decoder
        self._end = end
        self._voice = voice
        self._carrier = carrier
        self._on_line = on_line

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """What the line is doing now, in words."""
        return self._link.words

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        return STANDINGS[self._link.state]

    def knows(self, device: str) -> bool:
        """See `Speaker.knows`."""
        return self._voice is not None and self._voice.knows(device)

    def say(self, downlink: Downlink) -> None:
        """See `Speaker.say`. Reasons: not_connected, those of `Voice.queue`."""
        if self._voice is None:
            raise DownlinkError("unknown_device", f"nothing can be said on the line of {self._name}")
        if self._link.state is not LinkState.OPEN:
            raise DownlinkError("not_connected", self._link.words)
        self._voice.queue(downlink)

    def update(self, device: str, image: bytes) -> str:
        """See `FirmwareCarrier.update`. While the line is away it is waited for, as for a silent sensor."""
        if self._carrier is None:
            raise DownlinkError("unknown_device", f"nothing can be said on the line of {self._name}")
        return self._carrier.update(device, image)

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`."""
        decoder = self._new_decoder()
        mid_frame, heard_at = False, 0.0
        try:
            while not stop.is_set():
                is_talking = self._voice is not None and self._voice.is_talking
                chunk = self._link.read(_TALKING_POLL_S if is_talking else _POLL_S)
                if chunk:
                    mid_frame, heard_at = bool(self._end) and not chunk.endswith(self._end), time.monotonic()
                elif mid_frame and (
                    self._link.state is not LinkState.OPEN or time.monotonic() - heard_at >= _BROKEN_OFF_S
                ):
                    mid_frame, chunk = False, self._end
                if chunk and (delivery := decoder.feed(chunk)) is not None:
                    deliver(delivery)
                if self._voice is not None and (lost := self._speak(self._voice)):
                    deliver(Delivery(self._name, [], lost, {}))
            if self._voice is not None and (lost := self._voice.lost()):
                deliver(Delivery(self._name, [], lost, {}))
        finally:
            if self._voice is not None:
                self._voice.hang_up()
            self._link.close()

    def _speak(self, voice: Voice) -> list[Rejected]:
        """Send what waits. Reason: downlink_not_sent, also for one of which the line took only a part."""
        if self._link.state is not LinkState.OPEN:
            return voice.lost()
        lost = []
        while (said := voice.take()) is not None:
            data = self._on_line(said)
            if self._link.write(data, _WRITE_S) < len(data):
                lost += [Rejected("downlink_not_sent", 1, "the line did not take it"), *voice.lost()]
        return lost
