"""One gateway at a time: a lock beside the outbox file, freed by the kernel when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO, Final

from gateway.errors import GatewayError

_PREDECESSOR_S: Final = 2.0  # a gateway that is being restarted may still be closing


class OutboxInUseError(GatewayError):
    """Another gateway has this outbox open: fatal for the second, who must not number entries beside the first."""


class OutboxLock:
    """Held from the opening of an outbox to its closing."""

    def __init__(self, path: Path) -> None:
        self._outbox = path
        self._path = path.with_name(path.name + ".lock")
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Have it, if it is not had already. Raises OutboxInUseError, or OSError when the directory cannot be used."""
        if self._file is not None:
            return
        file = self._path.open("a+")
        deadline = time.monotonic() + _PREDECESSOR_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                file.seek(0)
                holder = file.read(20).strip()
                file.close()
                raise OutboxInUseError(
                    f"the outbox {self._outbox} is in use by another gateway (process {holder or 'unknown'}). Stop that"
                    " one, or give this one an [outbox] path of its own"
                ) from None
            except OSError:
                file.close()
                raise
            break
        self._file = file
        try:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
        except OSError:
            return  # a full disk: the lock holds all the same, only without a name

    def release(self) -> None:
        """Let it go. The file stays: to delete it would let two gateways lock two files of one name."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                file.close()
            except OSError:
                return  # what the full disk did not take was only our process number
