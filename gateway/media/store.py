"""Pictures and clips on the post's own disk, each under the hash of its content (`gateway.media.cards` says where).

The file itself is put in place last, so that one that is there has its companions. When room is short, what
headquarters has goes first, then what nobody wants, oldest first. Safe to call from several threads.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.readings import Attachment, Reading
from gateway.clock.machine import boot_id
from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.media import Announcement, fitted_notes, is_sha256, is_thumbnail, suffix_of
from gateway.media.cards import MediaCard, Places, make_card, places, read_card
from gateway.media.disk import copied, digest_of, forget, kept_in, sync, write
from gateway.media.index import FileState, MediaIndex, Note
from gateway.media.times import Freeze, frozen_time

log = logging.getLogger(__name__)

INDEX: Final = "index.db"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class MediaState(msgspec.Struct, frozen=True):
    """What is kept. trouble: "" or words for a person."""

    files: int
    bytes: int
    trouble: str


class KeptFile(NamedTuple):
    """One file for whoever sends it. order: ascending by age, the newest highest. wish: 0, or its place among what
    people asked for."""

    sha256: str
    size_bytes: int
    order: int
    label: str
    state: FileState
    wish: int


class MediaItem(msgspec.Struct, frozen=True):
    """One file for people. thumbnail: where it lies, None without one. state: as headquarters knows it. is_wanted:
    somebody asked for it. held_ratio: how much of it headquarters has, as far as is known. reason: why it is refused.
    """

    card: MediaCard
    path: Path
    thumbnail: Path | None
    state: FileState
    is_wanted: bool
    held_ratio: float
    reason: str


class _Kept(msgspec.Struct):
    suffix: str
    size_bytes: int
    with_companions: int
    order: int
    note: Note
    held_bytes: int = 0


class MediaStore:
    """See the module. max_bytes: bound of all that is kept. dear_labels: go last when room is short. boot: the name of
    this boot, the machine's own if left out."""

    def __init__(
        self, path: Path, *, max_bytes: int, dear_labels: Collection[str] = frozenset(), boot: str | None = None
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._dear_labels = frozenset(dear_labels)
        self._boot = boot
        self._lock = threading.Lock()
        self._index = MediaIndex(path / INDEX)
        self._kept: dict[str, _Kept] = {}
        self._bytes = 0
        self._wishes = 0  # people's wishes so far
        self._order = 0  # of the newest file
        self._trouble = ""
        self._news: Callable[[str], None] = lambda sha256: None

    def open(self) -> None:
        """Find what is there and take away what was left unfinished. Never raises for the disk: see `state`."""
        with self._lock:
            self._kept, self._bytes, self._wishes = {}, 0, 0
            self._boot = self._boot if self._boot is not None else boot_id()
            if not self._path.exists():
                return  # made when the first file comes
            notes = self._index.open() if self._path.is_dir() else {}
            try:
                found = [
                    file
                    for folder in sorted(self._path.iterdir())
                    if folder.is_dir() and len(folder.name) == 2
                    for file in kept_in(folder)
                ]
            except OSError as error:
                self._say(f"pictures and clips cannot be kept in {self._path} ({error.strerror}); mend that directory")
                return
            for order, sha256, suffix, size, together in sorted(found):
                note = notes.pop(sha256, None)
                if note is None:
                    card = read_card(places(self._path, sha256, suffix).card)
                    note = Note(card.label if card is not None else "")
                    self._index.save(sha256, note)
                self._kept[sha256] = _Kept(suffix, size, together, order, note)
                self._bytes += together
                self._wishes, self._order = max(self._wishes, note.wish), max(self._order, order)
            for sha256 in notes:
                self._index.forget(sha256)
            self._trouble = ""

    def close(self) -> None:
        """Close the index."""
        with self._lock:
            self._index.close()

    def tell_news_to(self, news: Callable[[str], None]) -> None:
        """Whoever is told the hash of each file that is kept from now on, or that somebody wants. From any thread."""
        self._news = news

    # in

    def keep(self, attachment: Attachment, reading: Reading, moment: Moment | None = None) -> Counter[str]:
        """Keep a copy, on disk when this returns. moment: of the reading. Counts: evicted_delivered and
        evicted_undelivered (older files that made room), and at most one reason why it is not kept: bad_sha256,
        too_large, unreadable (the file is gone), altered (it is not what its hash says), disk_full, unwritable. A
        content that is kept already is kept once."""
        sha256 = attachment.sha256
        if not is_sha256(sha256):
            return Counter({"bad_sha256": 1})  # it becomes a file's name
        kept_ms = time.time_ns() // 1_000_000
        moment = moment or Moment(0, kept_ms, TimeQuality.UNTRUSTED, 0)
        with self._lock:
            if sha256 in self._kept and self._places(sha256).file.exists():
                return Counter()
            size = attachment.size_bytes + len(attachment.thumbnail)
            if size > self._max_bytes:
                return Counter({"too_large": 1})
            card = make_card(attachment, reading, kept_ms, moment, self._boot or "")
            counts = self._make_room(size)
            reason = self._put(attachment, card)
            if reason == "disk_full" and (made := self._make_room(self._max_bytes - self._bytes + 2 * size)):
                counts += made
                reason = self._put(attachment, card)
        if reason:
            counts[reason] += 1
        else:
            self._news(sha256)
        return +counts

    # what people ask

    def find(self, sha256: str) -> Path | None:
        """Where a file lies, None when it is not kept."""
        with self._lock:
            if sha256 not in self._kept:
                return None
            file = self._places(sha256).file
            return file if file.exists() else None

    def want(self, sha256: str) -> str:
        """Somebody at headquarters asks for a file: "" when it will be sent (again, if headquarters had it or refused
        it), or else the reason: bad_sha256, not_kept."""
        if not is_sha256(sha256):
            return "bad_sha256"
        with self._lock:
            kept = self._kept.get(sha256)
            if kept is None or not self._places(sha256).file.exists():
                return "not_kept"
            self._wishes += 1
            kept.note.wish = self._wishes
            if kept.note.state is FileState.DELIVERED:
                kept.note.state = FileState.ANNOUNCED
            elif kept.note.state is FileState.REFUSED:  # to announce it again makes headquarters think again
                kept.note.state, kept.note.reason = FileState.KEPT, ""
            self._index.save(sha256, kept.note)
        self._news(sha256)
        return ""

    def recent(self, limit: int) -> list[MediaItem]:
        """What was kept last, newest first."""
        with self._lock:
            newest = sorted(self._kept, key=lambda sha256: self._kept[sha256].order, reverse=True)[:limit]
            chosen = [
                (sha256, self._places(sha256), self._kept[sha256], msgspec.structs.replace(self._kept[sha256].note))
                for sha256 in newest
            ]
        items = []
        for _, where, kept, note in chosen:
            card = read_card(where.card)
            if card is not None:
                ratio = 1.0 if note.state is FileState.DELIVERED else kept.held_bytes / max(1, kept.size_bytes)
                thumbnail = where.thumbnail if where.thumbnail.exists() else None
                items.append(MediaItem(card, where.file, thumbnail, note.state, note.wish > 0, ratio, note.reason))
        return items

    def state(self) -> MediaState:
        """What is kept now."""
        with self._lock:
            return MediaState(len(self._kept), self._bytes, self._trouble)

    # what the sender asks

    def files(self) -> list[KeptFile]:
        """All that is kept, oldest first."""
        with self._lock:
            return [self._view(sha256, kept) for sha256, kept in self._kept.items()]

    def file(self, sha256: str) -> KeptFile | None:
        """One file, None when it is not kept any more."""
        with self._lock:
            kept = self._kept.get(sha256)
            return None if kept is None else self._view(sha256, kept)

    def mark(self, sha256: str, state: FileState, reason: str = "") -> None:
        """Headquarters said something of a file."""
        with self._lock:
            kept = self._kept.get(sha256)
            if kept is not None and (kept.note.state, kept.note.reason) != (state, reason):
                kept.note.state, kept.note.reason = state, reason
                if state is FileState.DELIVERED:
                    kept.note.wish = 0
                self._index.save(sha256, kept.note)

    def progress(self, sha256: str, held_bytes: int) -> None:
        """So much of it headquarters has."""
        with self._lock:
            if sha256 in self._kept:
                self._kept[sha256].held_bytes = held_bytes

    def card(self, sha256: str) -> MediaCard | None:
        """A file's card, None when it is gone or spoilt."""
        with self._lock:
            return read_card(self._places(sha256).card) if sha256 in self._kept else None

    def announcement(self, sha256: str, freeze: Freeze) -> Announcement | None:
        """What headquarters is told of a file; None when the file or its card is gone. Its time is settled when it is
        told for the first time."""
        card = self.card(sha256)
        with self._lock:
            kept = self._kept.get(sha256)
            if kept is None or card is None:
                return None
            if kept.note.time is None:
                kept.note.time = frozen_time(card, freeze)
                self._index.save(sha256, kept.note)
            frozen, where = kept.note.time, self._places(sha256)
        try:
            thumbnail = where.thumbnail.read_bytes()
        except OSError:
            thumbnail = b""
        return Announcement(
            sha256,
            card.size_bytes,
            card.media_type,
            card.sensor,
            card.label,
            *frozen,
            card.number,
            card.of,
            fitted_notes(card.notes.items()),
            thumbnail if is_thumbnail(thumbnail) else b"",
        )

    def read(self, sha256: str, offset: int, length: int) -> bytes | None:
        """Bytes of a file; None when it is gone or shorter."""
        with self._lock:
            path = self._places(sha256).file if sha256 in self._kept else None
        try:
            if path is None:
                return None
            with path.open("rb") as file:
                file.seek(offset)
                content = file.read(length)
        except OSError as error:
            log.debug("%s cannot be read: %s", path, error)
            return None
        return content if len(content) == length else None

    def is_sound(self, sha256: str) -> bool:
        """Whether a file still is what its hash says. Reads all of it."""
        path = self.find(sha256)
        return path is not None and digest_of(path) == sha256

    # inside

    def _places(self, sha256: str) -> Places:
        return places(self._path, sha256, self._kept[sha256].suffix)

    def _view(self, sha256: str, kept: _Kept) -> KeptFile:
        note = kept.note
        return KeptFile(sha256, kept.size_bytes, kept.order, note.label, note.state, note.wish)

    def _put(self, attachment: Attachment, card: MediaCard) -> str:
        """Copy, verify, put in place: "" or the reason why not."""
        sha256, suffix = attachment.sha256, suffix_of(attachment.media_type)
        where = places(self._path, sha256, suffix)
        try:
            where.file.parent.mkdir(parents=True, exist_ok=True)
            if reason := copied(attachment, where.unfinished):
                forget(where.unfinished)
                return reason
            written = msgspec.json.encode(card)
            write(where.card, written)
            if attachment.thumbnail:
                write(where.thumbnail, attachment.thumbnail)
            where.unfinished.replace(where.file)
            sync(where.file.parent)
        except OSError as error:
            forget(where.unfinished)
            self._say(
                f"a picture or clip cannot be kept in {self._path} ({error.strerror}); free some space or mend it"
            )
            return "disk_full" if error.errno in _NO_ROOM else "unwritable"
        together = attachment.size_bytes + len(written) + len(attachment.thumbnail)
        earlier = self._kept.pop(sha256, None)
        self._bytes += together - (earlier.with_companions if earlier is not None else 0)
        self._order = max(time.time_ns(), self._order + 1)
        self._kept[sha256] = _Kept(suffix, attachment.size_bytes, together, self._order, Note(card.label))
        if not self._index.is_open:
            self._index.open()
        self._index.save(sha256, self._kept[sha256].note)
        self._trouble = ""
        return ""

    def _make_room(self, size: int) -> Counter[str]:
        """Let files go until so many more bytes fit: what went."""
        gone: Counter[str] = Counter()
        if self._bytes + size <= self._max_bytes:
            return gone
        for sha256 in sorted(self._kept, key=self._worth):
            if self._bytes + size <= self._max_bytes:
                break
            for part in self._places(sha256).all:
                forget(part)
            kept = self._kept.pop(sha256)
            self._bytes -= kept.with_companions
            self._index.forget(sha256)
            gone["evicted_delivered" if kept.note.state is FileState.DELIVERED else "evicted_undelivered"] += 1
        return gone

    def _worth(self, sha256: str) -> tuple[bool, bool, int]:
        """The least goes first: what headquarters has, what is nobody's wish, what is old."""
        kept = self._kept[sha256]
        is_dear = kept.note.label in self._dear_labels or kept.note.wish > 0
        return kept.note.state is not FileState.DELIVERED, is_dear, kept.order

    def _say(self, words: str) -> None:
        if words != self._trouble:
            log.warning("%s", words)
        self._trouble = words
