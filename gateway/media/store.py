"""Pictures and clips on the post's own disk, each under the hash of its content; the oldest go when room is short.

    <path>/<first two hex digits>/<sha256>.jpg          the file, whole
                                  <sha256>.json         whose it is and what its metadata says
                                  <sha256>.thumb.jpg    its thumbnail, where it has one

The file itself is put in place last, so that one that is there has its companions. Safe to call from several threads.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from firmware_bridge.readings import Attachment, Reading

log = logging.getLogger(__name__)

_SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "audio/wav": ".wav"}
_OTHER_SUFFIX: Final = ".bin"
_THUMBNAIL: Final = ".thumb.jpg"
_CARD: Final = ".json"
_UNFINISHED: Final = ".part"
_SHA256_DIGITS: Final = 64
_CHUNK_BYTES: Final = 256 * 1024
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class MediaCard(msgspec.Struct, frozen=True):
    """What is noted of a file: as in `Attachment`, and of the detection that it came with. kept_ms: Unix time by the
    post's clock when it was kept; age_ms: how long before that it was recorded, by its detection."""

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


class MediaState(msgspec.Struct, frozen=True):
    """What is kept. trouble: "" or words for a person."""

    files: int
    bytes: int
    trouble: str


class MediaStore:
    """See the module. max_bytes: bound of all that is kept."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Path, int]] = {}  # oldest first: where, and bytes with all companions
        self._bytes = 0
        self._trouble = ""

    def open(self) -> None:
        """Find what is there and take away what was left unfinished. Never raises for the disk: see `state`."""
        with self._lock:
            self._kept, self._bytes = {}, 0
            found: list[tuple[int, str, Path, int]] = []
            try:
                for folder in sorted(self._path.iterdir()):
                    if folder.is_dir() and len(folder.name) == 2:
                        found += _kept_in(folder)
            except FileNotFoundError:
                log.debug("%s is made when the first file comes", self._path)
            except OSError as error:
                self._say(f"pictures and clips cannot be kept in {self._path} ({error.strerror}); mend that directory")
                return
            for _, sha256, file, size in sorted(found):
                self._kept[sha256] = (file, size)
                self._bytes += size
            self._trouble = ""

    def keep(self, attachment: Attachment, reading: Reading) -> Counter[str]:
        """Keep a copy, on disk when this returns. Counts: evicted (older files that made room), and at most one reason
        why it is not kept: bad_sha256, too_large, unreadable (the file is gone), altered (it is not what its hash
        says), disk_full, unwritable. A content that is kept already is kept once."""
        sha256 = attachment.sha256
        if len(sha256) != _SHA256_DIGITS or not set(sha256) <= set("0123456789abcdef"):
            return Counter({"bad_sha256": 1})  # it becomes a file's name
        counts: Counter[str] = Counter()
        with self._lock:
            if sha256 in self._kept and self._kept[sha256][0].exists():
                return counts
            size = attachment.size_bytes + len(attachment.thumbnail)
            if size > self._max_bytes:
                return Counter({"too_large": 1})
            counts["evicted"] += self._make_room(size)
            reason = self._put(attachment, reading)
            if reason == "disk_full" and (made := self._make_room(self._max_bytes - self._bytes + 2 * size)):
                counts["evicted"] += made
                reason = self._put(attachment, reading)
            if reason:
                counts[reason] += 1
        return +counts

    def find(self, sha256: str) -> Path | None:
        """Where a file lies, None when it is not kept."""
        with self._lock:
            kept = self._kept.get(sha256)
            return kept[0] if kept is not None and kept[0].exists() else None

    def state(self) -> MediaState:
        """What is kept now."""
        with self._lock:
            return MediaState(len(self._kept), self._bytes, self._trouble)

    def _put(self, attachment: Attachment, reading: Reading) -> str:
        """Copy, verify, put in place: "" or the reason why not."""
        sha256 = attachment.sha256
        folder = self._path / sha256[:2]
        file = folder / (sha256 + _SUFFIXES.get(attachment.media_type, _OTHER_SUFFIX))
        unfinished = folder / (sha256 + _UNFINISHED)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if reason := _copied(attachment, unfinished):
                _forget(unfinished)
                return reason
            card = msgspec.json.encode(_card(attachment, reading))
            _write(folder / (sha256 + _CARD), card)
            if attachment.thumbnail:
                _write(folder / (sha256 + _THUMBNAIL), attachment.thumbnail)
            unfinished.replace(file)
            _sync(folder)
        except OSError as error:
            _forget(unfinished)
            self._say(
                f"a picture or clip cannot be kept in {self._path} ({error.strerror}); free some space or mend it"
            )
            return "disk_full" if error.errno in _NO_ROOM else "unwritable"
        size = attachment.size_bytes + len(card) + len(attachment.thumbnail)
        self._kept[sha256] = (file, size)
        self._bytes += size
        self._trouble = ""
        return ""

    def _make_room(self, size: int) -> int:
        """Let the oldest go until so many more bytes fit: how many went."""
        gone = 0
        while self._kept and self._bytes + size > self._max_bytes:
            sha256, (file, held) = next(iter(self._kept.items()))
            del self._kept[sha256]
            self._bytes -= held
            gone += 1
            for companion in (file, file.with_name(sha256 + _THUMBNAIL), file.with_name(sha256 + _CARD)):
                _forget(companion)
        return gone

    def _say(self, words: str) -> None:
        if words != self._trouble:
            log.warning("%s", words)
        self._trouble = words


class _SourceError(Exception):
    """The file that is to be kept cannot be read: not our own disk's fault."""


