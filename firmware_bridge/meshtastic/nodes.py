"""From packets of a mesh to readings and texts: names, duplicates, ages, and a reason for what is left out."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from firmware_bridge.delivery import RadioText, SensorName, Tally
from firmware_bridge.meshtastic.messages import BROADCAST, Measured, MeshPacket, Named, Unread, Words
from firmware_bridge.payloads.hand_over import MAX_AGE_S, NEVER_SET_BEFORE_S, to_readings
from firmware_bridge.readings import DownlinkError, Reading

MAX_TEXT: Final = 240
_MAX_SENDER: Final = 64
_MAX_CHANNEL: Final = 32
_MAX_NAME: Final = 40
_REMEMBERED: Final = 1024
_NODE: Final = re.compile(r"![0-9a-fA-F]{8}")
_CHANNEL: Final = re.compile(r"#([0-7])")
_SKEW_S: Final = 300.0
"""How far ahead a clock may be before it is said to be wrong: a radio is set by a phone, now and then."""


class MeshNode(BaseModel):
    """One radio of the mesh whose telemetry and positions are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(
        pattern=r"^![0-9a-f]{8}$", description="Its id, as every Meshtastic app shows it: ! and 8 hex digits."
    )
    name: SensorName = Field(
        description="Name of the radio in everything that is stored: 1 to 32 bytes, and then for good."
    )


class MeshNodes:
    """Takes packets. Not for several threads. now: Unix time in seconds.

    Reasons: duplicate, unknown_device, implausible_time (a time told that is to come or more than `MAX_AGE_S` old; in
    the latter case the packet is left out if no other time is told), those of `messages` and of `to_readings`.
    """

    def __init__(self, nodes: Iterable[MeshNode], now: Callable[[], float] = time.time) -> None:
        self._names = {int(node.id[1:], 16): node.name for node in nodes}
        self._now = now
        self._own_names: OrderedDict[int, str] = OrderedDict()
        self._seen: OrderedDict[tuple[int, int], None] = OrderedDict()

    def learn(self, node: int, name: str) -> None:
        """What a radio calls itself."""
        if name and node not in self._names:
            self._own_names[node] = printable(name, _MAX_NAME)
            self._own_names.move_to_end(node)
            _keep(self._own_names)

    def take(self, packet: MeshPacket, readings: list[Reading], texts: list[RadioText], tally: Tally) -> None:
        """Adds what the packet told."""
        if packet.number:
            key = (packet.sender, packet.number)
            if key in self._seen:
                tally.add("duplicate", node_id(packet.sender))
                return
            self._seen[key] = None
            _keep(self._seen)
        name = self._names.get(packet.sender)
        match packet.body:
            case Words(text):
                channel = printable(packet.channel, _MAX_CHANNEL)
                sender = printable(name or self._stranger(packet.sender), _MAX_SENDER)
                if (age_s := self._age_s((packet.received_at,), tally)) is None:
                    return
                texts.append(RadioText(sender, printable(text, MAX_TEXT), channel, name is not None, age_s))
            case Measured(items, told_at):
                if name is None:
                    tally.add("unknown_device", self._stranger(packet.sender))
                    return
                signal = {"rssi_dbm": packet.rssi_dbm, "snr_decibels": packet.snr_decibels}
                received = {quantity: value for quantity, value in signal.items() if value is not None}
                if (age_s := self._age_s((told_at, packet.received_at), tally)) is None:
                    return
                readings += to_readings(items, name, tally, received=received, age_s=age_s)
            case Named(own_name):
                self.learn(packet.sender, own_name)
            case Unread(reason):
                tally.add(reason, node_id(packet.sender))

    def _stranger(self, node: int) -> str:
        own = self._own_names.get(node)
        return f"{own} ({node_id(node)})" if own else node_id(node)

    def _age_s(self, times: tuple[int, ...], tally: Tally) -> float | None:
        """The age by the first of these times that is told and can be; 0 if there is none, or only of clocks that are
        ahead or were never set; None if it is too old to be told."""
        too_old = False
        for at in times:
            if at:
                age_s = self._now() - at
                if -_SKEW_S <= age_s <= MAX_AGE_S:
                    return max(0.0, age_s)
                tally.add("implausible_time", f"{age_s:.0f} s ago")
                too_old |= age_s > MAX_AGE_S and at >= NEVER_SET_BEFORE_S
        return None if too_old else 0.0


def node_id(node: int) -> str:
    """A node's number as the apps show it."""
    return f"!{node:08x}"


def address_of(device: str, nodes: Mapping[str, int], channels: Mapping[str, int]) -> tuple[int, int]:
    """Node number and channel index that a downlink is for. nodes, channels: by name. Raises DownlinkError:
    unknown_device."""
    if device == "^all":
        return BROADCAST, 0
    if _NODE.fullmatch(device):
        return int(device[1:], 16), 0
    if device in nodes:
        return nodes[device], 0
    if found := _CHANNEL.fullmatch(device):
        return BROADCAST, int(found[1])
    if device in channels:
        return BROADCAST, channels[device]
    raise DownlinkError(
        "unknown_device", f"{device!r} is neither ^all, an id such as !a1b2c3d4, a node in the settings nor a channel"
    )


def printable(text: str, most: int) -> str:
    """In one line, without anything that a terminal or a page could take for an order, and cut."""
    return "".join(sign if sign.isprintable() else " " for sign in text[:most]).strip()


def _keep(memory: OrderedDict[int, str] | OrderedDict[tuple[int, int], None]) -> None:
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
