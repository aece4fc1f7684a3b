"""What a source says to the sensors that it hears: who they are, what waits to be said, and what they answered."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from firmware_bridge.commands.words import body_of
from firmware_bridge.delivery import SensorAnswer
from firmware_bridge.framing.device_frames import Direction, new_cipher, seal
from firmware_bridge.framing.downlinks import Answer, CommandCode, highest_of
from firmware_bridge.framing.our_frames import NamedDevice
from firmware_bridge.readings import Downlink, DownlinkError, Rejected
from firmware_bridge.update.counters import DownlinkCounters
from firmware_bridge.update.errors import UpdateError

log = logging.getLogger(__name__)

MAX_QUEUED: Final = 16
_REMEMBERED: Final = 64
_COMMANDS: Final[Mapping[int, str]] = {int(code): code.name.lower() for code in CommandCode}


class Said(NamedTuple):
    """Something to be sent. content: a frame of ours, or a payload for a device of another make. address: of one of
    another make in its own network, "" for none. device: its name."""

    content: bytes
    address: str = ""
    device: str = ""


class _Asked(NamedTuple):
    sensor: str
    body: bytes
    again: bool  # it was said a second time, above the counter that the sensor told


class Voice:
    """See the module. For several threads. No I/O before something is said.

    devices: ours, and of other makes, all by name; counters: the post's file of `DownlinkCounters`.
    """

    def __init__(self, ours: Sequence[NamedDevice], others: Mapping[str, str], counters: Path) -> None:
        """others: name to address, "" where there is none."""
        self._ours = {device.name: device for device in ours}
        self._others = dict(others)
        self._counters = DownlinkCounters(counters)
        self._lock = threading.Lock()
        self._waiting: deque[Said] = deque()
        self._asked: OrderedDict[tuple[str, int], _Asked] = OrderedDict()

    def knows(self, device: str) -> bool:
        """See `Speaker.knows`."""
        return device in self._ours or device in self._others

    def seal(self, downlink: Downlink) -> Said:
        """What to send, whose answer is then waited for.

        Raises DownlinkError: unknown_device, bad_command, empty (nothing for a device of another make), no_key,
        counters (they cannot be kept on disk, and without them no sensor would believe it).
        """
        ours = self._ours.get(downlink.device)
        if ours is not None:
            with self._lock:
                return self._seal(ours, body_of(downlink), again=False)
        if downlink.device not in self._others:
            raise DownlinkError("unknown_device", f"{downlink.device!r} is no sensor of this source")
        if not downlink.payload:
            raise DownlinkError("empty", f"{downlink.device} is of another make: it takes bytes, and there are none")
        return Said(downlink.payload, self._others[downlink.device], downlink.device)

    def queue(self, downlink: Downlink, check: Callable[[Said], None] = lambda said: None) -> None:
        """Seal it and have it wait to be sent. check: refuses, by a DownlinkError, what could never be sent.

        Raises DownlinkError: queue_full, and those of `seal` and of check.
        """
        with self._lock:
            if len(self._waiting) >= MAX_QUEUED:
                raise DownlinkError("queue_full", f"{MAX_QUEUED} commands wait to be sent already")
        said = self.seal(downlink)
        check(said)
        with self._lock:
            self._waiting.append(said)

    def take(self) -> Said | None:
        """What is to be sent next."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def lost(self) -> list[Rejected]:
        """The line is away: what waited is not sent any more. Reason: downlink_not_sent."""
        with self._lock:
            count = len(self._waiting)
            self._waiting.clear()
        return [Rejected("downlink_not_sent", count, "the line went away")] if count else []

    def hear(self, sensor: str, answer: Answer) -> SensorAnswer | Rejected:
        """What a sensor answered.

        Reasons: unasked_answer (nobody waits for it: it is late, or another asked), downlink_repeated (it has heard a
        higher counter than ours, so it is told again, once).
        """
        with self._lock:
            asked = self._asked.pop((sensor, answer.counter), None)
            if asked is None or asked.body[0] != answer.code:
                return Rejected("unasked_answer", 1, f"{sensor}: an answer to a command")
            highest = highest_of(answer)
            if highest is not None and not asked.again:
                try:
                    self._counters.pass_by(self._ours[sensor].id, highest)
                    self._waiting.append(self._seal(self._ours[sensor], asked.body, again=True))
                except (UpdateError, DownlinkError) as trouble:
                    log.warning("%s could not be told again: %s", sensor, trouble)
                else:
                    return Rejected("downlink_repeated", 1, f"{sensor} has heard counter {highest}")
        return SensorAnswer(sensor, _COMMANDS[answer.code], answer.words)

    def _seal(self, device: NamedDevice, body: bytes, *, again: bool) -> Said:
        try:
            key = device.read_key()
            counter = self._counters.take(device.id)
        except (OSError, ValueError) as trouble:
            raise DownlinkError("no_key", f"the key of {device.name} cannot be read: {trouble}") from None
        except UpdateError as trouble:
            raise DownlinkError(trouble.reason, trouble.detail) from trouble
        self._asked[device.name, counter] = _Asked(device.name, body, again)
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        frame = seal(new_cipher(key), int(device.id, 16), counter, body, Direction.DOWNLINK)
        return Said(frame, device=device.name)
