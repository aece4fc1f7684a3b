"""Serial camera: a camera on a UART that sends its pictures in pieces, and resumes after any break.

Device          camera modules with a controller that keeps pictures and speaks the transfer below; simulated by
                firmware_bridge/simulator/serial_camera.py
Specification   this file; firmware_bridge/framing/picture_transfer.py, version 1; cobs_frames.py
Link            serial, 8N1, no flow control, 115200 baud unless set otherwise; both sides talk

Data layout     one letter a nibble, big-endian; each the content of a COBS frame with its CRC-16

    OFFER    C0 VV IIIIIIII SSSSSSSS H...(64) AAAAAAAA MM       camera: there is a picture; repeated until DONE
    REQUEST  C1 IIIIIIII OOOOOOOO LLLLLLLL                      gateway: send me these bytes
    CHUNK    C2 IIIIIIII OOOOOOOO D...(2 to 896) KKKKKKKK       camera
    DONE     C3 IIIIIIII H...(16) RR                            gateway: what became of it

    V   8  version      1
    I  32  id           of the picture, the camera's own
    S  32  size         bytes, 1 to max_megabytes
    H      SHA-256      of the whole picture; of DONE its first 8 bytes
    A  32  age          seconds since it was taken; FFFFFFFF = unknown
    M   8  type         1 JPEG, 2 PNG, 3 WebP
    O  32  offset       of the first byte
    D      data         1 to 448 bytes
    K  32  CRC-32       of id, offset and data (zlib)
    R   8  status       0 stored, 1 too large, 2 unknown type, 3 bad hash, 4 no room

    detection           as of camera_folder: from the picture's EXIF; where that has none, its time from the age, its
                        number from the id

Integrity       CRC-16 for the line, CRC-32 for the chunk, SHA-256 for the picture, taken once for ever
Extra           pictures (PIL) for thumbnails
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from firmware_bridge.delivery import Claim, Delivery, ReplayState, Source, Tally
from firmware_bridge.framing.cobs_frames import Deframer
from firmware_bridge.framing.picture_transfer import decode
from firmware_bridge.links.folder_settings import FolderSettings
from firmware_bridge.links.folder_source import FolderSource, mark_of
from firmware_bridge.links.partial_files import PartialFiles
from firmware_bridge.links.serial_camera_source import SerialCameraSource
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.media.picture_clerk import QUANTITIES as QUANTITIES
from firmware_bridge.media.picture_clerk import PictureClerk
from firmware_bridge.media.settings import RecorderSettings
from firmware_bridge.readings import Rejected

SAMPLE: Final = """\
driver = "serial_camera"
name = "camara-puerto"
port = "/dev/serial/by-id/usb-Camera_0001-if00"
baud = 115200
spool_directory = "/var/lib/vigia/camara-puerto"
zone = "America/Lima"
label = "unknown"
"""

_MEGABYTE: Final = 1024 * 1024


class Settings(RecorderSettings):
    """A camera on a serial port."""

    driver: Literal["serial_camera"] = Field(description="serial_camera: a camera that sends pictures over a UART.")
    port: str = Field(min_length=1, description="Path of the serial port, better one of /dev/serial/by-id/.")
    baud: int = Field(default=115200, ge=300, le=4_000_000, description="Speed of the line in baud.")
    spool_directory: Path = Field(
        description="A directory of its own for what has come, whole or in part, until it is taken in."
    )
    max_megabytes: int = Field(default=8, ge=1, le=32, description="Largest picture.")
    burst_s: float = Field(
        default=5.0, ge=0, le=3600, description="How long to wait for further pictures of an event, seconds."
    )
    moon_tolerance_days: float = Field(
        default=1.5,
        ge=0,
        le=15,
        description="How far the moon phase that a camera tells may be from that of its date, days.",
    )

    def claims(self) -> Iterator[Claim]:
        """See `SourceSettings.claims`."""
        yield from super().claims()
        yield Claim(("spool_directory",), "keeps what comes in", os.path.normpath(self.spool_directory))

    @property
    def spool(self) -> FolderSettings:
        """The spool as a watched directory: what is in it is whole."""
        return FolderSettings(
            driver=self.driver,
            name=self.name,
            sensor=self.sensor,
            label=self.label,
            zone=self.zone,
            clock_error_s=self.clock_error_s,
            oldest_days=self.oldest_days,
            recorders=self.recorders,
            directory=self.spool_directory / "in",
            state_path=self.spool_directory / "taken.db",
            aside_directory=self.spool_directory / "aside",
            keep_originals=False,
            max_depth=0,
            poll_s=0.5,
            settle_s=0.0,
            incomplete_s=0.0,
            aside_after_s=0.0,
        )


class MessageDecoder:
    """A `Decoder` of what is said on the line: counts what is not of the transfer. The talk itself is the source's."""

    def __init__(self, settings: Settings) -> None:
        self._source = settings.name
        self._deframer = Deframer()

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        tally = Tally()
        for content in self._deframer.feed(chunk):
            message = content if isinstance(content, Rejected) else decode(content)
            if isinstance(message, Rejected):
                tally.extend([message])
        rejected = tally.items()
        return Delivery(self._source, [], rejected, {}) if rejected else None


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> MessageDecoder:
    """See `Driver.new_decoder`."""
    return MessageDecoder(settings)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    clerk = PictureClerk(settings, settings.burst_s, settings.moon_tolerance_days)
    folder = FolderSource(settings.spool, clerk, mark_of(settings.name, replay))
    files = PartialFiles(settings.spool_directory, folder.has_content)
    link = SerialLink(settings.port, settings.baud, name=settings.name)
    return SerialCameraSource(settings.name, link, files, folder, settings.max_megabytes * _MEGABYTE)
