"""A command and its answer, one after the other, with one sensor of ours, while its source reads and says all else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from firmware_bridge.framing.downlinks import Answer, Command, code_of, encode_command, highest_of


class Talk:
    """`ask` is for one thread, all the rest for any. over: set when the source has ended and nothing is answered any
    more."""

    def __init__(
        self,
        sensor: str,
        seal: Callable[[bytes], tuple[int, bytes]],
        pass_by: Callable[[int], None],
    ) -> None:
        """seal: a command's body to its counter and frame. pass_by: the sensor has heard so high a counter. Both may
        raise UpdateError counters, or DownlinkError."""
        self.sensor = sensor
        self.over = threading.Event()
        self._seal = seal
        self._pass_by = pass_by
        self._news = threading.Condition()  # guards all that follows
        self._asked: dict[int, Command] = {}
        self._to_send = b""
        self._answer: Answer | None = None

    @property
    def asked(self) -> frozenset[int]:
        """The counters whose answers are waited for."""
        with self._news:
            return frozenset(self._asked)

    def ask(self, command: Command, timeout_s: float) -> Answer | None:
        """The sensor's answer, None when none came in the time or the talk is over. A late one to the same command,
        said before, is taken. What the source could not send by then is not sent any more once the next is said."""
        with self._news:
            self._asked = {counter: asked for counter, asked in self._asked.items() if asked == command}
            self._answer = None
        deadline = time.monotonic() + timeout_s
        self._say(command)
        while (answer := self._wait(deadline)) is not None:
            highest = highest_of(answer)
            if highest is None:
                return answer
            with self._news:
                self._asked.clear()
            self._pass_by(highest)
            self._say(command)
        return None

    def end(self) -> None:
        """Nothing is answered any more."""
        with self._news:
            self.over.set()
            self._news.notify_all()

    # for the source

    def take(self) -> bytes:
        """The frame to be sent now, b"" for none."""
        with self._news:
            frame, self._to_send = self._to_send, b""
        return frame

    def hear(self, answer: Answer) -> bool:
        """Whether this is what is waited for; then it is nobody else's."""
        with self._news:
            asked = self._asked.get(answer.counter)
            if asked is None or code_of(asked) != answer.code:
                return False
            del self._asked[answer.counter]
            self._answer = answer
            self._news.notify_all()
        return True

    def _say(self, command: Command) -> None:
        counter, frame = self._seal(encode_command(command))
        with self._news:
            self._asked[counter] = command
            self._to_send = frame

    def _wait(self, deadline: float) -> Answer | None:
        with self._news:
            self._news.wait_for(
                lambda: self._answer is not None or self.over.is_set(), max(0.0, deadline - time.monotonic())
            )
            answer, self._answer = self._answer, None
        return None if self.over.is_set() else answer
