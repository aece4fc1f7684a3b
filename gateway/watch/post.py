"""The stage "board": tells the board every so often how the post itself fares."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gateway.clock.clock import Clock
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.uplink.uplink import UplinkState
from gateway.watch.board import Board
from gateway.watch.history import History
from gateway.watch.state_file import LOOK_EVERY_S, Counters, GatewayState, StateFile, state_path
from gateway.watch.words import ClockWord, OutputWord, PostWord, SourceWord, TroubleWord

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
        outbox_path: Path,
        standing: Sequence[TroubleWord] = (),
        sources: Callable[[], tuple[SourceWord, ...]] = tuple,
    ) -> None:
        self._board = board
        self._clock = clock
        self._outbox = outbox
        self._link = link
        self._history = history
        self._media = media
        self._outputs = outputs
        self._outbox_path = outbox_path
        self._standing = tuple(standing)
        self._sources = sources
        self._counters = Counters()
        self._started_s = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Tell the board each second, and the file for the doctor each ten, until told to stop."""
        file = StateFile(state_path(self._outbox_path))
        file_at = time.monotonic()
        try:
            while True:
                post = self.look()
                self._board.tell_post(post)
                if time.monotonic() >= file_at:
                    file.tell(self._state(post))
                    file_at = time.monotonic() + LOOK_EVERY_S
                if stop.wait(EVERY_S):
                    return
        finally:
            file.remove()

    def begin(self) -> None:
        """The outbox is open, nothing runs yet: what the counters count from here on is new."""
        self._counters.begin(self._outbox.tallies())

    def _state(self, post: PostWord) -> GatewayState:
        now_s = time.monotonic()
        return GatewayState(
            str(self._outbox_path.absolute()),
            os.getpid(),
            self._started_s,
            now_s,
            post.sources,
            self._board.unheard(),
            self._counters.look(self._outbox.tallies(), now_s),
        )

    def look(self) -> PostWord:
        """How it fares now."""
        moment, link, outbox, outputs = self._clock.now(), self._link(), self._outbox.state(), self._outputs()
        try:
            free: int | None = shutil.disk_usage(self._outbox_path.parent).free
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
            self._sources(),
        )
