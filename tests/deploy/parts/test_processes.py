"""Ports for parts: free when the part comes to listen on them, not only when they were looked for."""

import socket
from pathlib import Path

from deploy.parts.processes import free_port


def test_a_free_port_is_none_that_an_outgoing_connection_may_take_meanwhile() -> None:
    first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < first_ephemeral for port in (free_port() for _ in range(50)))


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listening:
        assert listening.getsockname()[1] > 1024
