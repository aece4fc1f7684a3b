"""A file's card: what is noted of it beside it, and how its parts are called on disk.

<path>/<first two hex digits>/<sha256>.jpg          the file, whole
                              <sha256>.json         its card
                              <sha256>.thumb.jpg    its thumbnail, where it has one
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.readings import Attachment, Reading
from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.media import OTHER_SUFFIX, SUFFIXES

THUMBNAIL: Final = ".thumb.jpg"
CARD: Final = ".json"
UNFINISHED: Final = ".part"
_MAX_CARD_BYTES: Final = 64 * 1024
FILE_SUFFIXES: Final = frozenset({*SUFFIXES.values(), OTHER_SUFFIX})


class MediaCard(msgspec.Struct, frozen=True):
    """As in `Attachment`, and of the detection that it came with. kept_ms: Unix time by the post's clock when it was
    kept; age_ms: how long before that it was recorded, by its detection. boot, boot_ms, wall_ms, quality,
    uncertainty_ms: the moment of the detection, as in `Moment`, and the boot in which that was."""

    sha256: str
    media_type: str
    size_bytes: int
    number: int
    of: int
    sensor: str
    label: str
    kept_ms: int
    age_ms: int
    notes: dict[str, str]
    boot: str = ""
    boot_ms: int = 0
    wall_ms: int | None = None
    quality: int = int(TimeQuality.UNTRUSTED)
    uncertainty_ms: int = 0

    def moment(self) -> Moment:
        """When it was recorded, as the clock had it."""
        wall_ms = self.kept_ms if self.wall_ms is None else self.wall_ms
        known = self.quality in {int(quality) for quality in TimeQuality}
        quality = TimeQuality(self.quality) if known else TimeQuality.UNTRUSTED
        return Moment(self.boot_ms - self.age_ms, wall_ms - self.age_ms, quality, self.uncertainty_ms)


class Places(NamedTuple):
    """Where a file and its companions lie."""

    file: Path
    card: Path
    thumbnail: Path
    unfinished: Path

    @property
    def all(self) -> tuple[Path, ...]:
        """What is deleted with it, the file first: without it the rest counts as left over."""
        return self.file, self.thumbnail, self.card


def places(root: Path, sha256: str, suffix: str) -> Places:
    """For a hash that was checked."""
    folder = root / sha256[:2]
    return Places(
        folder / (sha256 + suffix),
        folder / (sha256 + CARD),
        folder / (sha256 + THUMBNAIL),
        folder / (sha256 + UNFINISHED),
    )


def make_card(attachment: Attachment, reading: Reading, kept_ms: int, moment: Moment, boot: str) -> MediaCard:
    """The card of a file that is kept now."""
    return MediaCard(
        attachment.sha256,
        attachment.media_type,
        attachment.size_bytes,
        attachment.number,
        attachment.of,
        reading.sensor,
        reading.label,
        kept_ms,
        reading.age_ms,
        dict(attachment.notes),
        boot,
        moment.boot_ms,
        moment.wall_ms,
        int(moment.quality),
        moment.uncertainty_ms,
    )


def read_card(path: Path) -> MediaCard | None:
    """A card, or None for one that is gone or spoilt."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_CARD_BYTES), type=MediaCard)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
