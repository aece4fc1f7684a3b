"""A relay on loopback that is as slow as a satellite link and counts what it carries: bytes within TCP, each way."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

from deploy.parts.processes import free_port


class ThinLine:
    """Any number of connections, one after another or at once, from `port` to a target port. bytes_per_s: each way, 0
    for as fast as it goes. A context manager."""

    def __init__(self, target_port: int, bytes_per_s: int = 0) -> None:
        self.port = free_port()
        self.bytes_up = 0
        self.bytes_down = 0
        self.connections = 0
        self._target_port = target_port
        self._bytes_per_s = bytes_per_s
        self._over = threading.Event()
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        assert self._listener is not None
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            end.close()
        for thread in self._threads:
            thread.join(5.0)

    def _run(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]  # a method
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        assert self._listener is not None
        while not self._over.is_set():
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5.0)
            except OSError:
                return
            self.connections += 1
            self._ends += [near, far]
            for end in (near, far):
                end.settimeout(0.2)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._run(self._pump, near, far, True)
            self._run(self._pump, far, near, False)

    def _pump(self, source: socket.socket, target: socket.socket, is_up: bool) -> None:
        while not self._over.is_set():
            try:
                chunk = source.recv(1024 if self._bytes_per_s else 65536)
                if is_up:
                    self.bytes_up += len(chunk)
                else:
                    self.bytes_down += len(chunk)
                if not chunk:
                    target.shutdown(socket.SHUT_WR)
                    return
                if self._bytes_per_s:
                    self._over.wait(len(chunk) / self._bytes_per_s)
                target.sendall(chunk)
            except TimeoutError:
                continue
            except OSError:
                return
