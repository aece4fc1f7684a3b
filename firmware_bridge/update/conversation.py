"""Saying a command to a device on a serial line and hearing its answer, whatever else is on the line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.cobs_frames import DELIMITER, Deframer
from firmware_bridge.framing.device_frames import Direction, new_cipher, seal, unseal
from firmware_bridge.framing.downlinks import (
    Answer,
    Command,
    code_of,
    decode_answer,
    encode_command,
    highest_of,
)
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.readings import Rejected
from firmware_bridge.update.counters import DownlinkCounters

_POLL_S: Final = 0.1
_ENVELOPE_BYTES: Final = {0: 1, 1: 3}
_WIRED: Final = b"\0"


class Conversation:
    """One device on one line. rejected: what came and was no frame, by reason. others: frames that were no answer."""

    def __init__(
        self,
        link: SerialLink,
        device: str,
        key: bytes,
        counters: DownlinkCounters,
        *,
        on_other: Callable[[bytes], None],
        stop: threading.Event,
    ) -> None:
        """device: 8 hex digits. on_other: is given the content (envelope and frame) of whatever else is heard, so that
        no reading is lost because somebody was talking. Raises ValueError for a key that is not 16 bytes."""
        self._link = link
        self._device = device
        self._number = int(device, 16)
        self._cipher = new_cipher(key)
        self._counters = counters
        self._on_other = on_other
        self._stop = stop
        self._deframer = Deframer()
        self._asked: dict[int, Command] = {}
        self.others = 0
        self.rejected: dict[str, int] = {}

    def ask(self, command: Command, timeout_s: float) -> Answer | None:
        """The device's answer, None when none came in the time. A late one to the same command, said before, is taken.

        Raises UpdateError counters.
        """
        self._asked = {counter: asked for counter, asked in self._asked.items() if asked is command or asked == command}
        self._say(command)
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0 and not self._stop.is_set():
            # Every content of a chunk is heard, also what follows the answer.
            contents = self._deframer.feed(self._link.read(min(left_s, _POLL_S)))
            answers = [answer for answer in map(self._answer, contents) if answer is not None]
            for answer in answers:
                highest = highest_of(answer)
                if highest is None:
                    return answer
                self._counters.pass_by(self._device, highest)
            if answers:
                self._asked.clear()
                self._say(command)
        return None

    def _say(self, command: Command) -> None:
        counter = self._counters.take(self._device)
        self._asked[counter] = command
        frame = seal(self._cipher, self._number, counter, encode_command(command), Direction.DOWNLINK)
        # A delimiter first: whatever noise the device has heard until now ends here.
        self._link.write(DELIMITER + cobs_frames.encode(_WIRED + frame), _POLL_S * 10)

    def _answer(self, content: bytes | Rejected) -> Answer | None:
        """The answer that a content is, if it is one that is waited for; anything else is counted or passed on."""
        if isinstance(content, Rejected):
            self.rejected[content.reason] = self.rejected.get(content.reason, 0) + content.count
            return None
        frame = content[_ENVELOPE_BYTES.get(content[0], len(content)) :]
        opened = unseal(frame, {self._number: self._cipher})
        answer = None if isinstance(opened, Rejected) else decode_answer(opened[2])
        if answer is None:
            self.others += 1
            self._on_other(content)
            return None
        asked = self._asked.get(answer.counter)
        if asked is None or code_of(asked) != answer.code:
            self.rejected["late_answer"] = self.rejected.get("late_answer", 0) + 1
            return None
        return answer