def _chunks(path: str) -> Iterator[bytes]:
    try:
        with Path(path).open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise _SourceError(f"{path}: {error.strerror}") from error


def _copied(attachment: Attachment, target: Path) -> str:
    """Copy the file and verify it, on disk when this returns "", or else the reason. Raises OSError of the target."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as copy:
        try:
            for chunk in _chunks(attachment.path):
                size += len(chunk)
                if size > attachment.size_bytes:
                    return "altered"
                digest.update(chunk)
                copy.write(chunk)
        except _SourceError as error:
            log.debug("%s", error)
            return "unreadable"
        copy.flush()
        os.fsync(copy.fileno())
    return "" if size == attachment.size_bytes and digest.hexdigest() == attachment.sha256 else "altered"


def _card(attachment: Attachment, reading: Reading) -> MediaCard:
    return MediaCard(
        attachment.sha256,
        attachment.media_type,
        attachment.size_bytes,
        attachment.number,
        attachment.of,
        reading.sensor,
        reading.label,
        time.time_ns() // 1_000_000,
        reading.age_ms,
        dict(attachment.notes),
    )


def _kept_in(folder: Path) -> list[tuple[int, str, Path, int]]:
    """When, hash, file and bytes of what a folder holds; what is unfinished, or a companion of nothing, goes."""
    names = {entry.name: entry for entry in folder.iterdir()}
    found = []
    for name, file in names.items():
        sha256, dot, ending = name.partition(".")
        if "." + ending in (_THUMBNAIL, _CARD):
            if not any(sha256 + suffix in names for suffix in (*_SUFFIXES.values(), _OTHER_SUFFIX)):
                _forget(file)
        elif "." + ending == _UNFINISHED:
            _forget(file)
        elif dot and len(sha256) == _SHA256_DIGITS:
            status = file.stat()
            companions = (names.get(sha256 + _THUMBNAIL), names.get(sha256 + _CARD))
            size = status.st_size + sum(one.stat().st_size for one in companions if one is not None)
            found.append((status.st_mtime_ns, sha256, file, size))
    return found


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Names are on disk too: of the files in the folder, and of the folder."""
    for directory in (folder, folder.parent):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.debug("%s stays: %s", path, error)
