"""Frames of our own devices, whoever carried them: keys, tags, replay, names. Every driver that hears them uses it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from pydantic import Field

from firmware_bridge.delivery import ReplayState, SensorAnswer, SensorName
from firmware_bridge.framing.device_frames import HEADER_BYTES, TAG_BYTES, Cipher, new_cipher, unseal
from firmware_bridge.framing.device_keys import KeyedDevice
from firmware_bridge.framing.downlinks import Answer, decode_answer
from firmware_bridge.framing.frame_bodies import RSSI, SNR, Pairs, decode_body
from firmware_bridge.framing.replay_guard import ReplayGuard
from firmware_bridge.readings import (
    MAX_NAME_BYTES,
    QUANTITY_BY_CODE,
    Absence,
    Reading,
    ReadingError,
    Rejected,
)

log = logging.getLogger(__name__)

_UPLINK_VERSION: Final = 0x10
_ID: Final = slice(1, 5)

HearAnswer = Callable[[str, Answer], SensorAnswer | Rejected | None]
"""What becomes of an answer of a sensor of that name, None when whoever asked has it; see
`firmware_bridge.commands.voice.Voice.hear`."""


class NamedDevice(KeyedDevice):
    """One sensor of ours that may speak on a line."""

    name: SensorName = Field(
        description="Name of the sensor in everything that is stored: 1 to 32 bytes, and then for good."
    )


def check_all_different(devices: Iterable[object], *, what: Sequence[str] = ("id", "name")) -> None:
    """Raises ValueError if two devices share one of these attributes."""
    held = list(devices)
    for attribute in what:
        told = [getattr(device, attribute) for device in held]
        if twice := {value for value in told if told.count(value) > 1}:
            raise ValueError(f"two devices have the {attribute} {', '.join(sorted(twice))}")


class OwnFrames:
    """Opens device frames of some devices. Reads their key files when it is made; what it cannot read is said in the
    log and its frames are counted as no_key. Not for several threads. hear: where nobody asks, none."""

    def __init__(
        self,
        source: str,
        devices: Sequence[NamedDevice],
        replay: Mapping[str, ReplayState],
        hear: HearAnswer | None = None,
    ) -> None:
        self._hear = hear
        self._names = {int(device.id, 16): device.name for device in devices}
        self._ciphers: dict[int, Cipher] = {}
        self._keyless: set[int] = set()
        for device in devices:
            try:
                self._ciphers[int(device.id, 16)] = new_cipher(device.read_key())
            except (OSError, ValueError) as trouble:
                self._keyless.add(int(device.id, 16))
                log.warning(
                    "%s: nothing will be heard from %s: the key of device %s cannot be read from %s (%s)",
                    source,
                    device.name,
                    device.id,
                    device.key_file,
                    trouble,
                )
        known = ((int(device, 16), state) for device, state in replay.items())
        self._guard = ReplayGuard({device: state for device, state in known if device in self._names})
        self._heard: set[int] = set()

    @property
    def is_keyless(self) -> bool:
        """Whether not one key could be read: whatever comes, none of it can be opened."""
        return not self._ciphers

    def claims(self, content: bytes) -> bool:
        """Whether it looks like an uplink of one of these devices: version, length and id fit. Not the tag."""
        return (
            len(content) > HEADER_BYTES + TAG_BYTES
            and content[0] == _UPLINK_VERSION
            and int.from_bytes(content[_ID], "big") in self._names
        )

    def open(
        self, frame: bytes, absences: list[Absence], received: Pairs = ()
    ) -> Reading | SensorAnswer | Rejected | None:
        """The reading of a frame, or the answer to a command; None when whoever asked has it already. received: what
        the receiver measured, see `signal_pairs`. Absent values are appended.

        Reasons: those of `unseal`, `ReplayGuard` and `decode_body`, and no_key.
        """
        opened = unseal(frame, self._ciphers)
        if isinstance(opened, Rejected):
            if opened.reason == "unknown_device" and int.from_bytes(frame[_ID], "big") in self._keyless:
                return Rejected("no_key", 1, f"the key of device {frame[_ID].hex()} could not be read")
            return opened
        device, counter, body = opened
        if refused := self._guard.admit(device, counter):
            return Rejected(refused, 1, f"device {device:08x}, counter {counter}")
        self._heard.add(device)
        if self._hear is not None and (answer := decode_answer(body)) is not None:
            return self._hear(self._names[device], answer)
        return decode_body(body, self._names[device], absences, received)

    def take_replay(self) -> dict[str, ReplayState]:
        """The replay states that changed since this was last asked, for `Delivery.replay`."""
        if not self._heard:
            return {}
        states = {f"{device:08x}": self._guard.state(device) for device in self._heard}
        self._heard.clear()
        return states


def signal_pairs(rssi_dbm: float | None, snr_decibels: float | None, absences: list[Absence]) -> Pairs:
    """What a receiver measured, for `OwnFrames.open`. None: it does not tell. A value out of the catalogue's range is
    appended to the absences."""
    there = []
    for code, value in ((RSSI, rssi_dbm), (SNR, snr_decibels)):
        if value is None:
            continue
        try:
            there.append((code, QUANTITY_BY_CODE[code].to_steps(value)))
        except ReadingError:
            absences.append(Absence(QUANTITY_BY_CODE[code].name, "out_of_range"))
    return tuple(there)


def absence_reason(absence: Absence) -> str:
    """The counter of an absent value."""
    return f"absent_{absence.quantity}"[:MAX_NAME_BYTES] if absence.reason == "sentinel" else absence.reason
