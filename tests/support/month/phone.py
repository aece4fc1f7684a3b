"""A phone at the post: listens to the page's events, looks at its pages, touches "Enterado". Real HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Heard(NamedTuple):
    """One event. at: `time.perf_counter` when it was here."""

    at: float
    kinds: frozenset[str]
    alerts: tuple[int, ...]


class Phone:
    """Tied to one port of the page. `listen` after each start of the gateway, `leave` before its end is looked at."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._news = threading.Condition()
        self._events: list[Heard] = []
        self._connection: http.client.HTTPConnection | None = None
        self._thread: threading.Thread | None = None
        self.rung: set[int] = set()
        """Incidents that it was told of as open alerts."""

    def listen(self) -> None:
        """Open the stream of events; waits for the page to be there."""
        deadline = time.monotonic() + 20
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            try:
                connection.request("GET", "/noticias")
                answer = connection.getresponse()
                break
            except OSError:
                connection.close()
                assert time.monotonic() < deadline, "the page does not answer"
                time.sleep(0.02)
        assert answer.status == 200, answer.status
        self._connection = connection
        self._thread = threading.Thread(target=self._read, args=(answer,), name="phone")
        self._thread.start()

    def leave(self) -> None:
        """The stream has ended, or ends when the gateway does."""
        if self._thread is not None:
            self._thread.join(20)
            assert not self._thread.is_alive()
            self._thread = None

    def get(self, path: str) -> str:
        """A page as text; an assertion when it is not there."""
        status, text = self._ask("GET", path)
        assert status == 200, f"{path}: {status}"
        return text

    def acknowledge(self, number: int) -> None:
        """One touch."""
        status, text = self._ask("POST", f"/incidente/{number}/enterado")
        assert status == 303, text

    def mark(self) -> int:
        """How many events there were so far."""
        with self._news:
            return len(self._events)

    def wait_alert(self, after: int, timeout_s: float) -> tuple[int, float] | None:
        """The number of an incident that it had not rung for, and when that was told, in an event after a mark."""

        def new(event: Heard) -> bool:
            return bool(set(event.alerts) - self.rung)

        event = self._wait(after, timeout_s, new)
        if event is None:
            return None
        numbers = set(event.alerts) - self.rung
        assert len(numbers) == 1, numbers
        self.rung |= numbers
        return numbers.pop(), event.at

    def wait_incident(self, after: int, timeout_s: float) -> Heard | None:
        """An event after a mark that tells of incidents, whether it rings or not."""
        return self._wait(after, timeout_s, lambda event: "incident" in event.kinds)

    def _wait(self, after: int, timeout_s: float, wanted: Callable[[Heard], bool]) -> Heard | None:
        with self._news:
            at = after
            deadline = time.monotonic() + timeout_s
            while True:
                for event in self._events[at:]:
                    if wanted(event):
                        return event
                at = len(self._events)
                if not self._news.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    return None

    def _ask(self, method: str, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request(method, path, headers={"Origin": f"http://127.0.0.1:{self._port}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        try:
            while line := answer.readline():
                if line.startswith(b"data: "):
                    told = json.loads(line[6:])
                    heard = Heard(time.perf_counter(), frozenset(told["kinds"]), tuple(told["alerts"]))
                    with self._news:
                        self._events.append(heard)
                        self._news.notify_all()
        except (OSError, http.client.HTTPException):
            pass  # the power went
        finally:
            answer.close()
            if self._connection is not None:
                self._connection.close()
