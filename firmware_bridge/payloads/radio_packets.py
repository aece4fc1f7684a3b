"""Packets that a radio modem received to readings: frames of our own devices, and payloads of others."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from firmware_bridge.commands.settings import CommandSettings
from firmware_bridge.commands.voice import Voice
from firmware_bridge.delivery import Delivery, ReplayState, SensorAnswer, SensorName, Tally
from firmware_bridge.framing.our_frames import (
    HearAnswer,
    NamedDevice,
    OwnFrames,
    absence_reason,
    check_all_different,
    signal_pairs,
)
from firmware_bridge.links.modem_dialect import Event, Packet
from firmware_bridge.payloads.hand_over import take_replay, to_readings
from firmware_bridge.payloads.opening import open_payload
from firmware_bridge.payloads.payload import PayloadDecoder
from firmware_bridge.payloads.settings import PayloadSettings
from firmware_bridge.readings import Absence, Reading

log = logging.getLogger(__name__)


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: SensorName = Field(description="Name of the sensor in everything that is stored: 1 to 32 bytes.")
    payload: PayloadSettings = Field(description="How its payload is encoded: see payloads.")

    @model_validator(mode="before")
    @classmethod
    def _not_ours_too(cls, told: Any) -> Any:
        if isinstance(told, dict) and not told.keys().isdisjoint(("key", "key_file")):
            raise ValueError("a sensor of ours has key_file, one of another make has payload: not both")
        return told


class DefaultDevice(_Payload):
    """The one device whose payloads name no sender."""


class PrefixedDevice(_Payload):
    """A device of another make that begins each packet with bytes of its own."""

    id: str = Field(
        pattern=r"^(?:[0-9a-f]{2}){1,8}$",
        description="The bytes that each of its packets begins with, 1 to 8, in hex; they are no part of the payload.",
    )


_ADDRESS: Final = re.compile(r"0|[1-9][0-9]{0,4}")
_HIGHEST_ADDRESS: Final = 65_535


def _check_address(told: str) -> str:
    if not _ADDRESS.fullmatch(told) or int(told) > _HIGHEST_ADDRESS:
        raise ValueError(
            f'an address is 0 to {_HIGHEST_ADDRESS}, in decimal and without zeros before it: "50", not "0x32" or "050"'
        )
    return told


class AddressedDevice(_Payload):
    """A device of another make whose address the modem tells."""

    id: Annotated[str, AfterValidator(_check_address)] = Field(
        description="Its address on the radio, 0 to 65535 in decimal, in quotes."
    )


def _whose(value: Any) -> str:
    there = value if isinstance(value, dict) else vars(value)
    return "others" if "payload" in there else "ours"


Devices = Annotated[
    list[
        Annotated[Annotated[NamedDevice, Tag("ours")] | Annotated[PrefixedDevice, Tag("others")], Discriminator(_whose)]
    ],
    Field(max_length=4096),
]
"""Devices of ours (id, name, key or key_file) and of others (id, name, payload), the latter known by how they begin."""
Addressed = Annotated[
    list[
        Annotated[
            Annotated[NamedDevice, Tag("ours")] | Annotated[AddressedDevice, Tag("others")], Discriminator(_whose)
        ]
    ],
    Field(max_length=4096),
]
"""The same, others known by their address."""


def _check_none_begins_another(prefixes: Sequence[str]) -> None:
    """In order, one that begins others stands just before the first of them."""
    for shorter, longer in pairwise(sorted(prefixes)):
        if longer.startswith(shorter):
            raise ValueError(
                f"packets that begin with {longer} begin with {shorter} too, and so are of two devices: "
                "give ids of which none begins another"
            )


class RadioDevices(CommandSettings):
    """The part of a modem's settings that says whom it listens to."""

    devices: Devices = Field(
        default=[],
        description="The sensors that are listened to: ours with id, name and key_file; of other makes with id (how "
        "its packets begin), name and payload. Packets of others are counted.",
    )
    default: DefaultDevice | None = Field(
        default=None, description="What becomes of packets that are of none of these: one device of another make."
    )

    def voice(self) -> Voice:
        """What may be said to whom."""
        ours = [device for device in self.devices if isinstance(device, NamedDevice)]
        addresses = {device.name: device.id for device in self.devices if isinstance(device, AddressedDevice)}
        others = {device.name: "" for device in self.devices if isinstance(device, PrefixedDevice)}
        default = {self.default.name: ""} if self.default is not None else {}
        return Voice(ours, addresses | others | default, self.counters_path)

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not self.devices and self.default is None:
            raise ValueError("name the sensors to listen to, in devices or default")
        check_all_different(self.devices)
        _check_none_begins_another([device.id for device in self.devices if isinstance(device, PrefixedDevice)])
        if self.default is not None and self.default.name in {device.name for device in self.devices}:
            raise ValueError(f"two devices have the name {self.default.name}")
        return self


