"""What drivers of LoRa modems share: radio settings, and how a dialect becomes a decoder or a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from firmware_bridge.commands.voice import Said
from firmware_bridge.delivery import Delivery, ReplayState, Source, SourceSettings
from firmware_bridge.framing.our_frames import HearAnswer
from firmware_bridge.links.modem_dialect import Conversation, Dialect
from firmware_bridge.links.modem_session import ModemSession
from firmware_bridge.links.modem_source import ModemSource
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.payloads.radio_packets import PacketReader, RadioDevices
from firmware_bridge.readings import DownlinkError

Band = Literal["us915", "au915", "as923", "eu868", "eu433", "in865", "kr920", "any"]

BANDS_HZ: Final[dict[str, tuple[int, int]]] = {
    "us915": (902_000_000, 928_000_000),
    "au915": (915_000_000, 928_000_000),
    "as923": (915_000_000, 928_000_000),
    "eu868": (863_000_000, 870_000_000),
    "eu433": (433_050_000, 434_790_000),
    "in865": (865_000_000, 867_000_000),
    "kr920": (920_900_000, 923_300_000),
    "any": (137_000_000, 1_020_000_000),
}
"""Edges of the band plans (LoRaWAN Regional Parameters RP002-1.0.4)."""


POWER_DBM: Final = 14
"""What every band plan allows."""
AIRTIME_S: Final = 10.0
"""Longer than any packet is on the air: 255 bytes at SF12 and 125 kHz take 9.2 s (Semtech AN1200.13)."""
_MAX_LORA_BYTES: Final = 255


def on_air(said: Said) -> bytes:
    """The packet, as long as LoRa carries. Raises DownlinkError too_long."""
    if len(said.content) > _MAX_LORA_BYTES:
        raise DownlinkError("too_long", f"{len(said.content)} bytes; a LoRa packet has at most {_MAX_LORA_BYTES}")
    return said.content


class ModemSettings(SourceSettings, RadioDevices):
    """A modem on a serial port, and whom it listens to."""

    port: str = Field(
        min_length=1,
        description="Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in.",
    )
    baud: int = Field(ge=300, le=4_000_000, description="Speed of the line in baud.")


class LoraSettings(ModemSettings):
    """A modem that is told its radio parameters; all of them must be as in the sensors, or nothing is heard."""

    band: Band = Field(
        description="Band plan that the law of the place allows: us915, au915, as923, eu868, eu433, in865, kr920; the "
        "frequency must lie within it. any: no check."
    )
    frequency_hz: int = Field(ge=137_000_000, le=1_020_000_000, description="Centre frequency in hertz.")
    spreading_factor: int = Field(default=9, ge=7, le=12, description="Spreading factor, 7 to 12.")
    bandwidth_khz: Literal[125, 250, 500] = Field(default=125, description="Bandwidth in kilohertz: 125, 250 or 500.")
    coding_rate: Literal["4/5", "4/6", "4/7", "4/8"] = Field(
        default="4/5", description="Forward error correction: 4/5, 4/6, 4/7 or 4/8."
    )
    sync_word: str = Field(
        default="12",
        pattern=r"^[0-9a-fA-F]{2}$",
        description="LoRa sync word, 2 hex digits: 12 for private networks, 34 for LoRaWAN.",
    )

    @model_validator(mode="after")
    def _within_band(self) -> Self:
        low, high = BANDS_HZ[self.band]
        if not low <= self.frequency_hz <= high:
            raise ValueError(f"{self.frequency_hz} Hz is not in the band {self.band} ({low} to {high} Hz)")
        return self

    @property
    def radio(self) -> str:
        """The radio parameters for a person."""
        return f"{self.frequency_hz / 1e6:g} MHz, SF{self.spreading_factor}, {self.bandwidth_khz} kHz"


class ModemDecoder:
    """A `Decoder` of what a modem says; nothing is said to it."""

    def __init__(self, settings: ModemSettings, conversation: Conversation, replay: Mapping[str, ReplayState]) -> None:
        self._conversation = conversation
        self._reader = new_reader(settings, replay)

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        return self._reader.read(self._conversation.feed(chunk, 0.0))


def new_reader(
    settings: ModemSettings, replay: Mapping[str, ReplayState], hear: HearAnswer | None = None
) -> PacketReader:
    """The reader of the packets for the devices in the settings."""
    return PacketReader(settings.name, settings.devices, settings.default, replay, hear)


def decoder_for(settings: ModemSettings, dialect: Dialect, replay: Mapping[str, ReplayState]) -> ModemDecoder:
    """What a driver of a modem with text commands gives for `new_decoder`."""
    return ModemDecoder(settings, ModemSession(dialect.mute()), replay)


def source_for(settings: ModemSettings, conversation: Conversation, replay: Mapping[str, ReplayState]) -> Source:
    """What a driver of a modem gives for `open_source`: a `Speaker` too."""
    link = SerialLink(settings.port, settings.baud, name=settings.name)
    voice = settings.voice()
    return ModemSource(settings.name, link, conversation, lambda: new_reader(settings, replay, voice.hear), voice)
