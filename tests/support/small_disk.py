"""A small disk of a test's own, and somebody else who fills it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs on a directory, unmounted afterwards. Skips the test where this user may not mount."""
    directory.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "vigia-test", str(directory)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"needs to mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """All the room that is left goes into one file; delete it to make room again."""
    filler = directory / "somebody-elses.log"
    with filler.open("ab", buffering=0) as file:
        for size in (1024 * 1024, 4096):
            try:
                while os.statvfs(directory).f_bavail:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler
