"""A source on a serial line: a link that reads and a decoder that understands, in a loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from firmware_bridge.delivery import Decoder, Deliver
from firmware_bridge.links.serial_link import SerialLink

_POLL_S: Final = 0.2


class SerialSource:
    """A `Source`. The decoder is made when it is run, since its making may read key files."""

    def __init__(self, name: str, link: SerialLink, new_decoder: Callable[[], Decoder]) -> None:
        self._name = name
        self._link = link
        self._new_decoder = new_decoder

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """What the line is doing now, in words."""
        return self._link.words

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`. What is half read when the line is lost stays: the CRC tells whether it still fits."""
        decoder = self._new_decoder()
        try:
            while not stop.is_set():
                chunk = self._link.read(_POLL_S)
                if chunk and (delivery := decoder.feed(chunk)) is not None:
                    deliver(delivery)
        finally:
            self._link.close()
