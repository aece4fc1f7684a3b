"""Pictures and clips that the post keeps, as people see them."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from gateway.media.cards import THUMBNAIL, MediaCard
from gateway.media.index import FileState
from gateway.media.store import MediaItem, MediaStore
from gateway.page import phrases, pictograms
from gateway.page.languages import Language
from gateway.place.place import Place

_SHOWN: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
_HEARD: Final = frozenset({"audio/wav"})
_MAX_THUMBNAIL_BYTES: Final = 64 * 1024


class PhotoCard(NamedTuple):
    """One file. sending: what headquarters has of it."""

    sha256: str
    title: str
    pictogram: str
    place: str
    when: str
    size: str
    sending: str
    has_thumbnail: bool
    is_picture: bool
    is_sound: bool


class PhotoFile(NamedTuple):
    """For a phone to show. media_type: one that browsers show and never run, or bytes to be saved."""

    path: Path
    media_type: str


class Photos:
    """The media store as the page asks it. Every call may wait for the disk."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    def recent(self, limit: int) -> list[MediaItem]:
        """Newest first."""
        return self._store.recent(limit)

    def item(self, sha256: str) -> MediaItem | None:
        """One of them; None when it is not kept (any more)."""
        card, kept, path = self._store.card(sha256), self._store.file(sha256), self._store.find(sha256)
        if card is None or kept is None or path is None:
            return None
        thumbnail = path.with_name(sha256 + THUMBNAIL)
        return MediaItem(card, path, thumbnail if thumbnail.exists() else None, kept.state, kept.wish > 0, 0.0, "")

    def thumbnail(self, sha256: str) -> bytes | None:
        """Its small picture."""
        path = self._store.find(sha256)
        if path is None:
            return None
        try:
            with path.with_name(sha256 + THUMBNAIL).open("rb") as file:
                return file.read(_MAX_THUMBNAIL_BYTES)
        except OSError:
            return None

    def file(self, sha256: str) -> PhotoFile | None:
        """All of it."""
        card, path = self._store.card(sha256), self._store.find(sha256)
        if card is None or path is None:
            return None
        known = card.media_type in _SHOWN | _HEARD
        return PhotoFile(path, card.media_type if known else "application/octet-stream")


def photo_card(item: MediaItem, place: Place, now_ms: int, say: Language) -> PhotoCard:
    """One file in words."""
    card = item.card
    return PhotoCard(
        card.sha256,
        _title(card, say),
        pictograms.of_label(card.label) if card.label else "photo",
        place.title(card.sensor),
        phrases.at(say, _recorded_ms(card), now_ms),
        phrases.size(say, card.size_bytes),
        _sending(item, say),
        item.thumbnail is not None,
        card.media_type in _SHOWN,
        card.media_type in _HEARD,
    )


def _title(card: MediaCard, say: Language) -> str:
    if card.label:
        return say.label(card.label)
    return say("Grabación") if card.media_type in _HEARD else say("Foto")


def _recorded_ms(card: MediaCard) -> int:
    return card.moment().wall_ms


def _sending(item: MediaItem, say: Language) -> str:
    if item.state is FileState.DELIVERED:
        return say("La sede ya la tiene entera")
    if item.state is FileState.REFUSED:
        return say("La sede no la quiso")
    if item.is_wanted:
        return say("La sede la pidió: sale cuando haya enlace")
    return say("Guardada en el puesto")
