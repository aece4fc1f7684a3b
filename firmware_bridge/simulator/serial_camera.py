"""A simulated camera on a UART: the other end of `framing.picture_transfer`, for tests and for bench work.

`SerialCamera` is pure: messages and time in, frames out. `serve` runs one on an open line.
"""

from __future__ import annotations

import hashlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.picture_transfer import (
    MAX_DATA_BYTES,
    Chunk,
    Done,
    Offer,
    Request,
    Status,
    decode,
    encode,
)
from firmware_bridge.readings import Rejected

OFFER_EVERY_S: Final = 1.0
_POLL_S: Final = 0.02
_AT_ONCE: Final = 4


class SerialCamera:
    """Offers its pictures (content, age in seconds or None), one after the other, until the gateway has them.

    stored, refused: what became of them, by their place in the sequence.
    """

    def __init__(self, pictures: Sequence[tuple[bytes, int | None]], *, first_id: int = 1) -> None:
        self._pictures = [
            (Offer(first_id + place, len(content), hashlib.sha256(content).digest(), age, 1), content)
            for place, (content, age) in enumerate(pictures)
        ]
        self._waiting = deque(range(len(self._pictures)))
        self._chunks: deque[Chunk] = deque()
        self._offer_at = 0.0
        self.stored: list[int] = []
        self.refused: list[int] = []

    @property
    def is_done(self) -> bool:
        """Whether every picture has its end."""
        return not self._waiting

    def feed(self, content: bytes, clock_s: float) -> None:
        """A frame from the gateway; what is damaged or of other pictures is passed over."""
        message = decode(content)
        if isinstance(message, Rejected) or not self._waiting:
            return
        offer, picture = self._pictures[self._waiting[0]]
        if isinstance(message, Request) and message.id == offer.id:
            end = min(message.offset + message.length, len(picture))
            starts = range(message.offset, end, MAX_DATA_BYTES)
            chunks = (Chunk(offer.id, at, picture[at : min(at + MAX_DATA_BYTES, end)]) for at in starts)
            self._chunks = deque(chunks)
            self._offer_at = clock_s + OFFER_EVERY_S
        elif isinstance(message, Done) and (message.id, message.sha256) == (offer.id, offer.sha256[:8]):
            self._chunks.clear()
            self._offer_at = clock_s
            if message.status in (Status.STORED, Status.TOO_LARGE, Status.UNKNOWN_TYPE):
                place = self._waiting.popleft()
                (self.stored if message.status == Status.STORED else self.refused).append(place)

    def take_output(self, clock_s: float) -> list[bytes]:
        """Frames to be sent now, at most a few, with their delimiters."""
        if self._chunks:
            count = min(_AT_ONCE, len(self._chunks))
            messages: list[Chunk | Offer] = [self._chunks.popleft() for _ in range(count)]
            self._offer_at = clock_s + OFFER_EVERY_S
        elif self._waiting and clock_s >= self._offer_at:
            messages = [self._pictures[self._waiting[0]][0]]
            self._offer_at = clock_s + OFFER_EVERY_S
        else:
            return []
        return [cobs_frames.DELIMITER + cobs_frames.encode(encode(message)) for message in messages]


def serve(camera: SerialCamera, descriptor: int, stop: threading.Event) -> None:
    """Run a camera on an open line until it is done or stopped. Raises OSError when the line goes."""
    deframer = cobs_frames.Deframer()
    while not stop.is_set() and not camera.is_done:
        for frame in camera.take_output(time.monotonic()):
            rest = frame
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        if select.select([descriptor], [], [], _POLL_S)[0]:
            for content in deframer.feed(os.read(descriptor, 4096)):
                if isinstance(content, bytes):
                    camera.feed(content, time.monotonic())
