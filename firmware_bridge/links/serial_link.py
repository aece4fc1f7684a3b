"""A serial port that comes and goes. The one module that imports pyserial.

pyserial 3.5 flushes the input whenever it opens a port (`reset_input_buffer` in `serialposix.Serial.open`). What a
device said while nobody listened is welcome here, above all after a restart of the gateway, so `_Port` leaves it there.
`read_until` is never used: it asks the kernel for one byte at a time.
"""

from __future__ import annotations

import errno
import logging
import os
import random
import select
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from serial.serialposix import Serial

from firmware_bridge.links.link_standing import LinkStanding, LinkState

log = logging.getLogger(__name__)

LONGEST_BACK_OFF_S: Final = 10.0
_MOST_BYTES: Final = 4096
_LOOK_EVERY_S: Final = 0.2

Parity = Literal["none", "even", "odd"]
_PARITIES: Final[dict[Parity, str]] = {"none": "N", "even": "E", "odd": "O"}

# termios.error is no OSError, and a driver that refuses a baud rate is a ValueError.
_TROUBLE: Final = (OSError, termios.error, ValueError)


class _Port(Serial):
    """A pyserial port that keeps what is waiting to be read when it is opened."""

    def _reset_input_buffer(self) -> None:
        pass


_new_port: Callable[..., Any] = _Port


class SerialLink:
    """Bytes from a port path, such as /dev/serial/by-id/...; the port may be missing, vanish and return.

    Not for several threads, but `state` and `words` may be read from any.
    """

    def __init__(
        self,
        path: str,
        baud: int,
        *,
        name: str = "serial",
        parity: Parity = "none",
        stop_bits: Literal[1, 2] = 1,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._path = path
        self._baud = baud
        self._parity = parity
        self._stop_bits = stop_bits
        self._name = name
        self._port: Any = None  # pyserial has no types
        self._standing = LinkStanding(name, log, lambda: self.words, chance, LONGEST_BACK_OFF_S)
        self._seen_node: tuple[int, int] | None = None

    @property
    def state(self) -> LinkState:
        """Where the link stands."""
        return self._standing.state

    @property
    def words(self) -> str:
        """The state for a person."""
        if self.state is LinkState.OPEN:
            return f"{self._path} is open at {self._baud} baud"
        lost = "was lost" if self.state is LinkState.LOST else "is not open yet"
        return f"{self._path} {lost}" + (f": {self._standing.trouble}" if self._standing.trouble else "")

    def read(self, timeout_s: float) -> bytes:
        """What has come, 1 to 4096 bytes, or b"" when nothing came in the time. Never raises for trouble with the port.

        Opens the port when that is due; a port whose device node is new is tried within 0.2 s.
        """
        if self._port is None and not self._try_open(timeout_s):
            return b""
        port = self._port
        try:
            if port.timeout != timeout_s:  # pyserial sets up the whole port anew at each setting
                port.timeout = timeout_s
            chunk: bytes = port.read(min(max(1, port.in_waiting), _MOST_BYTES))
        except _TROUBLE as trouble:
            self._lose(_plain(trouble, "the device is gone"))
            return b""
        self._standing.read(chunk)
        return chunk

    def write(self, data: bytes, timeout_s: float) -> int:
        """Send it; how many of its bytes the system took, all of them unless the time was up or the port is away.

        Takes at most `timeout_s`, whatever the device does (flow control may hold it back for ever), and never raises
        for trouble with the port. Opens the port when that is due. Bytes that were taken may still wait to be sent.
        """
        deadline = time.monotonic() + timeout_s
        if self._port is None and not self._try_open(timeout_s):
            return 0
        view = memoryview(data)
        sent = 0
        try:
            # pyserial's own write forgets, when its time is up, how much it has written; its descriptor never blocks.
            descriptor = self._port.fileno()
            while sent < len(view):
                _, ready, _ = select.select((), (descriptor,), (), max(0.0, deadline - time.monotonic()))
                if not ready:
                    break
                try:
                    sent += os.write(descriptor, view[sent:])
                except BlockingIOError:  # less room than select said; the deadline bounds the loop
                    if time.monotonic() >= deadline:
                        break
        except _TROUBLE as trouble:
            self._lose(_plain(trouble, "the device is gone"))
        return sent

    def close(self) -> None:
        """Close the port. Harmless when it is not open."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except _TROUBLE as trouble:  # a vanished device may refuse even this; there is nothing left to do
                log.debug("%s: closing %s: %s", self._name, self._path, trouble)

    def _try_open(self, timeout_s: float) -> bool:
        now = time.monotonic()
        node = _node(self._path)
        appeared = node is not None and node != self._seen_node
        self._seen_node = node
        if now < self._standing.next_try and not appeared:
            time.sleep(max(0.0, min(timeout_s, self._standing.next_try - now, _LOOK_EVERY_S)))
            return False
        port = _new_port(None, self._baud, parity=_PARITIES[self._parity], stopbits=self._stop_bits, exclusive=True)
        port.port = self._path
        try:
            port.open()
        except _TROUBLE as trouble:
            self._standing.failed(_plain(trouble, "it cannot be opened"))
            return False
        self._port = port
        self._standing.opened()
        return True

    def _lose(self, trouble: str) -> None:
        self.close()
        self._standing.lost(trouble)


def _node(path: str) -> tuple[int, int] | None:
    """Which device node the path leads to now, None for none."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_rdev


def _plain(trouble: Exception, otherwise: str) -> str:
    """What is wrong and what to do, in words; the library's own message when it is none of the usual."""
    number = _number(trouble)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "there is no such port; is the device plugged in?"
    if number in (errno.EACCES, errno.EPERM):
        return "permission denied; add the user to the group of the port, usually dialout"
    if number in (errno.EAGAIN, errno.EBUSY):
        return "another program has it open; stop that one or name another port"
    if number in (errno.ENOTTY, errno.EISDIR):
        return "it is not a serial port"
    if number == errno.EIO or "returned no data" in str(trouble):
        return "the device is gone"
    return f"{otherwise} ({trouble})"


def _number(trouble: BaseException | None) -> int | None:
    """The error number; pyserial's own errors may have it only in what they were raised from."""
    while trouble is not None:
        if isinstance(trouble, OSError) and trouble.errno is not None:
            return trouble.errno
        if isinstance(trouble, termios.error):
            return int(trouble.args[0])
        trouble = trouble.__context__
    return None
