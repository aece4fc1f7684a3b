"""Phones that have the post's page open: real listeners to its stream of server-sent events."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

from tests.bench.harness import wait_for

PAGES: Final = ("/", "/mapa", "/sensores", "/fotos", "/estado", "/patrulla")
_REFRESH_S: Final = 30.0


def wait_served(port: int) -> None:
    """Wait until there is a page."""

    def served() -> bool:
        try:
            return Phone(port).get("/") > 0
        except OSError:
            return False

    wait_for("the page", served)


class Phone:
    """One phone. alerts: the moment (perf_counter) at which each event came that named open alerts, and their numbers.
    refreshes: asks for its page again at each news and twice a minute, as page.js does."""

    def __init__(self, port: int, *, refreshes: bool = True) -> None:
        self.alerts: SimpleQueue[tuple[float, list[int]]] = SimpleQueue()
        self._port = port
        self._refreshes = refreshes
        self._stop = threading.Event()
        self._socket: socket.socket | None = None
        self._threads = [
            threading.Thread(target=self._listen, name="phone", daemon=True),
            threading.Thread(target=self._look_again, name="phone looks", daemon=True),
        ]

    def start(self) -> None:
        """As soon as the page is served: open every one of it once, then listen."""
        wait_served(self._port)
        for path in PAGES:
            self.get(path)
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60.0)
        # HTTP/1.0: the stream comes as it is, not in chunks.
        self._socket.sendall(f"GET /noticias HTTP/1.0\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        for thread in self._threads:
            thread.start()

    def get(self, path: str) -> int:
        """Load a page; its size in bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20.0)
        try:
            connection.request("GET", path)
            return len(connection.getresponse().read())
        finally:
            connection.close()

    def stop(self) -> None:
        """Put it away."""
        self._stop.set()
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join(10.0)
            self._socket.close()

    def _listen(self) -> None:
        assert self._socket is not None
        with suppress(OSError), self._socket.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"data: "):
                    came = time.perf_counter()
                    if alerts := json.loads(line[6:])["alerts"]:
                        self.alerts.put((came, alerts))
                    self._refresh()

    def _look_again(self) -> None:
        while not self._stop.wait(_REFRESH_S):
            self._refresh()

    def _refresh(self) -> None:
        if self._refreshes and not self._stop.is_set():
            with suppress(OSError, http.client.HTTPException):  # it is being ended
                self.get("/")
