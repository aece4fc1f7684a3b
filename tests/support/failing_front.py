"""A front before InfluxDB (1.x, or an Influx2Front) that fails on demand, as networks and databases do.

    front = FailingFront(influx.port); front.start()
    front.fail(Fault.UNAVAILABLE, Fault.RESET_AFTER)   # the next two writes, one each; then all is well
    front.always(Fault.TIMEOUT); ...; front.heal()     # until healed
    front.stop(); ...; front.start()                   # refused connections, the same port

Only writes (`/write`, `/api/v2/write`) fail; queries pass through.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter, deque
from enum import Enum
from urllib.parse import urlsplit

from tests.support.http_front import Connection, HttpFront, Request, Response


class Fault(Enum):
    """What happens to a write, and whether its lines are stored all the same."""

    UNAVAILABLE = "503 with Retry-After, nothing stored"
    OVERLOADED = "429 with Retry-After, nothing stored"
    BROKEN = "500, nothing stored"
    PARTIAL = "400 partial write: every second line is stored, the others are dropped"
    TYPE_CONFLICT = "400 field type conflict, nothing stored"
    TOO_LARGE = "413, nothing stored"
    UNAUTHORIZED = "401, nothing stored"
    TIMEOUT = "no answer until healed or stopped, nothing stored"
    TIMEOUT_AFTER = "no answer until healed or stopped, all stored"
    RESET = "reset before anything is stored"
    RESET_AFTER = "all stored, then reset in the middle of the answer"
    GARBAGE = "something that is not HTTP, nothing stored"


class FailingFront(HttpFront):
    """`seen` counts what happened: a Fault, or None for a write that passed."""

    def __init__(self, target_port: int, *, retry_after_s: int = 1) -> None:
        super().__init__(target_port)
        self.seen: Counter[Fault | None] = Counter()
        self._retry_after_s = retry_after_s
        self._next: deque[Fault] = deque()
        self._always: Fault | None = None
        self._lock = threading.Lock()
        self._healed = threading.Event()

    def fail(self, *faults: Fault) -> None:
        """One fault for each of the next writes."""
        with self._lock:
            self._healed.clear()
            self._next.extend(faults)

    def always(self, fault: Fault) -> None:
        """This fault for every write until `heal`."""
        with self._lock:
            self._healed.clear()
            self._always = fault

    def heal(self) -> None:
        """All is well again; requests that wait for an answer lose their connection."""
        with self._lock:
            self._always = None
            self._next.clear()
            self._healed.set()

    def stop(self) -> None:
        self._healed.set()
        super().stop()

    def answer(self, request: Request, connection: Connection) -> Response | None:
        if urlsplit(request.path).path not in ("/write", "/api/v2/write"):
            return self.forward(request)
        with self._lock:
            fault = self._next.popleft() if self._next else self._always
            self.seen[fault] += 1
        return self.forward(request) if fault is None else self._fail(fault, request, connection)

    def _fail(self, fault: Fault, request: Request, connection: Connection) -> Response | None:
        wait = {"Retry-After": str(self._retry_after_s)}
        match fault:
            case Fault.UNAVAILABLE:
                return _error(503, "service unavailable", wait)
            case Fault.OVERLOADED:
                return _error(429, "too many requests", wait)
            case Fault.BROKEN:
                return _error(500, "timeout")
            case Fault.PARTIAL:
                return self._store_half(request)
            case Fault.TYPE_CONFLICT:
                return _error(400, 'field type conflict: input field "f" on measurement "m" is type float')
            case Fault.TOO_LARGE:
                return _error(413, "Request Entity Too Large")
            case Fault.UNAUTHORIZED:
                return _error(401, "authorization failed")
            case Fault.GARBAGE:
                connection.send(b"\x00\xff not HTTP at all\r\n\r\n")
            case Fault.RESET:
                connection.reset()
            case Fault.RESET_AFTER:
                self.forward(request)
                connection.send(b"HTTP/1.1 20")
                connection.reset()
            case Fault.TIMEOUT:
                self._healed.wait(60)
            case Fault.TIMEOUT_AFTER:
                self.forward(request)
                self._healed.wait(60)
        return None

    def _store_half(self, request: Request) -> Response:
        zipped = request.headers.get("Content-Encoding") == "gzip"
        lines = (gzip.decompress(request.body) if zipped else request.body).split(b"\n")
        headers = {name: value for name, value in request.headers.items() if name != "Content-Encoding"}
        self.forward(request._replace(headers=headers, body=b"\n".join(lines[::2])))
        dropped = len(lines) // 2
        return _error(400, f"partial write: field type conflict: half of it dropped={dropped}")


def _error(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(
        status, {"Content-Type": "application/json", **(headers or {})}, json.dumps({"error": text}).encode()
    )
