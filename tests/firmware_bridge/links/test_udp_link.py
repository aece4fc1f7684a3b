"""A UDP port that may be taken, and comes back."""

from __future__ import annotations

import socket

import pytest

from firmware_bridge.links.udp_link import UdpLink
from tests.support.waiting import wait_until


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_datagrams_and_answers() -> None:
    port = free_udp_port()
    link = UdpLink("127.0.0.1", port, name="test", max_bytes=10)
    assert "not open yet" in link.words
    assert link.read(0.0) is None
    assert "listening on UDP port" in link.words
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.settimeout(5)
        other.sendto(b"hello", ("127.0.0.1", port))
        received = link.read(5)
        assert received is not None
        assert received.data == b"hello"
        assert link.send(b"answer", received.peer)
        assert other.recv(100) == b"answer"
        other.sendto(b"x" * 1000, ("127.0.0.1", port))
        received = link.read(5)
        assert received is not None
        assert len(received.data) == 11  # one more than the bound tells that it is too long
    assert link.send(b"to nobody", received.peer)
    assert link.read(0.05) is None
    link.close()
    assert not link.send(b"", received.peer)


def test_what_the_system_drops_is_counted() -> None:
    port, sent = free_udp_port(), 5000
    link = UdpLink("127.0.0.1", port, name="test", max_bytes=2000)
    link.read(0.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for _ in range(sent):
            other.sendto(bytes(1400), ("127.0.0.1", port))
        read = 0
        while link.read(0.05) is not None:
            read += 1
        assert read < sent
        dropped = link.take_overrun()  # the rest is told with the next
        other.sendto(b"", ("127.0.0.1", port))
        assert link.read(5) is not None
    assert read + dropped + link.take_overrun() == sent
    assert link.take_overrun() == 0
    link.close()


@pytest.mark.expects_warnings
def test_a_port_that_is_taken_is_said_and_tried_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        link = UdpLink("127.0.0.1", other.getsockname()[1], name="test", max_bytes=10, chance=lambda: 0.0)
        assert link.read(0.0) is None
        assert "another program listens there" in link.words
    wait_until("open", lambda: link.read(0.01) is None and "listening" in link.words)
    link.close()
    link = UdpLink("192.0.2.1", 1700, name="test", max_bytes=10)
    link.read(0.0)
    assert "no such address" in link.words


def test_ipv6() -> None:
    link = UdpLink("::1", free_udp_port(), name="test", max_bytes=10)
    link.read(0.0)
    assert "listening" in link.words
    link.close()
