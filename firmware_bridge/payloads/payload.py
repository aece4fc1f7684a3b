"""The one shape of every payload codec. Pure: bytes in, values or a reason out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from firmware_bridge.delivery import ReplayState
from firmware_bridge.readings import Absence, Kind, Rejected


class Decoded(msgspec.Struct, frozen=True):
    """What a payload said. values: in the catalogue's units and ranges, at least one, by quantity name. label: for
    detections. absent: what the device said it has not, or said wrongly. unknown: names of fields that nothing maps to
    a quantity, to be counted and listed. age_s: how long before it was sent the thing happened."""

    kind: Kind
    values: dict[str, float]
    label: str = ""
    absent: tuple[Absence, ...] = ()
    unknown: tuple[str, ...] = ()
    age_s: float = 0.0


class PayloadDecoder(Protocol):
    """A codec with its settings. Not for several threads."""

    def decode(self, payload: bytes, port: int | None) -> list[Decoded | Rejected]:
        """What the payload said, one item a reading; never raises, whatever the bytes, and never hangs. port: the
        LoRaWAN FPort, None where there is none."""
        ...


@runtime_checkable
class ReplayingDecoder(PayloadDecoder, Protocol):
    """A codec that refuses a frame it has accepted before."""

    def take_replay(self) -> dict[str, ReplayState]:
        """The replay states that changed since this was last asked, for `Delivery.replay`."""
        ...
