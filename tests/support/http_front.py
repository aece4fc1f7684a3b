"""An HTTP server between a client and a real one: the base of the fronts that rewrite or fail."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self

_PASSED = ("authorization", "content-encoding", "content-type")


class Request(NamedTuple):
    """A whole request as it came."""

    method: str
    path: str  # with its query
    headers: Mapping[str, str]
    body: bytes


class Response(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpFront:
    """Listens on a loopback port of its own and hands each request to `answer`, which subclasses define.

    `start` and `stop` as often as wanted: the port stays; while it is stopped, connections are really refused.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: Request, connection: Connection) -> Response | None:
        """The answer, or None when the connection was dealt with otherwise."""
        raise NotImplementedError

    def start(self) -> None:
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name=type(self).__name__)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection, and wait for the threads."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.cut_all()
        self._server.server_close()
        self._thread.join()
        self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def forward(self, request: Request, *, path: str | None = None) -> Response:
        """The real server's answer; 502 when it is away."""
        passed = {k: v for k, v in request.headers.items() if k.lower() in _PASSED}
        connection = http.client.HTTPConnection("127.0.0.1", self.target_port, timeout=60)
        try:
            # A server that has heard enough answers, and closes, before it has read everything.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(request.method, path or request.path, request.body, passed)
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            return Response(502, {}, f'{{"error":"the server behind is away: {type(error).__name__}"}}'.encode())
        finally:
            connection.close()
        kept = {k: v for k, v in answer.headers.items() if k.lower() == "content-type" or k.startswith("X-Influxdb")}
        return Response(answer.status, kept, body)


class Connection(NamedTuple):
    """What a front may do to a client's connection instead of answering."""

    socket: socket.socket

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def reset(self) -> None:
        """End it with RST, as a machine that lost its power or a modem that lost its link."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close then waits for every connection's thread
    allow_reuse_address = True

    def __init__(self, front: HttpFront) -> None:
        self.front = front
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", front.port), _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        assert isinstance(request, socket.socket)
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it is already gone

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these fronts are for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body of an answer are two writes
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        answer = self.server.front.answer(request, Connection(self.connection))
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _serve  # noqa: N815  # http.server's names

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read answers, not logs."""
