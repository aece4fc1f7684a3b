"""What a played device is: the settings of its source, its own end of the line, and what must be stored of it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, NamedTuple

from tests.support.serial_lines import TtyPair


class Stored(NamedTuple):
    """A point that must be in InfluxDB: every value that it has, by field. age_s: how long before it was told its time
    lies; None when nothing tells it."""

    sensor: str
    measurement: str
    values: Mapping[str, float]
    label: str = ""
    age_s: float | None = None


class Media(NamedTuple):
    """A file that the post must keep: its content, of which sensor, with a thumbnail or without."""

    sensor: str
    content: bytes
    suffix: str
    thumbnail: bool


class Played(ABC):
    """A device of one driver. `place` is a directory of its own, in which its port or its files are found.

    driver: what it proves. stored, media: what must come of `speak`. subscriptions: how many topics its source asks of
    the network servers' broker.
    """

    driver: ClassVar[str]
    subscriptions: ClassVar[int] = 0

    def __init__(self, place: Path) -> None:
        self.place = place
        self.stored: list[Stored] = []
        self.media: list[Media] = []
        self.spoke_at_s = 0.0
        self.ends = ExitStack()

    @property
    @abstractmethod
    def settings(self) -> str:
        """Its [[sources]] table."""

    @abstractmethod
    def open(self) -> None:
        """The line is there, and says nothing yet."""

    @abstractmethod
    def say(self) -> None:
        """It says its one thing."""

    def speak(self) -> None:
        """Say it, and note when."""
        self.spoke_at_s = time.time()
        self.say()

    def close(self) -> None:
        """Its end of the line goes."""
        self.ends.close()

    def tty(self, name: str = "port") -> TtyPair:
        """A tty under `place`, unplugged when it is closed."""
        pair = TtyPair(self.place / name)
        self.ends.callback(pair.unplug)
        return pair
