"""Which processes run and what they hold open, from /proc (Linux). A process of another user shows nothing but its
command to anyone but root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")


class Process(NamedTuple):
    """A process and its command line."""

    pid: int
    command: tuple[str, ...]

    @property
    def name(self) -> str:
        """The program, for a person: minicom, not /usr/bin/minicom."""
        first = Path(self.command[0]).name if self.command else ""
        if first.startswith("python") and len(self.command) > 1:
            return " ".join(Path(word).name for word in self.command[1:4] if word != "-m")
        return first or "?"

    def is_vigia(self, *words: str) -> bool:
        """Whether it is `vigia <words>`, however it was started."""
        for at in range(len(self.command) - len(words)):
            if self.command[at + 1 : at + 1 + len(words)] == words and (
                Path(self.command[at]).name == "vigia" or self.command[at] in ("deploy.cli", "deploy.daemon")
            ):
                return True
        return False


def process(pid: int) -> Process | None:
    """A running process; None when there is none of that number."""
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    return Process(pid, tuple(word.decode(errors="replace") for word in raw.split(b"\0") if word))


def running() -> Iterator[Process]:
    """Every process."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (found := process(int(entry.name))) is not None and found.command:
            yield found


def holders(path: Path) -> list[Process]:
    """Who has a file or device open, as far as we may see; not ourselves."""
    try:
        wanted = path.stat()
    except OSError:
        return []
    return [one for one in running() if one.pid != os.getpid() and _holds(one.pid, wanted)]


def lock_holder(path: Path) -> Process | None:
    """The process that holds the lock file beside `path` (`<path>.lock`, flock(2)), as the kernel tells; None when
    nobody does. The lock itself is not touched: a service that starts just now must get it."""
    try:
        inode = path.with_name(path.name + ".lock").stat().st_ino
        held = (_PROC / "locks").read_text().splitlines()
    except OSError:
        return None
    for line in held:
        # 1: FLOCK  ADVISORY  WRITE 4242 08:01:131072 0 EOF. The device is not compared: some file systems tell two.
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode):
            found = process(int(words[4])) if words[4].isdigit() else None
            if found is not None:
                return found
    return None


def holds(one: Process, path: Path) -> bool | None:
    """Whether a process has a file open; None when we may not see."""
    try:
        next((_PROC / str(one.pid) / "fd").iterdir(), None)
        return _holds(one.pid, path.stat())
    except OSError:
        return None


def _holds(pid: int, wanted: os.stat_result) -> bool:
    try:
        descriptors = list((_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            held = descriptor.stat()
        except OSError:
            continue
        if (held.st_rdev and held.st_rdev == wanted.st_rdev) or (
            (held.st_dev, held.st_ino) == (wanted.st_dev, wanted.st_ino)
        ):
            return True
    return False
