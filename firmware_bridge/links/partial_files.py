"""Files that come in pieces: kept by their hash until they are whole, whatever dies meanwhile."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from firmware_bridge.framing.picture_transfer import SUFFIXES, Offer

log = logging.getLogger(__name__)

MOST_PARTIAL: Final = 16
_CHUNK_BYTES: Final = 256 * 1024


class PartialFiles:
    """A `Shelf`: `<directory>/partial/<sha256>` until whole, then `<directory>/in/<sha256>-<id>.<suffix>`, its time
    that of the picture as far as the camera told it. known: whether a content was taken in before."""

    def __init__(self, directory: Path, known: Callable[[bytes], bool]) -> None:
        self.whole = directory / "in"
        self._partial = directory / "partial"
        self._known = known

    def has(self, sha256: bytes) -> bool:
        """See `Shelf.has`."""
        return self._known(sha256) or any(self.whole.glob(f"{sha256.hex()}*"))

    def length(self, sha256: bytes) -> int:
        """See `Shelf.length`."""
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, sha256: bytes, data: bytes) -> None:
        """See `Shelf.append`."""
        path = self._path(sha256)
        if not path.exists():
            self._partial.mkdir(parents=True, exist_ok=True)
            self._make_room()
        with path.open("ab") as file:
            file.write(data)

    def drop(self, sha256: bytes) -> None:
        """See `Shelf.drop`."""
        self._path(sha256).unlink(missing_ok=True)

    def finish(self, offer: Offer) -> bool:
        """See `Shelf.finish`."""
        path = self._path(offer.sha256)
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
            os.fsync(file.fileno())
        if digest.digest() != offer.sha256:
            path.unlink()
            return False
        if offer.age_s is not None:
            then = time.time() - offer.age_s
            os.utime(path, (then, then))
        self.whole.mkdir(parents=True, exist_ok=True)
        # The id last: a picture without metadata of its own is numbered by the last digits of its name.
        path.replace(self.whole / f"{offer.sha256.hex()}-{offer.id}{SUFFIXES[offer.type]}")
        descriptor = os.open(self.whole, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return True

    def _path(self, sha256: bytes) -> Path:
        return self._partial / sha256.hex()

    def _make_room(self) -> None:
        """The longest untouched go, when too many transfers were never ended."""
        there = sorted(self._partial.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in there[: max(0, len(there) - MOST_PARTIAL + 1)]:
            log.info("%s was never completed and is let go", path)
            path.unlink()
