"""Files that hold keys: written whole or not at all, and for their owner's eyes only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
DIRECTORY: Final = 0o700


def make_directory(path: Path) -> None:
    """The directory and its missing parents. A new one is for its owner only; one that was there stays as it is.
    Raises OSError."""
    path.mkdir(mode=DIRECTORY, parents=True, exist_ok=True)


def write(path: Path, content: bytes, mode: int) -> None:
    """Put content at path, replacing what was there in one step, with that mode (less the umask) from its first byte
    on, and on disk before this returns. No chmod: a USB stick (FAT) refuses it. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One process at a time changes this directory; another waits. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
