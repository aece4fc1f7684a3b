"""How radio modems with text commands speak: what drivers write down and `ModemSession` goes by."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from firmware_bridge.commands.voice import Said
from firmware_bridge.readings import Rejected


class Packet(NamedTuple):
    """What the radio received. rssi_dbm, snr_decibels: None where the modem does not tell. sender: as it names it."""

    content: bytes
    rssi_dbm: float | None = None
    snr_decibels: float | None = None
    sender: str = ""


class Half(NamedTuple):
    """A line that tells of the packet in the next such line. length: its bytes, None where it is not told."""

    rssi_dbm: float
    snr_decibels: float
    length: int | None = None


class Payload(NamedTuple):
    """The line that follows a `Half`."""

    content: bytes


Heard: TypeAlias = Packet | Half | Payload | Rejected
Event: TypeAlias = Packet | Rejected


class Conversation(Protocol):
    """What a `ModemSource` drives. Times are in seconds of one clock that only counts up."""

    @property
    def words(self) -> str:
        """The state for a person."""

    @property
    def in_trouble(self) -> bool:
        """Whether someone should look after it."""

    @property
    def is_waiting(self) -> bool:
        """Whether it wants to be called many times a second."""

    @property
    def listens(self) -> bool:
        """Whether it is set up, so that it hears and can be given something to send, at once or in a moment."""

    @property
    def may_send(self) -> bool:
        """Whether it can be given something to send now."""

    def check(self, said: Said) -> None:
        """Raises DownlinkError for what could never be sent."""

    def send(self, said: Said, now: float) -> None:
        """Send it, when `may_send`. What becomes of it comes as an event only if it fails."""

    def start(self, now: float) -> None:
        """The port was opened."""

    def lost(self) -> list[Event]:
        """The port is gone; what was still held."""

    def feed(self, chunk: bytes, now: float) -> list[Event]:
        """What the bytes gave, in order."""

    def tick(self, now: float) -> list[Event]:
        """Do what is due."""

    def take_output(self) -> bytes:
        """What is to be sent to the modem now."""


class Hear(Protocol):
    """Understands the lines that tell of packets: what a line tells, in order; nothing for every other line. Never
    raises."""

    def __call__(self, line: bytes, /) -> Sequence[Heard]: ...


class Shortest(Protocol):
    """See `LineSplitter`."""

    def __call__(self, line: bytes, /) -> int: ...


class Step(NamedTuple):
    """One command and its answer.

    commands: the first, then what other firmware takes instead, tried in turn when one is refused. answer: the whole
    line that ends it; closing: a line that must still come after that. optional: go on when it is refused or not
    answered. skips_next: an answer that makes the next step needless. restarts: it makes the modem start anew, so that
    its banner is no surprise. once: said one time only, since a repeat would do it again.
    """

    commands: tuple[str, ...]
    answer: re.Pattern[bytes]
    optional: bool = False
    timeout_s: float = 1.0
    closing: re.Pattern[bytes] | None = None
    skips_next: re.Pattern[bytes] | None = None
    restarts: bool = False
    once: bool = False


class Measure(Enum):
    """What can be asked about the last packet."""

    RSSI = "rssi_dbm"
    SNR = "snr_decibels"


class Question(NamedTuple):
    """Asked after each packet. answer: its group 1 is the number; absent: the number that means none."""

    command: str
    answer: re.Pattern[bytes]
    about: Measure
    absent: float | None = None
    timeout_s: float = 0.3


@dataclass(frozen=True)
class Dialect:
    """How one kind of modem speaks. Patterns are matched from the start of a line.

    ending: of a command. refusal, busy: answers that mean never and later. banner: what it says when it has started
    anew. transmit: how something is sent, its last step leaving the modem listening; it may raise DownlinkError.
    chatter: other lines that it is known to say. arm: to listen again, sent after each packet if `one_shot` and
    whenever a line matches `stopped`. silence_s: after so long without a line `keep_alive` is asked, or, where there is
    none, the set-up begins again.
    """

    title: str
    hear: Hear
    script: tuple[Step, ...]
    refusal: re.Pattern[bytes]
    banner: re.Pattern[bytes]
    busy: re.Pattern[bytes] | None = None
    chatter: re.Pattern[bytes] | None = None
    ending: bytes = b"\r\n"
    arm: Step | None = None
    transmit: Callable[[Said], tuple[Step, ...]] | None = None
    one_shot: bool = False
    stopped: re.Pattern[bytes] | None = None
    questions: tuple[Question, ...] = ()
    silence_s: float = 300.0
    keep_alive: Step | None = None
    shortest: Shortest | None = None

    def mute(self) -> Dialect:
        """The same ear, without a mouth."""
        return replace(self, script=(), arm=None, transmit=None, questions=(), keep_alive=None, silence_s=float("inf"))
