"""A host's session with a Meshtastic radio: ask for its packets, stay known to it, send texts. Pure, no I/O.

Time comes in with every call, in seconds of a clock that only counts up. `say` may be called from any thread,
everything else from one.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from firmware_bridge.delivery import Delivery, Tally
from firmware_bridge.meshtastic.decoder import MeshDecoder
from firmware_bridge.meshtastic.messages import (
    Answer,
    ConfigComplete,
    Rebooted,
    heartbeat,
    text_packet,
    want_config,
)
from firmware_bridge.meshtastic.nodes import MeshNode, address_of
from firmware_bridge.meshtastic.stream import WAKE, frame
from firmware_bridge.readings import Downlink, DownlinkError

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 60.0
BROKEN_OFF_S: Final = 5.0
"""A frame comes in one go; what is held for longer would swallow the beginning of the next."""
SILENCE_S: Final = 300.0
"""A radio that has been silent for so long may have started anew without saying so."""
FIRST_WAIT_S: Final = 10.0
LONGEST_WAIT_S: Final = 60.0
MAX_QUEUED: Final = 16

_REMEMBERED: Final = 64


class MeshSession:
    """See the module. Reasons: text_not_sent (queued when the radio went away), text_not_delivered (nobody confirmed
    it), radio_rebooted."""

    def __init__(self, source: str, decoder: MeshDecoder, nodes: Iterable[MeshNode], hops: int) -> None:
        self._source = source
        self._decoder = decoder
        self._ids = {node.name: int(node.id[1:], 16) for node in nodes}
        self._hops = hops
        self._lock = threading.Lock()  # guards the two that follow
        self._texts: deque[bytes] = deque()
        self._ready = False
        self._taken = 0  # texts in what was last taken to be sent
        self._sent: OrderedDict[int, str] = OrderedDict()  # packets to be confirmed, and to whom
        self._output: list[bytes] = []
        self._asked = 0
        self._open = False
        self._due = 0.0
        self._wait_s = FIRST_WAIT_S
        self._last_heard = 0.0
        self._last_bytes = -BROKEN_OFF_S  # of this connection
        self._tries = 0

    @property
    def is_ready(self) -> bool:
        """Whether the radio has told all that it was asked for."""
        return self._ready

    @property
    def in_trouble(self) -> bool:
        """Whether the radio has not answered for a while."""
        return self._open and not self._ready and self._tries > 1

    @property
    def words(self) -> str:
        """The state for a person."""
        if self._ready:
            return "the radio listens"
        if self.in_trouble:
            return "the radio does not answer; is it a Meshtastic radio, and its serial or network API switched on?"
        return "the radio is asked for what it knows" if self._open else "the radio is not connected"

    def opened(self, now: float) -> None:
        """The link to the radio stands: begin anew."""
        self._open = True
        self._tries = 0
        self._wait_s = FIRST_WAIT_S
        self._ask(now)

    def lost(self, *, mid_output: bool = False) -> Delivery | None:
        """The link is gone. mid_output: before all that was last taken could be sent."""
        self._open = False
        self._last_bytes = -BROKEN_OFF_S
        self._output.clear()
        with self._lock:
            self._ready = False
            unsent = len(self._texts) + (self._taken if mid_output else 0)
            self._texts.clear()
        tally = Tally()
        if unsent:
            tally.add("text_not_sent", "the radio went away", unsent)
        return self._delivery(tally)

    def feed(self, chunk: bytes, now: float) -> list[Delivery]:
        """What the bytes gave."""
        self._last_heard = now
        deliveries: list[Delivery] = []
        if now - self._last_bytes > BROKEN_OFF_S and (held := self._decoder.broken_off()) is not None:
            deliveries.append(held)
        self._last_bytes = now
        if (delivery := self._decoder.feed(chunk)) is not None:
            deliveries.append(delivery)
        tally = Tally()
        for notice in self._decoder.take_notices():
            match notice:
                case Rebooted():
                    tally.add("radio_rebooted", "it says that it has just started")
                    self.opened(now)
                case ConfigComplete(number):
                    if number == self._asked:
                        self._wait_s = FIRST_WAIT_S
                        self._due = now + HEARTBEAT_S
                        with self._lock:
                            self._ready = True
                case Answer(request, error):
                    whom = self._sent.pop(request, None)
                    if whom is not None and error:
                        tally.add("text_not_delivered", f"to {whom}: error {error}")
                    elif whom is not None:
                        log.debug("%s: a text to %s was confirmed", self._source, whom)
        if (own := self._delivery(tally)) is not None:
            deliveries.append(own)
        return deliveries

    def tick(self, now: float) -> None:
        """Do what is due; to be called at least once a second."""
        if not self._open:
            return
        if self._ready and now - self._last_heard > SILENCE_S:
            self.opened(now)
        elif now >= self._due:
            if self._ready:
                self._output = [frame(heartbeat())]
                self._due = now + HEARTBEAT_S
            else:
                self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
                self._ask(now)

    def take_output(self) -> bytes:
        """What is to be sent to the radio now."""
        output, self._output = self._output, []
        self._taken = 0
        with self._lock:
            if self._ready:
                output += self._texts
                self._taken = len(self._texts)
                self._texts.clear()
        return b"".join(output)

    def knows(self, device: str) -> bool:
        """Whether the settings name a node so."""
        return device in self._ids

    def say(self, downlink: Downlink) -> None:
        """Queue a text. device: ^all, an id such as !a1b2c3d4, the name of a node in the settings, a channel by index
        (#1) or by its name. Raises DownlinkError: no_text, unknown_device, radio_away, queue_full."""
        if not downlink.text.strip():
            raise DownlinkError("no_text", "a radio of the mesh takes words; there are none")
        to, channel = address_of(downlink.device, self._ids, self._decoder.channels)
        number = secrets.randbelow(0xFFFF_FFFF) + 1
        packet = text_packet(
            downlink.text, to=to, channel=channel, number=number, hops=self._hops, confirmed=downlink.confirmed
        )
        with self._lock:
            if not self._ready:
                raise DownlinkError("radio_away", f"{self._source}: {self.words}")
            if len(self._texts) >= MAX_QUEUED:
                raise DownlinkError("queue_full", f"{self._source}: {MAX_QUEUED} texts wait to be sent")
            self._texts.append(frame(packet))
            if downlink.confirmed:
                self._sent[number] = downlink.device
                if len(self._sent) > _REMEMBERED:
                    self._sent.popitem(last=False)

    def _ask(self, now: float) -> None:
        with self._lock:
            self._ready = False
        self._asked = secrets.randbelow(0x7FFF_FFFF) + 1
        self._tries += 1
        self._output = [WAKE, frame(want_config(self._asked))]
        self._due = now + self._wait_s
        self._last_heard = now

    def _delivery(self, tally: Tally) -> Delivery | None:
        rejected = tally.items()
        return Delivery(self._source, [], rejected, {}) if rejected else None
