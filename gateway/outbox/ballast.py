"""A small file that keeps room on the disk: let go when the disk is full, so that making room has room to work in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

BALLAST_BYTES: Final = 512 * 1024


class Ballast:
    """The file at a path; nothing is touched until it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ensure(self) -> bool:
        """Have it there in full; False when the disk has no room for it."""
        try:
            if self._path.exists() and self._path.stat().st_size == BALLAST_BYTES:
                return True
            with self._path.open("wb") as file:
                file.write(b"\x55" * BALLAST_BYTES)  # not zeros: a sparse file keeps no room
                file.flush()
                os.fsync(file.fileno())
        except OSError:
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
