"""Files that have come in part, on local disk: <path>/<station>/<sha256>.<attempt>.part, as long as what came reaches.

Which of their bytes count, the index says; a part may hold more than that after a kill, never less: it is synced first.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from gateway.contract.media import Chunk
from gateway.contract.ranges import RangeSet
from ingest.media.rows import FileRow

log = logging.getLogger(__name__)

_READ_BYTES: Final = 1024 * 1024
_MOST_OPEN: Final = 64


class Parts:
    """For one thread at a time, but for `path_of`. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[Path, int] = {}

    def path_of(self, row: FileRow) -> Path:
        """Where the part of a file lies."""
        return self._path / row.station / f"{row.sha256}.{row.attempt}.part"

    def free_bytes(self) -> int:
        """Room on the disk."""
        self._path.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._path).free

    def agrees(self, row: FileRow, chunk: Chunk) -> bool:
        """Whether what is held of a chunk's stretch already is what the chunk says."""
        stretch = RangeSet([(chunk.offset + 1, chunk.offset + len(chunk.content))])
        held = stretch.minus(stretch.minus(row.ranges))
        for first, last in held:
            there = os.pread(self._file(row), last - first + 1, first - 1)
            if there != chunk.content[first - 1 - chunk.offset : last - chunk.offset]:
                return False
        return True

    def write(self, row: FileRow, chunk: Chunk) -> None:
        """Put a chunk in its place; on disk after `sync`."""
        view, at, file = memoryview(chunk.content), chunk.offset, self._file(row)
        while view:
            written = os.pwrite(file, view, at)
            view, at = view[written:], at + written

    def sync(self, row: FileRow) -> None:
        """All that was written to a part is on disk when this returns."""
        os.fsync(self._file(row))

    def release(self, row: FileRow) -> None:
        """Nothing more comes of it."""
        if (file := self._open.pop(self.path_of(row), None)) is not None:
            os.close(file)

    def close(self) -> None:
        """Close what is open."""
        for file in self._open.values():
            os.close(file)
        self._open.clear()

    def remove(self, path: Path) -> None:
        """Delete a part, if it is there and can be."""
        if (file := self._open.pop(path, None)) is not None:
            os.close(file)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.debug("%s stays: %s", path, error)

    def clean(self, wanted: Collection[Path]) -> int:
        """Delete every part but these: what kills left behind. How many."""
        left = [path for path in self._path.glob("*/*.part") if path not in wanted]
        for path in left:
            self.remove(path)
        return len(left)

    def _file(self, row: FileRow) -> int:
        path = self.path_of(row)
        file = self._open.get(path)
        if file is None:
            if len(self._open) >= _MOST_OPEN:
                self.close()  # to sync a file that is opened again syncs what was written before
            path.parent.mkdir(parents=True, exist_ok=True)
            file = self._open[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return file


def digest(path: Path, size_bytes: int) -> str:
    """The SHA-256, in hex, of the first bytes of a file. Raises OSError."""
    digest, left = hashlib.sha256(), size_bytes
    with path.open("rb") as file:
        while left and (content := file.read(min(left, _READ_BYTES))):
            digest.update(content)
            left -= len(content)
    return digest.hexdigest()
