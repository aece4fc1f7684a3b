"""Vigía sensor: any device that speaks our own frames, wired or by way of a LoRa receiver, on a serial line.

Device          acoustic sensors, camera traps, environment and status nodes built with Vigía's firmware
Specification   this file; firmware_bridge/framing/cobs_frames.py, device_frames.py, frame_bodies.py, version 1
Link            serial, 8N1, no flow control, 115200 baud unless set otherwise

Data layout     one letter a nibble; big-endian

    on the line     00 | COBS( EE [RR SS] frame  KKKK ) | 00
    frame           VD IIIIIIII CCCCCCCC  body (encrypted, 5 to 100 bytes)  TTTTTTTTTTTT

    E   8  envelope     0x00 wired: the frame follows; 0x01 radio: RR SS come first
    R   8  RSSI         minus dBm: 0 to 200 (0 to -200 dBm); 255 = absent
    S   8  SNR          signed, quarter dB: -31.75 to 31.75 dB; 0x80 = absent
    V   4  version      1
    D   4  direction    0 uplink; 1 downlink: a command, see downlinks.py, in an envelope 00
    I  32  device id    in clear
    C  32  counter      from 1, never repeated with a key
    body                kind, age, battery, then by kind: see frame_bodies.py
    T  48  tag          AES-128-CCM
    K  16  CRC          CRC-16/CCITT-FALSE of all before it

Integrity       CRC for the line, tag for the device, counter against replay (window of 64); length, range
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from firmware_bridge.commands.settings import CommandSettings
from firmware_bridge.commands.voice import Said, Voice
from firmware_bridge.delivery import Delivery, ReplayState, SensorAnswer, Source, SourceSettings, Tally
from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.cobs_frames import DELIMITER, Deframer
from firmware_bridge.framing.frame_bodies import RSSI, SNR, TOLD_QUANTITIES, Pairs
from firmware_bridge.framing.our_frames import HearAnswer, NamedDevice, OwnFrames, absence_reason, check_all_different
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.links.serial_source import SerialSource
from firmware_bridge.readings import Absence, Reading, Rejected
from firmware_bridge.update.carrier import Carrier
from firmware_bridge.update.course import patience_at

log = logging.getLogger(__name__)

QUANTITIES: Final = TOLD_QUANTITIES | {"rssi_dbm", "snr_decibels"}
SAMPLE: Final = """\
driver = "vigia_sensor"
name = "radio"
port = "/dev/serial/by-id/usb-Vigia_Receiver_0001-if00"
baud = 115200

[[devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "/etc/vigia/keys/00a1b2c3.key"
"""

WIRED: Final = 0x00
RADIO: Final = 0x01
_RADIO_BYTES: Final = 3
_NO_RSSI: Final = 255
_LOWEST_RSSI_DBM: Final = -200
_NO_SNR: Final = 0x80
_SNR_STEPS: Final = 25  # hundredths of a decibel in a quarter


class Settings(SourceSettings, CommandSettings):
    """A line on which sensors speak Vigía's own frames."""

    driver: Literal["vigia_sensor"] = Field(description="vigia_sensor: sensors that speak Vigía's own frames.")
    port: str = Field(
        min_length=1,
        description="Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in.",
    )
    baud: int = Field(default=115200, ge=300, le=4_000_000, description="Speed of the line in baud.")
    devices: list[NamedDevice] = Field(
        min_length=1, max_length=4096, description="The sensors that are listened to; frames of others are counted."
    )

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        check_all_different(self.devices)
        return self


class VigiaSensorDecoder:
    """A `Decoder`. Reads the key files when it is made.

    Reasons beside those of the framing: bad_envelope, no_key (the device's key file could not be read).
    """

    def __init__(self, settings: Settings, replay: Mapping[str, ReplayState], hear: HearAnswer | None = None) -> None:
        self._source = settings.name
        self._frames = OwnFrames(settings.name, settings.devices, replay, hear)
        self._deframer = Deframer()

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        readings: list[Reading] = []
        answers: list[SensorAnswer] = []
        absences: list[Absence] = []
        tally = Tally()
        for content in self._deframer.feed(chunk):
            told = content if isinstance(content, Rejected) else self._decode(content, absences)
            if isinstance(told, Reading):
                readings.append(told)
            elif isinstance(told, SensorAnswer):
                answers.append(told)
            elif told is not None:
                tally.add(told.reason, told.detail, told.count)
                log.debug("%s: %s: %s", self._source, told.reason, told.detail)
        for absence in absences:
            tally.add(absence_reason(absence), absence.quantity)
        rejected = tally.items()
        if not readings and not rejected and not answers:
            return None
        return Delivery(self._source, readings, rejected, self._frames.take_replay(), answers=answers)

    def _decode(self, content: bytes, absences: list[Absence]) -> Reading | SensorAnswer | Rejected | None:
        envelope = content[0]
        if envelope == WIRED:
            return self._frames.open(content[1:], absences)
        if envelope == RADIO and len(content) > _RADIO_BYTES:
            unheard: list[Absence] = []
            told = self._frames.open(content[_RADIO_BYTES:], absences, _received(content[1], content[2], unheard))
            if isinstance(told, Reading):
                absences += unheard
            return told
        return Rejected("bad_envelope", 1, f"an envelope of type {envelope} and {len(content)} bytes")


def _received(rssi: int, snr: int, absences: list[Absence]) -> Pairs:
    """RSSI and SNR as the receiver measured them; either may be absent."""
    if rssi <= -_LOWEST_RSSI_DBM and snr != _NO_SNR:
        return (RSSI, -rssi), (SNR, (snr - 256 if snr & 0x80 else snr) * _SNR_STEPS)
    there = []
    if rssi <= -_LOWEST_RSSI_DBM:
        there.append((RSSI, -rssi))
    else:
        absences.append(Absence("rssi_dbm", "sentinel" if rssi == _NO_RSSI else "out_of_range"))
    if snr != _NO_SNR:
        there.append((SNR, (snr - 256 if snr & 0x80 else snr) * _SNR_STEPS))
    else:
        absences.append(Absence("snr_decibels", "sentinel"))
    return tuple(there)


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> VigiaSensorDecoder:
    """See `Driver.new_decoder`."""
    return VigiaSensorDecoder(settings, replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`. It is a `Speaker` and a `FirmwareCarrier` too."""
    link = SerialLink(settings.port, settings.baud, name=settings.name)
    voice = Voice(settings.devices, {}, settings.counters_path)
    return SerialSource(
        settings.name,
        link,
        lambda: VigiaSensorDecoder(settings, replay, voice.hear),
        end=DELIMITER,
        voice=voice,
        carrier=Carrier(settings.name, voice, patience_at(settings.baud), lambda: link.words),
        on_line=on_line,
    )


def on_line(said: Said) -> bytes:
    """A command on the line; a delimiter goes first, so that whatever noise the device has heard until now ends."""
    return DELIMITER + cobs_frames.encode(bytes((WIRED,)) + said.content)
