"""Camera-trap folder: a directory that fills with pictures, and each burst of them becomes one detection.

Device          camera traps whose card is mounted, that send by FTP, or that a Wi-Fi client copies from: Reconyx
                (HyperFire, HyperFire 2, HyperFire 4K, MicroFire, UltraFire), Bushnell, Browning, Cuddeback, any other
Specification   CIPA DC-008 (EXIF 2.32); Reconyx Metadata 1.4; firmware_bridge/media/maker_notes.py, exif.py
Link            a directory, polled, to a depth; links are not followed; hidden and temporary names are passed over

Data layout     a JPEG, PNG or WebP file, at most 32 MiB

    time            EXIF DateTimeOriginal, DateTimeDigitized, maker note, DateTime, the file's own; in the zone of the
                    settings unless EXIF tells an offset; clock_error_s is taken off
    burst           pictures of one camera and one event number, or of one series n of m; of a camera that numbers
                    nothing, those taken within event_gap_s of one another
    detection       picture_number: the event's number, else the digits that end the file's name
                    temperature_celsius, battery_volts: where the camera tells them; individuals are not counted

Integrity       size and time unchanged for settle_s; an end marker; a picture that can be decoded; SHA-256 of the
                content, which is taken once for ever; a moon phase that contradicts the date: moon_contradicts_date
Extra           pictures (PIL) for thumbnails
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from firmware_bridge.delivery import Delivery, ReplayState, Source, Tally
from firmware_bridge.links.folder_settings import FolderSettings
from firmware_bridge.links.folder_source import FolderSource, mark_of
from firmware_bridge.media.bundles import Item, item_of
from firmware_bridge.media.picture_clerk import MAX_BYTES, PictureClerk
from firmware_bridge.media.picture_clerk import QUANTITIES as QUANTITIES

SAMPLE: Final = """\
driver = "camera_folder"
name = "camaras"
directory = "/media/tarjeta"
zone = "America/Lima"
label = "unknown"
aside_directory = "/var/lib/vigia/camaras-aside"

[[recorders]]
serial = "H500DE01120343"
name = "camara-quebrada"
clock_error_s = 0.0
"""


class Settings(FolderSettings):
    """A directory of pictures."""

    driver: Literal["camera_folder"] = Field(description="camera_folder: a directory that camera traps fill.")
    burst_s: float = Field(
        default=5.0, ge=0, le=3600, description="How long to wait for further pictures of an event, seconds."
    )
    event_gap_s: float = Field(
        default=5.0,
        ge=0,
        le=600,
        description="Pictures of one camera that does not number its events are of one event when they were taken so"
        " soon after one another, seconds; 0: each picture is an event.",
    )
    moon_tolerance_days: float = Field(
        default=1.5,
        ge=0,
        le=15,
        description="How far the moon phase that a camera tells may be from that of its date, days.",
    )


class PictureDecoder:
    """A `Decoder`: each chunk is one whole picture, and gives its detection at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        return self._take(
            chunk, lambda now_s: Item("", "picture", "", len(chunk), hashlib.sha256(chunk).hexdigest(), now_s)
        )

    def feed_file(self, path: Path, content: bytes) -> Delivery | None:
        """See `FileDecoder.feed_file`."""
        modified_s = path.stat().st_mtime
        return self._take(content, lambda now_s: item_of(path, self._settings.directory, content, modified_s))

    def _take(self, chunk: bytes, as_item: Callable[[float], Item]) -> Delivery | None:
        if not chunk:
            return None
        tally = Tally()
        if len(chunk) > MAX_BYTES:
            tally.add("too_large", f"{len(chunk)} bytes")
            return Delivery(self._settings.name, [], tally.items(), {})
        clerk = PictureClerk(self._settings, 0.0, self._settings.moon_tolerance_days)
        now_s = time.time()
        clerk.take(as_item(now_s), io.BytesIO(chunk), now_s, 0.0)
        bundles = clerk.due(0.0)
        for bundle in bundles:
            tally.extend(bundle.rejected)
        told = [bundle for bundle in bundles if bundle.reading is not None]
        readings = [bundle.reading for bundle in told if bundle.reading is not None]
        attachments = {index: list(bundle.attachments) for index, bundle in enumerate(told)}
        return Delivery(self._settings.name, readings, tally.items(), {}, attachments)


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> PictureDecoder:
    """See `Driver.new_decoder`."""
    return PictureDecoder(settings)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    clerk = PictureClerk(settings, settings.burst_s, settings.moon_tolerance_days, settings.event_gap_s)
    return FolderSource(settings, clerk, mark_of(settings.name, replay))
