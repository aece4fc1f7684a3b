"""A line with real tty semantics: a pty whose far end is found under a path of our choice."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import termios
import time
import tty
from pathlib import Path
from typing import Final

from firmware_bridge.simulator.scenario import SimulatorError

_LOOK_EVERY_S: Final = 0.01


class PtyLine:
    """The device's end of a line. `open` makes the pty and the link; who opens the link hears what is written."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._master = -1
        self._slave = -1
        self._name = ""
        self._stuck = False

    def open(self) -> None:
        """Make the line; a link that is there already is pointed to it. Raises SimulatorError."""
        if self._link.exists() and not self._link.is_symlink():
            raise SimulatorError(f"{self._link} is there and is not a link: name another path")
        self._master, self._slave = os.openpty()
        # The slave stays open here too, so that the line lives on while nobody listens.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._name = os.ttyname(self._slave)
        beside = self._link.with_name(self._link.name + ".new")
        try:
            beside.unlink(missing_ok=True)
            beside.symlink_to(self._name)
            beside.replace(self._link)
        except OSError as error:
            self.close()
            raise SimulatorError(f"{self._link} cannot be made: {error.strerror}") from error

    def write(self, data: bytes, patience_s: float) -> int:
        """How many bytes the line took. It waits for a full line, but not again for one that did not move in time."""
        written = 0
        while True:
            with contextlib.suppress(BlockingIOError):
                written += os.write(self._master, data[written:])
            if written == len(data):
                self._stuck = False
                return written
            if self._stuck or not select.select([], [self._master], [], patience_s)[1]:
                self._stuck = True
                return written

    def unread(self) -> int:
        """Bytes that wait for the reader."""
        waiting: int = struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))[0]
        return waiting

    def drain(self, longest_s: float) -> int:
        """Wait until the reader has all; what it has not when the time is up."""
        deadline = time.monotonic() + longest_s
        quiet = 0
        while quiet < 2 and time.monotonic() < deadline:
            quiet = 0 if self.unread() else quiet + 1
            time.sleep(_LOOK_EVERY_S)
        return self.unread()

    def close(self) -> None:
        """Unplug: who has the line open loses it, and the link goes if it is still ours."""
        if self._link.is_symlink() and str(self._link.readlink()) == self._name:
            self._link.unlink()
        for descriptor in (self._slave, self._master):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self._slave = -1
