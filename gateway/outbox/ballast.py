"""A small file that keeps room on the disk: let go when the disk is full, so that making room has room to work in."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

BALLAST_BYTES: Final = 2 * 1024 * 1024
"""Enough for the write-ahead log of one commit and for the pages that a checkpoint adds to the file."""


class Ballast:
    """The file at a path; nothing is touched until it is asked for. Never raises for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ensure(self) -> bool:
        """Have it there in full; False when the disk has no room for it, and as much again to work in."""
        try:
            if self._path.exists() and self._path.stat().st_size == BALLAST_BYTES:
                return True
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < 2 * BALLAST_BYTES:
                return False
            with self._path.open("wb") as file:
                file.write(b"\x55" * BALLAST_BYTES)  # not zeros: a sparse file keeps no room
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            return False
        return True

    def drop(self) -> bool:
        """Give its room back; False when it was not there."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
