"""A TCP relay on loopback that can be cut: the link between a post and headquarters, for the demo and the tests."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import Final

from deploy.parts.processes import free_port

_CHUNK: Final = 65536


class Relay:
    """Listens on `port` and passes bytes to and from a target port, both on loopback. `cut` drops every connection and
    refuses new ones until `mend`."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self._target_port = target_port
        self._stop = threading.Event()
        self._is_cut = threading.Event()
        self._thread: threading.Thread | None = None
        self.bytes_up = 0

    def start(self) -> None:
        """Begin to listen."""
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every connection and the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def cut(self) -> None:
        """The link is down from now on."""
        self._is_cut.set()

    def mend(self) -> None:
        """The link is up again."""
        self._is_cut.clear()

    def _run(self) -> None:
        pairs: dict[socket.socket, socket.socket] = {}
        with selectors.DefaultSelector() as selector, contextlib.ExitStack() as listening:
            listener: socket.socket | None = None
            while not self._stop.is_set():
                if self._is_cut.is_set():
                    if listener is not None:
                        selector.unregister(listener)
                        listener.close()
                        listener = None
                    for end in list(pairs):
                        self._drop(end, pairs, selector)
                elif listener is None:
                    listener = listening.enter_context(socket.create_server(("127.0.0.1", self.port), reuse_port=True))
                    selector.register(listener, selectors.EVENT_READ)
                if not selector.get_map():
                    self._stop.wait(0.02)
                    continue
                for key, _ in selector.select(0.02):
                    if key.fileobj is listener:
                        self._accept(listener, pairs, selector)
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in pairs:
                        self._pass(key.fileobj, pairs, selector)
            for end in list(pairs):
                self._drop(end, pairs, selector)

    def _accept(
        self, listener: socket.socket, pairs: dict[socket.socket, socket.socket], selector: selectors.BaseSelector
    ) -> None:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._target_port), timeout=2.0)
        except OSError:
            near.close()
            return
        for end in (near, far):
            end.settimeout(5.0)
            selector.register(end, selectors.EVENT_READ, data=end is near)
        pairs[near], pairs[far] = far, near

    def _pass(
        self, end: socket.socket, pairs: dict[socket.socket, socket.socket], selector: selectors.BaseSelector
    ) -> None:
        try:
            chunk = end.recv(_CHUNK)
            if chunk:
                if selector.get_key(end).data:
                    self.bytes_up += len(chunk)
                pairs[end].sendall(chunk)
                return
        except OSError:
            pass  # whichever side it was, both go
        self._drop(end, pairs, selector)

    def _drop(
        self, end: socket.socket, pairs: dict[socket.socket, socket.socket], selector: selectors.BaseSelector
    ) -> None:
        other = pairs.pop(end, None)
        if other is None:
            return  # it went with its other end
        del pairs[other]
        for each in (end, other):
            selector.unregister(each)
            each.close()
