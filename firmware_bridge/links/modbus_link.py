"""One question and its answer at a time on a Modbus line, over a serial link, in bounded time."""

from __future__ import annotations

import threading
import time
from typing import Final

from firmware_bridge.links.link_standing import LinkState
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.modbus.frames import Request, encode, find_answer, split
from firmware_bridge.readings import Rejected

_QUIET_S: Final = 0.1
"""A frame is over after 3.5 characters without any (40 ms at 1200 baud); a USB adapter may hold them back for 16 ms."""
_SHORTEST_FRAME: Final = 5
_MOST_HELD: Final = 1024
_MOST_READS: Final = 16


class ModbusLink:
    """Not for several threads, but `state` and `words` may be read from any. timeout_s: how long an answer may take."""

    def __init__(self, link: SerialLink, timeout_s: float) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._stray = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a port to ask on."""
        return self._link.state is LinkState.OPEN

    @property
    def state(self) -> LinkState:
        """Where the port stands."""
        return self._link.state

    @property
    def words(self) -> str:
        """The state of the port for a person."""
        return self._link.words

    def idle(self, timeout_s: float) -> None:
        """Wait, and open the port when that is due."""
        self._stray += len(self._link.read(timeout_s))

    def take_stray(self) -> int:
        """How many bytes came that nobody asked for, since this was last asked."""
        stray, self._stray = self._stray, 0
        return stray

    def close(self) -> None:
        """Close the port."""
        self._link.close()

    def ask(self, request: Request, stop: threading.Event) -> bytes | Rejected:
        """The question and its answer (or refusal), two frames in one, or why there is none.

        Reasons: no_answer, short_answer, bad_crc, wrong_answer (of another unit, or to another question), port_away.
        Takes no longer than the time-out, and ends soon when `stop` is set.
        """
        deadline = time.monotonic() + self._timeout_s
        who = f"unit {request.unit}"
        for _ in range(_MOST_READS):  # a late answer to an earlier question must not be taken for one to this
            late = self._link.read(0.0)
            self._stray += len(late)
            if not late:
                break
        question = encode(request)
        if self._link.write(question, self._timeout_s) < len(question):
            return Rejected("port_away", 1, self._link.words)
        held = b""
        echo = True  # some adapters hear themselves
        while (left := deadline - time.monotonic()) > 0 and not stop.is_set():
            chunk = self._link.read(min(left, _QUIET_S))
            if not self.is_open:
                return Rejected("port_away", 1, self._link.words)
            if not chunk:
                if len(held) >= _SHORTEST_FRAME:
                    break
                continue
            held = (held + chunk)[-_MOST_HELD:]
            if echo and held.startswith(question):
                held = held[len(question) :]
                echo = False
            if (answer := find_answer(held, request)) is not None:
                return question + answer
        if not held:
            return Rejected("no_answer", 1, f"{who}: nothing in {self._timeout_s:g} s")
        seen = f"{who}: {held[:32].hex(' ')}"
        if len(held) < _SHORTEST_FRAME:
            return Rejected("short_answer", 1, seen)
        return Rejected("wrong_answer" if split(held)[0] else "bad_crc", 1, seen)
