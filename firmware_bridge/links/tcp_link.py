"""A TCP connection that comes and goes, in the shape of `SerialLink`. The one module that opens TCP sockets.

The system itself asks a silent peer whether it is still there (keep-alive), and gives up on one that takes nothing, so
that a radio whose power was cut is noticed within two minutes.
"""

from __future__ import annotations

import errno
import logging
import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from firmware_bridge.links.link_standing import LinkStanding, LinkState

log = logging.getLogger(__name__)

LONGEST_BACK_OFF_S: Final = 30.0
CONNECT_S: Final = 10.0
_MOST_BYTES: Final = 4096
_LOOK_EVERY_S: Final = 0.2
_KEEP_ALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class _Lookup:
    """Finds the addresses of a host, in a thread: a resolver without a network may take a minute to say no."""

    def __init__(self, host: str, port: int) -> None:
        self.addresses: list[tuple[int, tuple[str, int]]] = []  # family, address
        self.trouble = ""
        self._host = host
        self._port = port
        self._thread = threading.Thread(target=self._look, name=f"lookup of {host}", daemon=True)
        self._thread.start()

    def is_done(self, timeout_s: float) -> bool:
        """Whether it is, after waiting so long."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _look(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            self.trouble = "no such host is known; write its IP address"
        else:
            self.addresses = [(family, (str(address[0]), int(address[1]))) for family, _, _, _, address in found]


class TcpLink:
    """Bytes from and to a host and port that may be away, vanish and return.

    Not for several threads, but `state` and `words` may be read from any.
    """

    def __init__(self, host: str, port: int, *, name: str = "tcp", chance: Callable[[], float] = random.random) -> None:
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None  # connecting or connected
        self._lookup: _Lookup | None = None
        self._addresses: list[tuple[int, tuple[str, int]]] = []
        self._began = 0.0  # to connect
        self._standing = LinkStanding(name, log, lambda: self.words, chance, LONGEST_BACK_OFF_S)

    @property
    def state(self) -> LinkState:
        """Where the link stands."""
        return self._standing.state

    @property
    def words(self) -> str:
        """The state for a person."""
        place = f"{self._host}:{self._port}"
        if self.state is LinkState.OPEN:
            return f"{place} is connected"
        lost = "was lost" if self.state is LinkState.LOST else "is not connected yet"
        return f"{place} {lost}" + (f": {self._standing.trouble}" if self._standing.trouble else "")

    def read(self, timeout_s: float) -> bytes:
        """What has come, 1 to 4096 bytes, or b"" when nothing came in the time. Never raises for trouble with the
        network. Connects when that is due."""
        deadline = time.monotonic() + timeout_s
        if not self._connect(timeout_s) or self._socket is None:
            return b""
        try:
            ready, _, _ = select.select((self._socket,), (), (), max(0.0, deadline - time.monotonic()))
            chunk = self._socket.recv(_MOST_BYTES) if ready else None
        except OSError as trouble:
            self._lose(_plain(trouble.errno or errno.EIO))
            return b""
        if chunk == b"":
            self._lose("the other side has closed the connection")
            return b""
        self._standing.read(chunk)
        return chunk or b""

    def write(self, data: bytes, timeout_s: float) -> int:
        """Send it; how many of its bytes the system took, all of them unless the time was up or the link is away.
        Never raises for trouble with the network. Connects when that is due."""
        deadline = time.monotonic() + timeout_s
        if not self._connect(timeout_s) or self._socket is None:
            return 0
        view = memoryview(data)
        sent = 0
        try:
            while sent < len(view):
                _, ready, _ = select.select((), (self._socket,), (), max(0.0, deadline - time.monotonic()))
                if not ready:
                    break
                sent += self._socket.send(view[sent:])
        except OSError as trouble:
            self._lose(_plain(trouble.errno or errno.EIO))
        return sent

    def close(self) -> None:
        """Close the connection. Harmless when there is none."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _connect(self, timeout_s: float) -> bool:
        """Whether there is a connection, after at most this long."""
        if self.state is LinkState.OPEN and self._socket is not None:
            return True
        if self._socket is None and not self._begin(timeout_s):
            return False
        connecting = self._socket
        if connecting is None:
            return False
        try:
            if not select.select((), (connecting,), (), timeout_s)[1]:
                if time.monotonic() - self._began > CONNECT_S:
                    self._fail("it does not answer; is it switched on, and on this network?")
                return False
            number = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not number:
                for level, option, value in _KEEP_ALIVE:
                    connecting.setsockopt(level, option, value)
        except OSError as trouble:
            number = trouble.errno or errno.EIO
        if number:
            self._fail(_plain(number))
            return False
        self._standing.opened()
        return True

    def _begin(self, timeout_s: float) -> bool:
        """Look the host up, then begin to connect to the next of its addresses; whether that was begun."""
        now = time.monotonic()
        if now < self._standing.next_try:
            time.sleep(max(0.0, min(timeout_s, self._standing.next_try - now, _LOOK_EVERY_S)))
            return False
        if not self._addresses:
            if self._lookup is None:
                self._lookup = _Lookup(self._host, self._port)
            if not self._lookup.is_done(timeout_s):
                return False
            lookup, self._lookup = self._lookup, None
            self._addresses = list(lookup.addresses)
            if not self._addresses:
                self._fail(lookup.trouble)
                return False
        family, address = self._addresses.pop(0)
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        number = connection.connect_ex(address)
        if number not in (0, errno.EINPROGRESS):
            connection.close()
            self._fail(_plain(number))
            return False
        self._socket = connection
        self._began = time.monotonic()
        return True

    def _fail(self, trouble: str) -> None:
        self.close()
        if not self._addresses:  # another address of the same host is tried at once
            self._standing.failed(trouble)

    def _lose(self, trouble: str) -> None:
        self.close()
        self._addresses = []
        self._standing.lost(trouble)


def _plain(number: int) -> str:
    """What is wrong and what to do, in words, for an error number of the system."""
    match number:
        case errno.ECONNREFUSED:
            return "it refuses the connection; is its network API switched on, and the port right?"
        case errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ENETDOWN | errno.EHOSTDOWN:
            return "there is no way to it; are both on the same network?"
        case errno.ETIMEDOUT:
            return "it does not answer any more"
        case errno.ECONNRESET | errno.EPIPE:
            return "the other side has broken the connection off"
        case _:
            return f"the connection failed ({os.strerror(number)})"
