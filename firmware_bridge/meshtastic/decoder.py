"""From the bytes of a radio's stream to deliveries, and to what the session with it needs to know."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from firmware_bridge.delivery import Delivery, RadioText, Tally
from firmware_bridge.meshtastic.messages import (
    Answer,
    ChannelNamed,
    ConfigComplete,
    FromRadio,
    MeshPacket,
    NodeSeen,
    Rebooted,
    read_from_radio,
)
from firmware_bridge.meshtastic.nodes import MeshNode, MeshNodes, printable
from firmware_bridge.meshtastic.stream import Deframer
from firmware_bridge.readings import Reading, Rejected

log = logging.getLogger(__name__)

Notice = Rebooted | ConfigComplete | Answer
"""What concerns the session."""

_MOST_NOTICES: Final = 64
_MOST_CHANNELS: Final = 8


class MeshDecoder:
    """A `Decoder`. channels: the radio's channels, index by name, as far as it has told them."""

    def __init__(self, source: str, nodes: Iterable[MeshNode], now: Callable[[], float] = time.time) -> None:
        self.channels: dict[str, int] = {}
        self._source = source
        self._nodes = MeshNodes(nodes, now)
        self._deframer: Deframer[FromRadio] = Deframer(read_from_radio)
        self._channel_names: dict[str, str] = {}
        self._notices: list[Notice] = []

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        return self._take(self._deframer.feed(chunk))

    def broken_off(self) -> Delivery | None:
        """What is half read is not continued: see `Deframer.broken_off`."""
        return self._take(self._deframer.broken_off())

    def _take(self, found: Iterable[FromRadio | Rejected]) -> Delivery | None:
        readings: list[Reading] = []
        texts: list[RadioText] = []
        tally = Tally()
        for told in found:
            match told:
                case Rejected():
                    tally.extend((told,))
                case MeshPacket(body=Answer() as answer):
                    self._notice(answer)
                case MeshPacket():
                    named = self._channel_names.get(told.channel, told.channel)
                    self._nodes.take(msgspec.structs.replace(told, channel=named), readings, texts, tally)
                case NodeSeen(node, name):
                    self._nodes.learn(node, name)
                case ChannelNamed(index, name):
                    self._name_channel(index, printable(name, 12))
                case Rebooted() | ConfigComplete():
                    self._notice(told)
        rejected = tally.items()
        if not (readings or texts or rejected):
            return None
        return Delivery(self._source, readings, rejected, {}, texts=texts)

    def take_notices(self) -> list[Notice]:
        """What concerns the session, since this was last asked."""
        notices, self._notices = self._notices, []
        return notices

    def _notice(self, notice: Notice) -> None:
        if len(self._notices) < _MOST_NOTICES:
            self._notices.append(notice)

    def _name_channel(self, index: int, name: str) -> None:
        if not 0 <= index < _MOST_CHANNELS:
            return
        label = f"#{index}"
        old = self._channel_names.pop(label, "")
        channels = {other: at for other, at in self.channels.items() if other != old}
        if name:
            self._channel_names[label] = name
            channels[name] = index
        self.channels = channels  # replaced whole: another thread may be looking something up
