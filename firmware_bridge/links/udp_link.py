"""A UDP port that is listened on. The one place that opens datagram sockets."""

from __future__ import annotations

import errno
import ipaddress
import logging
import random
import socket
import struct
import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from firmware_bridge.delivery import SourceStanding

log = logging.getLogger(__name__)

FIRST_BACK_OFF_S: Final = 0.2
LONGEST_BACK_OFF_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.2
_RECEIVE_BUFFER_BYTES: Final = 1024 * 1024
_SO_RXQ_OVFL: Final = 40
"""Linux, asm-generic/socket.h (socket(7)): each datagram brings along how many were dropped for want of room."""
_OVERRUN_SPACE: Final = socket.CMSG_SPACE(4)

Peer: TypeAlias = tuple[str, int]


class Received(NamedTuple):
    """A datagram, and where it came from."""

    data: bytes
    peer: Peer


class UdpLink:
    """Datagrams at an address of this machine. Read and closed by one thread; `send` and `words` from any."""

    def __init__(
        self,
        address: str,
        port: int,
        *,
        name: str,
        max_bytes: int,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """max_bytes: of a longer datagram only so much and one byte more are read."""
        self._address = address
        self._port = port
        self._name = name
        self._max_bytes = max_bytes
        self._chance = chance
        self._socket: socket.socket | None = None
        self._overrun = self._overrun_taken = 0
        self._trouble = ""
        self._back_off_s = FIRST_BACK_OFF_S
        self._next_try = 0.0

    @property
    def words(self) -> str:
        """The state for a person."""
        where = f"UDP port {self._port} of {self._address}"
        if self._socket is not None:
            return f"listening on {where}"
        return f"{where} is not open" + (f": {self._trouble}" if self._trouble else " yet")

    @property
    def standing(self) -> SourceStanding:
        """Whether the port is open."""
        if self._socket is not None:
            return SourceStanding.WELL
        return SourceStanding.NOT_REACHED

    def read(self, timeout_s: float) -> Received | None:
        """A datagram, or None when none came in the time. Never raises for trouble with the network. Opens the port
        when that is due."""
        if self._socket is None and not self._try_open(timeout_s):
            return None
        opened = self._socket
        if opened is None:
            return None
        try:
            opened.settimeout(timeout_s)
            data, told, _, peer = opened.recvmsg(self._max_bytes + 1, _OVERRUN_SPACE)
        except (TimeoutError, BlockingIOError):
            return None
        except ConnectionError:  # an earlier answer reached nobody; the port itself is well
            return None
        except OSError as trouble:
            self.close()
            self._wait(_plain(trouble))
            return None
        for _, kind, number in told:
            if kind == _SO_RXQ_OVFL:
                self._overrun = struct.unpack("I", number)[0]
        return Received(data, (peer[0], peer[1]))

    def take_overrun(self) -> int:
        """How many datagrams the system has dropped since this was last asked, because they came faster than they were
        read. It tells with the next one that is read."""
        count = (self._overrun - self._overrun_taken) & 0xFFFF_FFFF
        self._overrun_taken = self._overrun
        return count

    def send(self, data: bytes, peer: Peer) -> bool:
        """Whether the system took it."""
        opened = self._socket
        if opened is None:
            return False
        try:
            return opened.sendto(data, peer) == len(data)
        except OSError as trouble:
            log.debug("%s: nothing can be sent to %s:%d (%s)", self._name, *peer, trouble)
            return False

    def close(self) -> None:
        """Close the port. Harmless when it is not open."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _try_open(self, timeout_s: float) -> bool:
        now = time.monotonic()
        if now < self._next_try:
            time.sleep(max(0.0, min(timeout_s, self._next_try - now, _LOOK_EVERY_S)))
            return False
        family = socket.AF_INET6 if ipaddress.ip_address(self._address).version == 6 else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            opened.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            opened.bind((self._address, self._port))
        except OSError as trouble:
            opened.close()
            self._wait(_plain(trouble))
            return False
        self._socket = opened
        self._overrun = self._overrun_taken = 0
        self._trouble = ""
        self._back_off_s = FIRST_BACK_OFF_S
        log.info("%s: %s", self._name, self.words)
        return True

    def _wait(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("%s: %s", self._name, self.words)
        self._next_try = time.monotonic() + self._back_off_s * (0.5 + self._chance() / 2)
        self._back_off_s = min(self._back_off_s * 2, LONGEST_BACK_OFF_S)


def _plain(trouble: OSError) -> str:
    """What is wrong and what to do, in words."""
    if trouble.errno == errno.EADDRINUSE:
        return "another program listens there; stop that one (a network server?) or name another port"
    if trouble.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; check it, or use 0.0.0.0 for all"
    if trouble.errno in (errno.EACCES, errno.EPERM):
        return "permission denied; use a port above 1023"
    return f"it cannot be opened ({trouble})"
