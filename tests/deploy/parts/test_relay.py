"""The link that can be cut: whole, cut, mended, with a real connection on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from deploy.parts.processes import answers
from deploy.parts.relay import Relay
from tests.support.waiting import wait_until


@pytest.fixture
def far_end() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


@pytest.fixture
def relay(far_end: socket.socket) -> Iterator[Relay]:
    relay = Relay(far_end.getsockname()[1])
    relay.start()
    wait_until("the relay listens", lambda: answers(relay.port))
    far_end.accept()[0].close()  # that was the question itself
    yield relay
    relay.stop()


def connected(relay: Relay, far_end: socket.socket) -> tuple[socket.socket, socket.socket]:
    near = socket.create_connection(("127.0.0.1", relay.port), timeout=5)
    far, _ = far_end.accept()
    far.settimeout(5)
    return near, far


def test_bytes_pass_both_ways(relay: Relay, far_end: socket.socket) -> None:
    near, far = connected(relay, far_end)
    with near, far:
        near.sendall(b"up")
        assert far.recv(10) == b"up"
        far.sendall(b"down")
        assert near.recv(10) == b"down"
    assert relay.bytes_up == 2


def test_a_cut_ends_every_connection_and_a_mended_link_takes_new_ones(relay: Relay, far_end: socket.socket) -> None:
    for _ in range(2):
        pairs = [connected(relay, far_end) for _ in range(3)]
        relay.cut()
        for near, far in pairs:
            with near, far:
                assert near.recv(1) == b""
                assert far.recv(1) == b""
        wait_until("new ones are refused", lambda: not answers(relay.port))
        relay.mend()
        wait_until("the relay listens again", lambda: answers(relay.port))
        far_end.accept()[0].close()
    near, far = connected(relay, far_end)
    with near, far:
        near.sendall(b"again")
        assert far.recv(10) == b"again"
