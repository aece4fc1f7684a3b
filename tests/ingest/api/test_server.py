"""The API's thread tells where it answers, and clients that only hold connections do not keep others out."""

from __future__ import annotations

import contextlib
import gc
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from ingest.api.connections import ConnectionLimits
from ingest.api.server import ApiServer
from ingest.api.settings import ApiSettings
from ingest.influx.reader import InfluxReader
from ingest.influx.settings import InfluxSettings
from ingest.registry import Registry
from tests.ingest.api.test_application import Snapshot
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

SHORT = ConnectionLimits(most=100, request_within_s=0.8)
LONG = ConnectionLimits(most=100, request_within_s=60)
HALF_A_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
HALF_A_BODY = b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@contextmanager
def serving(registry: Registry, caplog: pytest.LogCaptureFixture, limits: ConnectionLimits | None) -> Iterator[int]:
    """The port of a server on loopback."""
    caplog.set_level(logging.INFO)
    reader = InfluxReader(InfluxSettings(dialect="v1"))
    stop = threading.Event()
    api = ApiServer(ApiSettings(port=0), registry, reader, Snapshot(), limits)
    thread = threading.Thread(target=api.run, args=(stop,))
    thread.start()
    try:
        wait_until("it says where it answers", lambda: "the API answers" in caplog.text)
        told = re.search(r"the API answers on http://127\.0\.0\.1:(\d+)", caplog.text)
        assert told
        yield int(told[1])
    finally:
        stop.set()
        thread.join()
        reader.close()


def connect(open_ones: ExitStack, port: int) -> socket.socket:
    client = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
    client.setblocking(False)
    return client


def is_closed(client: socket.socket) -> bool:
    """Whether the server has closed it; reads away what it answered."""
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def closed(clients: list[socket.socket]) -> int:
    return sum(map(is_closed, clients))


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def open_files() -> set[str]:
    """What this process has open: each socket by its number, which is never another's."""
    there = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one of this very listing
            there.add(f"{descriptor.name} {descriptor.readlink()}")
    return there


@contextmanager
def leaving_nothing_open() -> Iterator[None]:
    """Whatever is opened meanwhile is closed in the end. What other tests left for the collector does not count."""
    gc.collect()
    before = open_files()
    yield
    assert open_files() - before == set()


def test_one_line_says_where_it_answers(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    with serving(registry, caplog, None) as port:
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "alive"}
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


@pytest.mark.expects_warnings
def test_connections_beyond_the_bound_are_closed_at_once(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    with leaving_nothing_open(), serving(registry, caplog, LONG) as port, ExitStack() as open_ones:
        idle = [connect(open_ones, port) for _ in range(150)]
        wait_until("those beyond the bound are closed", lambda: closed(idle) == 50)
        assert not answers(port)
        for client in idle:
            client.close()
        wait_until("the others' places are free again", lambda: answers(port))
    assert caplog.text.count("refuses more") == 1


@pytest.mark.expects_warnings
@pytest.mark.parametrize("begun", [b"", HALF_A_REQUEST, HALF_A_BODY], ids=["idle", "half a head", "half a body"])
def test_those_that_send_no_whole_request_lose_their_place_in_time(
    registry: Registry, caplog: pytest.LogCaptureFixture, begun: bytes
) -> None:
    with leaving_nothing_open(), serving(registry, caplog, SHORT) as port, ExitStack() as open_ones:
        idle = [connect(open_ones, port) for _ in range(150)]
        for client in idle:
            try:
                client.sendall(begun)
            except ConnectionError:
                continue  # one of those beyond the bound
        wait_until("a request is answered", lambda: answers(port), timeout_s=5)
        wait_until("all are closed", lambda: closed(idle) == len(idle), timeout_s=5)
    assert "concurrency" not in caplog.text


@pytest.mark.parametrize("first", [b"", REQUEST], ids=["first request", "second request"])
def test_a_byte_now_and_then_buys_no_time(registry: Registry, caplog: pytest.LogCaptureFixture, first: bytes) -> None:
    with serving(registry, caplog, SHORT) as port, ExitStack() as open_ones:
        client = connect(open_ones, port)
        client.sendall(first + HALF_A_REQUEST)

        def is_closed_though_it_sends() -> bool:
            try:
                client.sendall(b"X")
            except ConnectionError:
                return True
            return is_closed(client)

        wait_until("it is closed", is_closed_though_it_sends, timeout_s=5)


def test_a_client_that_asks_in_time_keeps_its_connection(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    with serving(registry, caplog, SHORT) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        sources = set()
        until = time.monotonic() + 2 * SHORT.request_within_s
        while time.monotonic() < until:
            answer = client.get("/healthz")
            assert answer.status_code == 200
            sources.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
        assert len(sources) == 1
