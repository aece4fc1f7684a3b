"""What systemd is told, on a real socket such as systemd's."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.supervision.service_manager import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@vigia-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1))
        listening.settimeout(5)
        yield listening, name


def test_systemd_hears_ready_alive_and_stopping(systemd: tuple[socket.socket, str]) -> None:
    listening, name = systemd
    manager = ServiceManager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())})
    manager.ready("3 sources\n and a line")
    manager.alive("all is well")
    manager.more_time(2.5)
    manager.stopping()
    assert [listening.recv(4096).decode() for _ in range(4)] == [
        "READY=1\nSTATUS=3 sources and a line",
        "WATCHDOG=1\nSTATUS=all is well",
        "EXTEND_TIMEOUT_USEC=2500000",
        "STOPPING=1",
    ]
    assert manager.alive_every_s == 60


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "1000000"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "soon"},
    ],
)
def test_without_systemd_or_for_another_process_nothing_is_watched(environment: dict[str, str]) -> None:
    manager = ServiceManager(environment)
    manager.ready("")
    assert manager.alive_every_s is None
