"""Our own encrypted device frames as the payload of somebody else's transport (a LoRa modem, a LoRaWAN server)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from firmware_bridge.delivery import ReplayState
from firmware_bridge.framing.device_frames import Cipher, new_cipher, unseal
from firmware_bridge.framing.device_keys import KeyedDevice
from firmware_bridge.framing.frame_bodies import decode_body
from firmware_bridge.framing.replay_guard import ReplayGuard
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import Absence, Kind, Rejected

log = logging.getLogger(__name__)


class VigiaPayloadDecoder:
    """A `ReplayingDecoder` for one device. Reads its key file when it is made.

    Reasons beside those of the framing: no_key (the key file could not be read).
    """

    def __init__(self, settings: KeyedDevice, replay: Mapping[str, ReplayState]) -> None:
        self._id = settings.id
        self._ciphers: dict[int, Cipher] = {}
        try:
            self._ciphers[int(settings.id, 16)] = new_cipher(settings.read_key())
        except (OSError, ValueError) as trouble:
            log.warning(
                "nothing will be heard from device %s: its key cannot be read from %s (%s)",
                settings.id,
                settings.key_file,
                trouble,
            )
        self._guard = ReplayGuard({int(settings.id, 16): replay[settings.id]} if settings.id in replay else {})
        self._changed = False

    def decode(self, payload: bytes, port: int | None) -> list[Decoded | Rejected]:
        """See `PayloadDecoder.decode`. One item."""
        if not self._ciphers:
            return [Rejected("no_key", 1, f"device {self._id}")]
        opened = unseal(payload, self._ciphers)
        if isinstance(opened, Rejected):
            return [opened]
        device, counter, body = opened
        if refused := self._guard.admit(device, counter):
            return [Rejected(refused, 1, f"device {self._id}, counter {counter}")]
        self._changed = True
        absences: list[Absence] = []
        reading = decode_body(body, self._id, absences)
        if isinstance(reading, Rejected):
            return [reading]
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
        if not self._changed:
            return {}
        self._changed = False
        return {self._id: self._guard.state(int(self._id, 16))}
