"""Firmware images that come from headquarters in pieces."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from gateway.commands.errors import OrderError

MOST_IMAGES: Final = 8
_UNFINISHED: Final = ".part"


class Images:
    """directory: one file an image, `<sha256>.bin` when it is whole. At most MOST_IMAGES; the oldest go."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, sha256: str, size_bytes: int, offset: int, data: bytes) -> int:
        """Put a piece in its place; how many bytes are here. A piece may come again. Raises OrderError for one that
        leaves a gap, or when the whole is not what its hash says; OSError."""
        whole = self._directory / f"{sha256}.bin"
        if whole.exists():
            return size_bytes
        self._directory.mkdir(parents=True, exist_ok=True)
        part = self._directory / (sha256 + _UNFINISHED)
        here = part.stat().st_size if part.exists() else 0
        if offset > here:
            raise OrderError(f"a piece at byte {offset}, and only {here} are here: send the earlier ones first")
        with part.open("r+b" if here else "wb") as file:
            file.seek(offset)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        here = max(here, offset + len(data))
        if here >= size_bytes:
            if hashlib.sha256(part.read_bytes()).hexdigest() != sha256:
                part.unlink()
                raise OrderError("the whole image is not what its hash says; send it again", begun=True)
            part.replace(whole)
            self._drop_oldest(whole)
        return here

    def read(self, sha256: str) -> bytes:
        """An image that is whole. Raises OrderError when it is not here, OSError."""
        try:
            image = (self._directory / f"{sha256}.bin").read_bytes()
        except FileNotFoundError:
            raise OrderError(f"no image {sha256} is here; send it first (put_firmware)") from None
        if hashlib.sha256(image).hexdigest() != sha256:
            raise OrderError(f"image {sha256} is not what its hash says any more; send it again")
        return image

    def _drop_oldest(self, newest: Path) -> None:
        files = sorted(self._directory.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        for old in [file for file in files if file != newest][: max(0, len(files) - MOST_IMAGES)]:
            old.unlink()
