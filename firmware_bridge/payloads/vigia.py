"""Our own encrypted device frames as the payload of somebody else's transport (a LoRa modem, a LoRaWAN server)."""

from __future__ import annotations

from collections.abc import Mapping

from firmware_bridge.delivery import ReplayState
from firmware_bridge.framing.device_keys import KeyedDevice
from firmware_bridge.framing.our_frames import NamedDevice, OwnFrames
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import Absence, Kind, Reading, Rejected


class VigiaPayloadDecoder:
    """A `ReplayingDecoder` for one device. Reads its key file when it is made. Reasons: those of `OwnFrames.open`."""

    def __init__(self, settings: KeyedDevice, replay: Mapping[str, ReplayState]) -> None:
        self._id = settings.id
        # Who hands its readings over knows the sensor's name; here it goes by its id.
        device = NamedDevice(id=settings.id, name=settings.id, key=settings.key, key_file=settings.key_file)
        self._frames = OwnFrames("payload codec vigia", [device], replay)

    def decode(self, payload: bytes, port: int | None) -> list[Decoded | Rejected]:
        """See `PayloadDecoder.decode`. One item."""
        if self._frames.is_keyless:
            return [Rejected("no_key", 1, f"device {self._id}")]
        absences: list[Absence] = []
        reading = self._frames.open(payload, absences)
        if not isinstance(reading, Reading):
            return [reading] if isinstance(reading, Rejected) else []
        return [
            Decoded(
                Kind(reading.kind),
                reading.values(),
                label=reading.label,
                absent=tuple(absences),
                age_s=reading.age_ms / 1000,
            )
        ]

    def take_replay(self) -> dict[str, ReplayState]:
        """See `ReplayingDecoder.take_replay`."""
        return self._frames.take_replay()
