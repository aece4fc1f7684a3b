"""Files on the post's card: copied and verified, on disk when a function returns; and what a start finds there."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from firmware_bridge.readings import Attachment
from gateway.contract.media import is_sha256
from gateway.media.cards import CARD, FILE_SUFFIXES, THUMBNAIL, UNFINISHED

log = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 256 * 1024


class Found(NamedTuple):
    """A file as it lies there. order: when it was written, nanoseconds. with_companions: bytes of all its parts."""

    order: int
    sha256: str
    suffix: str
    size_bytes: int
    with_companions: int


class _SourceError(Exception):
    """The file that is to be kept cannot be read: not our own disk's fault."""


def copied(attachment: Attachment, target: Path) -> str:
    """Copy the attached file and verify it, on disk when this returns "", or else the reason: unreadable, altered.
    Raises OSError of the target."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as copy:
        try:
            for chunk in _chunks(Path(attachment.path)):
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


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's content in hex; "" when it cannot be read."""
    digest = hashlib.sha256()
    try:
        for chunk in _chunks(path):
            digest.update(chunk)
    except _SourceError as error:
        log.debug("%s", error)
        return ""
    return digest.hexdigest()


def kept_in(folder: Path) -> list[Found]:
    """What a folder holds; what is unfinished, or a companion of nothing, goes. Raises OSError."""
    names = {entry.name: entry for entry in folder.iterdir()}
    found = []
    for name, file in names.items():
        sha256, dot, ending = name.partition(".")
        if "." + ending in (THUMBNAIL, CARD):
            if not any(sha256 + suffix in names for suffix in FILE_SUFFIXES):
                forget(file)
        elif "." + ending == UNFINISHED:
            forget(file)
        elif dot + ending in FILE_SUFFIXES and is_sha256(sha256):
            status = file.stat()
            companions = (names.get(sha256 + THUMBNAIL), names.get(sha256 + CARD))
            together = status.st_size + sum(one.stat().st_size for one in companions if one is not None)
            found.append(Found(status.st_mtime_ns, sha256, dot + ending, status.st_size, together))
    return found


def write(path: Path, content: bytes) -> None:
    """A whole small file. Raises OSError."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Names are on disk too: of the files in the folder, and of the folder. Raises OSError."""
    for directory in (folder, folder.parent):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def forget(path: Path) -> None:
    """Delete it if it is there and can be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.debug("%s stays: %s", path, error)


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise _SourceError(f"{path}: {error.strerror}") from error
