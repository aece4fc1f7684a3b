"""The host may be missing, refuse, be silent, break off and return: reading goes on when it can."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from deploy.parts.processes import free_port
from firmware_bridge.links.link_standing import LinkState
from firmware_bridge.links.tcp_link import TcpLink
from tests.support.waiting import wait_until


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def link(server: socket.socket) -> Iterator[TcpLink]:
    link = TcpLink("127.0.0.1", server.getsockname()[1], name="malla")
    yield link
    link.close()


def accept(server: socket.socket, link: TcpLink) -> socket.socket:
    wait_until("connected", lambda: link.read(0.05) == b"" and link.state is LinkState.OPEN, every_s=0)
    return server.accept()[0]


def read_until_holds(link: TcpLink, wanted: bytes) -> None:
    held = bytearray()

    def have() -> bool:
        held.extend(link.read(0.05))
        return bytes(held) == wanted

    wait_until(f"{wanted!r}", have, every_s=0)


def test_both_ways(server: socket.socket, link: TcpLink) -> None:
    every = bytes(range(256)) * 40
    with accept(server, link) as peer:
        peer.sendall(every)
        read_until_holds(link, every)
        assert link.write(every, 1.0) == len(every)
        assert peer.recv(len(every), socket.MSG_WAITALL) == every
    assert link.words.endswith("is connected")


@pytest.mark.expects_warnings
@pytest.mark.parametrize("breaks_off", [False, True])
def test_lost_and_found_again(
    server: socket.socket, link: TcpLink, breaks_off: bool, caplog: pytest.LogCaptureFixture
) -> None:
    for word in (b"one", b"two"):
        with accept(server, link) as peer:
            peer.sendall(word)
            read_until_holds(link, word)
            if breaks_off:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until("lost", lambda: link.read(0.05) == b"" and link.state is LinkState.LOST, every_s=0)
        assert ("broken" if breaks_off else "closed") in link.words
    assert [record.levelname for record in caplog.records if "lost" in record.getMessage()] == ["WARNING"] * 2


@pytest.mark.expects_warnings
def test_a_host_that_refuses_is_told_once_and_found_when_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "firmware_bridge")
    port = free_port()
    link = TcpLink("127.0.0.1", port, name="malla", chance=lambda: 0.0)
    wait_until(
        "several tries",
        lambda: link.read(0.1) == b"" and any("(2 times)" in record.getMessage() for record in caplog.records),
        every_s=0,
    )
    assert "refuses" in link.words
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert link.write(b"x", 0.05) == 0
    with socket.create_server(("127.0.0.1", port)) as server:
        accept(server, link).close()
    link.close()


@pytest.mark.expects_warnings
def test_a_name_that_nobody_knows() -> None:
    link = TcpLink("no.such.host.invalid", 4403, name="malla")
    wait_until("looked up", lambda: link.read(0.05) == b"" and "write its IP address" in link.words)
    link.close()


def test_a_name_is_looked_up(server: socket.socket) -> None:
    link = TcpLink("localhost", server.getsockname()[1])
    accept(server, link).close()
    link.close()


def test_a_peer_that_takes_nothing_holds_nobody_up(server: socket.socket, link: TcpLink) -> None:
    with accept(server, link):
        began = time.monotonic()
        assert link.write(bytes(50_000_000), 0.3) < 50_000_000
        assert time.monotonic() - began < 2
