"""What decoders of network servers' events share: one event in, a delivery out; devices, frame counters, signals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from firmware_bridge.delivery import Delivery, ReplayState, Tally
from firmware_bridge.lorawan.devices import LorawanDevice, Payloads, Receiver, Told, best_signal, signals
from firmware_bridge.lorawan.events import parse_part
from firmware_bridge.lorawan.server_times import age_s, epoch_seconds
from firmware_bridge.lorawan.uplink_guard import UplinkGuard
from firmware_bridge.readings import Reading, Rejected


class _Sent(msgspec.Struct):
    """How a frame was sent: each server has its own name for it; the keys are lora, fsk, lr_fhss."""

    modulation: dict[str, msgspec.Raw] | None = None
    data_rate: dict[str, msgspec.Raw] | None = None


class Place(msgspec.Struct):
    """A position as a server tells it; what is 0 it leaves out."""

    latitude: float | None = 0.0
    longitude: float | None = 0.0
    altitude: float | None = 0.0
    accuracy: float | None = 0.0


_RECEIVERS: Final = msgspec.json.Decoder(list[Receiver] | None, strict=False)
_SENT: Final = msgspec.json.Decoder(_Sent | None, strict=False)


class ServerDecoder(ABC):
    """A `Decoder` of `topic payload`. Reads key and layout files when it is made. Not for several threads."""

    def __init__(
        self,
        source: str,
        devices: Iterable[tuple[str, LorawanDevice]],
        replay: Mapping[str, ReplayState],
        clock: Callable[[], float],
    ) -> None:
        self._source = source
        self._payloads = Payloads(list(devices), replay)
        self._guard = UplinkGuard(replay)
        self._clock = clock
        self._replay: dict[str, ReplayState] = {}

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`: one event."""
        tally = Tally()
        readings = self._take(chunk, tally)
        rejected = tally.items()
        replay = self._guard.take_replay() | self._replay
        self._replay = {}
        if not readings and not rejected and not replay:
            return None
        return Delivery(self._source, readings, rejected, replay)

    @abstractmethod
    def _take(self, chunk: bytes, tally: Tally) -> list[Reading]:
        """The readings of an event; what is none is counted."""

    def _uplink(
        self, device: str, payload: bytes, port: int, signal: dict[str, float], when: str, tally: Tally, told: Told
    ) -> list[Reading]:
        """when: the server's time of it."""
        readings, replay = self._payloads.uplink(device, payload, port, signal, self._age(when), tally, told=told)
        self._replay |= replay
        return readings

    def _signal(self, receivers: msgspec.Raw, sent: msgspec.Raw, tally: Tally) -> dict[str, float]:
        """How the best of the receivers heard it. Reason: bad_signal, for each of both."""
        heard = parse_part(_RECEIVERS, receivers, "bad_signal")
        if isinstance(heard, Rejected):
            tally.extend([heard])
            return {}
        how = parse_part(_SENT, sent, "bad_signal")
        if isinstance(how, Rejected):
            tally.extend([how])
            how = None
        modulation = (how.modulation or how.data_rate or {}) if how is not None else {}
        return best_signal(signals(heard or (), modulation))

    def _position(self, device: str, place: Place | None, when: str, tally: Tally) -> list[Reading]:
        """Reasons: no_location, those of `position_of`."""
        if place is None:
            return self._count("no_location", device, tally)
        extras = {"altitude_metres": place.altitude, "horizontal_error_metres": place.accuracy}
        rest = {quantity: value for quantity, value in extras.items() if value}  # absent: 0, or not known
        return self._payloads.position(
            self._name(device), place.latitude or 0.0, place.longitude or 0.0, rest, self._age(when), tally
        )

    def _count(self, reason: str, device: str, tally: Tally) -> list[Reading]:
        tally.add(reason, f"device {device}")
        return []

    def _age(self, when: str) -> float:
        return age_s(epoch_seconds(when), self._clock())

    def _name(self, device: str) -> str:
        return self._payloads.name_of(device) or device
