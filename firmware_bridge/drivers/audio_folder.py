"""Audio folder: a directory that fills with WAV clips, and each of them becomes one acoustic detection.

Device          AudioMoth (firmware 1.0 to 1.11), recorders that write GUANO, any other that writes WAV
Specification   RIFF/WAVE; firmware_bridge/media/wav.py, recorder_notes.py
Link            a directory, polled, to a depth; links are not followed; hidden and temporary names are passed over

Data layout     a RIFF/WAVE file, at most max_megabytes

    time            the recorder's comment with its offset from UTC, GUANO Timestamp, YYYYMMDD_HHMMSS in the file's name
                    (in the zone of the settings), the file's own less its duration; clock_error_s is taken off
    label           the group "label" of name_pattern, else the settings
    detection       duration_seconds; battery_volts and device_temperature_celsius where the recorder tells them;
                    sound_level_decibels only when full_scale_decibels calibrates the recorder

Integrity       size and time unchanged for settle_s; as long as its header says; SHA-256 of the content, which is
                taken once for ever
"""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from firmware_bridge.delivery import Delivery, ReplayState, Source, Tally
from firmware_bridge.links.folder_settings import FolderSettings
from firmware_bridge.links.folder_source import FolderSource, mark_of
from firmware_bridge.media.bundles import Item, item_of
from firmware_bridge.media.clip_clerk import QUANTITIES as QUANTITIES
from firmware_bridge.media.clip_clerk import ClipClerk

SAMPLE: Final = """\
driver = "audio_folder"
name = "grabadoras"
directory = "/media/audiomoth"
zone = "UTC"
label = "unknown"

[[recorders]]
serial = "24E144085F2569BF"
name = "grabadora-quebrada"
"""

_MEGABYTE: Final = 1024 * 1024


def _check_pattern(pattern: str) -> str:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    if "label" not in compiled.groupindex:
        raise ValueError("it needs a group (?P<label>...)")
    return pattern


class Settings(FolderSettings):
    """A directory of clips."""

    driver: Literal["audio_folder"] = Field(description="audio_folder: a directory that sound recorders fill.")
    name_pattern: Annotated[str | None, AfterValidator(lambda p: p and _check_pattern(p))] = Field(
        default=None,
        max_length=200,
        description="Regular expression that finds the label in a file's name, as a group (?P<label>...).",
    )
    full_scale_decibels: float | None = Field(
        default=None,
        ge=0,
        le=194,
        description="Sound level (dB) that drives the recorder to full scale; left out, no sound level is told.",
    )
    max_megabytes: int = Field(default=512, ge=1, le=4096, description="Largest clip.")


class ClipDecoder:
    """A `Decoder`: each chunk is one whole clip, and gives its detection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        return self._take(
            chunk, lambda now_s: Item("", "clip", "", len(chunk), hashlib.sha256(chunk).hexdigest(), now_s)
        )

    def feed_file(self, path: Path, content: bytes) -> Delivery | None:
        """See `FileDecoder.feed_file`."""
        modified_s = path.stat().st_mtime
        return self._take(content, lambda now_s: item_of(path, self._settings.directory, content, modified_s))

    def _take(self, chunk: bytes, as_item: Callable[[float], Item]) -> Delivery | None:
        if not chunk:
            return None
        clerk = _clerk(self._settings)
        now_s = time.time()
        clerk.take(as_item(now_s), io.BytesIO(chunk), now_s, 0.0)
        (bundle,) = clerk.due(0.0)
        tally = Tally()
        tally.extend(bundle.rejected)
        readings = [] if bundle.reading is None else [bundle.reading]
        attachments = {0: list(bundle.attachments)} if readings else {}
        return Delivery(self._settings.name, readings, tally.items(), {}, attachments)


def _clerk(settings: Settings) -> ClipClerk:
    pattern = re.compile(settings.name_pattern) if settings.name_pattern else None
    return ClipClerk(settings, settings.max_megabytes * _MEGABYTE, settings.full_scale_decibels, pattern)


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> ClipDecoder:
    """See `Driver.new_decoder`."""
    return ClipDecoder(settings)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    return FolderSource(settings, _clerk(settings), mark_of(settings.name, replay))
