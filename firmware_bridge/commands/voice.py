"""What a source says to the sensors that it hears: who they are, what waits to be said, and what they answered."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from firmware_bridge.commands.talk import Talk
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
    said_at: float  # monotonic


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
        self._talk: Talk | None = None
        self._is_over = False

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
                return self._seal_asked(ours, body_of(downlink), again=False)
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

    @contextmanager
    def talk(self, sensor: str) -> Iterator[Talk]:
        """Talk with one of ours; one talk at a time. Its commands go out by `take`, its answers come in by `hear`.

        Raises DownlinkError: unknown_device (none of ours), stopped (the source has ended), busy.
        """
        ours = self._ours.get(sensor)
        if ours is None:
            raise DownlinkError("unknown_device", f"{sensor!r} is no sensor of ours of this source")
        talk = Talk(sensor, lambda body: self._sealed(ours, body), lambda highest: self._pass_by(ours, highest))
        with self._lock:
            if self._is_over:
                raise DownlinkError("stopped", "the source has ended")
            if self._talk is not None:
                raise DownlinkError("busy", f"this source talks with {self._talk.sensor} now; say it again later")
            self._talk = talk
        try:
            yield talk
        finally:
            with self._lock:
                self._talk = None

    @property
    def is_talking(self) -> bool:
        """Whether what is said next depends on what is heard: read in small steps then."""
        return self._talk is not None

    def hang_up(self) -> None:
        """The source ends: nothing is sent or answered any more."""
        with self._lock:
            self._is_over = True
            talk = self._talk
        if talk is not None:
            talk.end()

    def take(self) -> Said | None:
        """What is to be sent next."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            talk = self._talk
        if talk is not None and (frame := talk.take()):
            return Said(frame, device=talk.sensor)
        return None

    def lost(self) -> list[Rejected]:
        """The line is away: what waited is not sent any more. Reason: downlink_not_sent. A talk repeats by itself."""
        with self._lock:
            count = len(self._waiting)
            self._waiting.clear()
        return [Rejected("downlink_not_sent", count, "the line went away")] if count else []

    def hear(self, sensor: str, answer: Answer) -> SensorAnswer | Rejected | None:
        """What a sensor answered; None when a talk has it.

        Reasons: unasked_answer (nobody waits for it: it is late, or another asked), downlink_repeated (it has heard a
        higher counter than ours, so it is told again, once).
        """
        with self._lock:
            talk = self._talk
        if talk is not None and talk.sensor == sensor and talk.hear(answer):
            return None
        with self._lock:
            asked = self._asked.pop((sensor, answer.counter), None)
            if asked is None or asked.body[0] != answer.code:
                return Rejected("unasked_answer", 1, f"{sensor}: an answer to a command")
            highest = highest_of(answer)
            if highest is not None and not asked.again:
                try:
                    self._counters.pass_by(self._ours[sensor].id, highest)
                    self._waiting.append(self._seal_asked(self._ours[sensor], asked.body, again=True))
                except (UpdateError, DownlinkError) as trouble:
                    log.warning("%s could not be told again: %s", sensor, trouble)
                else:
                    return Rejected("downlink_repeated", 1, f"{sensor} has heard counter {highest}")
        took_s = time.monotonic() - asked.said_at
        return SensorAnswer(sensor, _COMMANDS[answer.code], answer.words, took_s)

    # for a talk

    def _sealed(self, device: NamedDevice, body: bytes) -> tuple[int, bytes]:
        with self._lock:
            return self._seal(device, body)

    def _pass_by(self, device: NamedDevice, highest: int) -> None:
        with self._lock:
            self._counters.pass_by(device.id, highest)

    # with the lock held

    def _seal_asked(self, device: NamedDevice, body: bytes, *, again: bool) -> Said:
        counter, frame = self._seal(device, body)
        self._asked[device.name, counter] = _Asked(device.name, body, again, time.monotonic())
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return Said(frame, device=device.name)

    def _seal(self, device: NamedDevice, body: bytes) -> tuple[int, bytes]:
        try:
            key = device.read_key()
            counter = self._counters.take(device.id)
        except (OSError, ValueError) as trouble:
            raise DownlinkError("no_key", f"the key of {device.name} cannot be read: {trouble}") from None
        except UpdateError as trouble:
            raise DownlinkError(trouble.reason, trouble.detail) from trouble
        return counter, seal(new_cipher(key), int(device.id, 16), counter, body, Direction.DOWNLINK)
