"""The stage "board": tells the board every so often how the post itself fares."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gateway.clock.clock import Clock
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.uplink.uplink import UplinkState
from gateway.watch.board import Board
from gateway.watch.history import History
from gateway.watch.words import ClockWord, OutputWord, PostWord, TroubleWord

EVERY_S: Final = 1.0


class PostTeller:
    """See the module. standing: troubles that last until the next start. A stage of its own: asking the outbox may wait
    for the disk, and a warning must not."""

    def __init__(
        self,
        board: Board,
        clock: Clock,
        outbox: Outbox,
        link: Callable[[], UplinkState],
        history: History,
        media: MediaStore,
        outputs: Callable[[], tuple[OutputWord, ...]],
        directory: Path,
        standing: Sequence[TroubleWord] = (),
    ) -> None:
        self._board = board
        self._clock = clock
        self._outbox = outbox
        self._link = link
        self._history = history
        self._media = media
        self._outputs = outputs
        self._directory = directory
        self._standing = tuple(standing)

    def run(self, stop: threading.Event) -> None:
        """Tell, until told to stop."""
        while True:
            self._board.tell_post(self.look())
            if stop.wait(EVERY_S):
                return

    def look(self) -> PostWord:
        """How it fares now."""
        moment, link, outbox, outputs = self._clock.now(), self._link(), self._outbox.state(), self._outputs()
        try:
            free: int | None = shutil.disk_usage(self._directory).free
        except OSError:
            free = None
        troubles = [
            ("outbox", outbox.trouble),
            ("uplink", link.trouble),
            ("history", self._history.trouble),
            ("media", self._media.state().trouble),
            *((f"warning {output.name}", output.trouble) for output in outputs),
        ]
        return PostWord(
            ClockWord(moment.wall_ms, moment.quality.slug, moment.uncertainty_ms),
            link,
            outbox,
            free,
            outputs,
            (*self._standing, *(TroubleWord(part, words) for part, words in troubles if words)),
        )