class PacketReader:
    """Makes deliveries of what a modem session says. Opens keys and codecs when it is made. Not for several threads.

    A packet is ours if it has the shape of a frame of one of our devices; else it goes to the device of its sender's
    address, or to the one whose id it begins with, or to the default one.
    Reasons beside those of the framing and the codecs: unknown_sender, empty_packet.
    """

    def __init__(
        self,
        source: str,
        devices: Sequence[NamedDevice | PrefixedDevice | AddressedDevice],
        default: DefaultDevice | None,
        replay: Mapping[str, ReplayState],
        hear: HearAnswer | None = None,
    ) -> None:
        self._source = source
        ours = [device for device in devices if isinstance(device, NamedDevice)]
        self._ours = OwnFrames(source, ours, replay, hear) if ours else None
        self._addressed: dict[str, tuple[str, PayloadDecoder]] = {}
        self._prefixed: list[tuple[bytes, tuple[str, PayloadDecoder]]] = []
        for device in devices:
            if isinstance(device, AddressedDevice):
                self._addressed[device.id] = (device.name, open_payload(device.payload, replay))
            elif isinstance(device, PrefixedDevice):
                self._prefixed.append((bytes.fromhex(device.id), (device.name, open_payload(device.payload, replay))))
        self._default = (default.name, open_payload(default.payload, replay)) if default is not None else None

    def read(self, events: Sequence[Event]) -> Delivery | None:
        """What the events gave, in order; None for nothing."""
        if not events:
            return None
        readings: list[Reading] = []
        answers: list[SensorAnswer] = []
        replay: dict[str, ReplayState] = {}
        tally = Tally()
        for event in events:
            if isinstance(event, Packet):
                readings += self._read(event, tally, replay, answers)
            else:
                tally.add(event.reason, event.detail, event.count)
                log.debug("%s: %s: %s", self._source, event.reason, event.detail)
        if self._ours is not None:
            replay |= self._ours.take_replay()
        rejected = tally.items()
        if not readings and not rejected and not answers:
            return None
        return Delivery(self._source, readings, rejected, replay, answers=answers)

    def _read(
        self, packet: Packet, tally: Tally, replay: dict[str, ReplayState], answers: list[SensorAnswer]
    ) -> list[Reading]:
        content = packet.content
        if not content:
            tally.add("empty_packet", packet.sender)
            return []
        if self._ours is not None and self._ours.claims(content):
            return self._open_ours(self._ours, packet, tally, answers)
        owner = self._addressed.get(packet.sender) if packet.sender else None
        if owner is None:
            for prefix, device in self._prefixed:
                if content.startswith(prefix):
                    owner, content = device, content[len(prefix) :]
                    break
        owner = owner or self._default
        if owner is None:
            if self._ours is not None and not self._addressed and not self._prefixed:
                return self._open_ours(self._ours, packet, tally, answers)  # for its reason
            sender = f" from {packet.sender}" if packet.sender else ""
            tally.add("unknown_sender", f"a packet of {len(content)} bytes{sender}: {content[:8].hex()}")
            return []
        name, decoder = owner
        received = {
            quantity: value
            for quantity, value in (("rssi_dbm", packet.rssi_dbm), ("snr_decibels", packet.snr_decibels))
            if value is not None
        }
        readings = to_readings(decoder.decode(content, None), name, tally, received=received)
        replay |= take_replay(decoder)
        return readings

    def _open_ours(self, ours: OwnFrames, packet: Packet, tally: Tally, answers: list[SensorAnswer]) -> list[Reading]:
        absences: list[Absence] = []
        told = ours.open(packet.content, absences, signal_pairs(packet.rssi_dbm, packet.snr_decibels, absences))
        for absence in absences:
            tally.add(absence_reason(absence), absence.quantity)
        if isinstance(told, Reading):
            return [told]
        if isinstance(told, SensorAnswer):
            answers.append(told)
            return []
        if told is None:
            return []
        tally.add(told.reason, told.detail, told.count)
        log.debug("%s: %s: %s", self._source, told.reason, told.detail)
        return []
