"""Keeps on disk what outputs have not given, so that a kill loses none of it, and no output waits for the disk."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from gateway.warning.desk import Count
from gateway.warning.untold import Untold, UntoldFile

log = logging.getLogger(__name__)

PATIENCE_S: Final = 0.5
"""So long one warning waits for a slow disk; those after it do not, until the disk has caught up."""
_RETRY_S: Final = 5.0
_LOOK_S: Final = 0.5


class Keeper:
    """See the module. untold: what the outputs have not given now. on_disk: what the file holds; None when nobody
    knows. Any thread but the disk's own may call `keep` and `changed`."""

    def __init__(
        self, file: UntoldFile, untold: Callable[[], list[Untold]], count: Count, on_disk: Sequence[Untold] | None
    ) -> None:
        self._file = file
        self._untold = untold
        self._count = count
        self._writing = threading.Lock()  # guards the file, and these four
        self._on_disk = list(on_disk) if on_disk is not None else None
        self._missed: list[Untold] = []  # counted as not kept
        self._fails = False
        self._retry_at = 0.0
        self._news = threading.Condition()  # guards all that follows; never held over a write
        self._wanted = 0 if on_disk is not None else 1
        self._written = 0
        self._is_slow = False
        self._runs = False

    def keep(self) -> None:
        """What has come is on disk when this returns; later, if the disk is slow; counted, if it takes nothing."""
        with self._news:
            self._wanted += 1
            wanted = self._wanted
            self._news.notify_all()
            if self._runs:
                if not self._is_slow:
                    self._is_slow = not self._news.wait_for(lambda: self._written >= wanted, PATIENCE_S)
                return
        self._write()

    def changed(self) -> None:
        """What the outputs have not given has changed. Returns at once."""
        with self._news:
            self._wanted += 1
            self._news.notify_all()

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop."""
        with self._news:
            self._runs = True
        try:
            while not stop.is_set():
                with self._news:
                    is_due = self._news.wait_for(lambda: self._written < self._wanted, _LOOK_S)
                    is_due = is_due or (self._fails and time.monotonic() >= self._retry_at)
                if is_due:
                    self._write()
        finally:
            with self._news:
                self._runs = False

    def close(self) -> None:
        """After all stages have ended: what is left is on disk when this returns, or counted."""
        self._write()

    def _write(self) -> None:
        if not self._writing.acquire(timeout=10 * PATIENCE_S):
            log.warning("the disk has not come back: it is not certain that warnings are kept")
            return
        try:
            with self._news:
                wanted = self._wanted
            self._put(self._untold())
            with self._news:
                self._written = max(self._written, wanted)
                self._is_slow = False
                self._news.notify_all()
        finally:
            self._writing.release()

    def _put(self, untold: list[Untold]) -> None:
        """`_writing` is held. What is on disk already is not written again."""
        if untold == self._on_disk:
            return
        failed = self._fails
        try:
            self._file.write(untold)
        except OSError as error:
            self._not_kept(untold)
            self._on_disk, self._fails, self._retry_at = None, True, time.monotonic() + _RETRY_S
            log.log(logging.DEBUG if failed else logging.WARNING, "warnings are given but not kept: %s", error)
        else:
            self._on_disk, self._missed = untold, []
            if failed and untold:  # a full disk lets files go
                self._fails = False
                log.info("warnings are kept again")

    def _not_kept(self, untold: list[Untold]) -> None:
        """A kill now would lose these."""
        known = [*(self._on_disk or ()), *self._missed]
        counts: Counter[tuple[str, str]] = Counter()
        for one in untold:
            if one not in known:
                counts[f"warning {one.output}", "warning_not_kept"] += 1 + one.notice.more
        self._missed = untold
        if counts:
            self._count(counts)
