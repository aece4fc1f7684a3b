"""A directory that others write into: which of its files are complete. Nothing is opened here, no link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MOST_FILES: Final = 200_000
"""Of one directory, in all its depth."""

_ENOUGH: Final = 1_000
_PASSING: Final = (
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".upload",
    ".uploading",
    ".swp",
    "~",
)
_SYSTEM: Final = frozenset({"system volume information", "$recycle.bin", "lost+found", "recycler"})


class Found(NamedTuple):
    """A file. name: its bytes below the directory. settled_s: how long it has not changed, as far as we have seen."""

    path: Path
    name: bytes
    size_bytes: int
    modified_ns: int
    changed_ns: int
    settled_s: float

    @property
    def look(self) -> int:
        """A number that changes when the file does."""
        return hash((self.name, self.size_bytes, self.modified_ns, self.changed_ns))


class Folder:
    """Looks at a directory again and again. aside: a directory that is passed over, wherever it lies."""

    def __init__(self, directory: Path, max_depth: int, aside: Path | None = None) -> None:
        self.directory = directory
        self._max_depth = max_depth
        self._aside = aside
        self.too_deep = 0  # files of the last scan that lie in directories deeper than max_depth
        self._since: dict[bytes, tuple[int, float]] = {}  # of files that are not done with: their look, and since when

    def scan(self, clock_s: float, done: set[int]) -> list[Found]:
        """Every file that is not done with, oldest first. done: looks of files to pass over; those of files that are
        gone or changed are taken out. Raises OSError when the directory cannot be read."""
        found: list[Found] = []
        since: dict[bytes, tuple[int, float]] = {}
        still: set[int] = set()
        for path, name, status in self._files():
            one = Found(path, name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, 0.0)
            look = one.look
            if look in done:
                still.add(look)
                continue
            known = self._since.get(name)
            at = known[1] if known is not None and known[0] == look else clock_s
            since[name] = (look, at)
            found.append(one._replace(settled_s=clock_s - at))
        self._since = since
        done &= still
        return sorted(found, key=lambda one: (one.modified_ns, one.name))

    def _files(self) -> Iterator[tuple[Path, bytes, os.stat_result]]:
        count = self.too_deep = 0
        waiting = [(self.directory, 0)]
        while waiting:
            directory, depth = waiting.pop()
            try:
                entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
            except OSError:
                if depth == 0:
                    raise
                continue  # gone since its parent was read, or not ours to read: seen again at the next scan
            for entry in entries:
                if _is_passing(entry.name):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                path = Path(entry.path)
                if stat.S_ISDIR(status.st_mode):
                    if path == self._aside or entry.name.lower() in _SYSTEM:
                        continue
                    if depth < self._max_depth:
                        waiting.append((path, depth + 1))
                    else:
                        self.too_deep += _files_in(path)
                elif stat.S_ISREG(status.st_mode):
                    count += 1
                    if count > MOST_FILES:
                        return
                    yield path, os.fsencode(path.relative_to(self.directory)), status


def _files_in(directory: Path) -> int:
    """How many files lie in and below a directory, up to a thousand: enough to tell that there are."""
    count = 0
    for _, directories, names in os.walk(directory):
        directories[:] = [name for name in directories if not _is_passing(name)]
        count += sum(not _is_passing(name) for name in names)
        if count >= _ENOUGH:
            return _ENOUGH
    return count


def _is_passing(name: str) -> bool:
    """Hidden, or named as what is still being written."""
    return name.startswith((".", "~")) or name.lower().endswith(_PASSING)


def shown(name: bytes) -> str:
    """A file's name that is safe to log and to keep: printable, at most 200 characters."""
    text = name.decode("utf-8", errors="replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[-200:]
