"""A small file that is whole on disk, or as it was before, whenever the power goes."""

from __future__ import annotations

import os
from pathlib import Path


class NotSyncedError(OSError):
    """The content is in place, for whoever reads it now; a power cut may bring back what was there before."""


def write(path: Path, content: bytes) -> None:
    """Put content at path, in one step, on disk before this returns; its directory is made. Raises OSError, with what
    was there before still in place; NotSyncedError, with the new in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise NotSyncedError(error.errno, error.strerror, str(path)) from error
