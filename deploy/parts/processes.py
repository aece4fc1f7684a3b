"""One child process with a log file: started, watched, killed, started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from deploy.errors import DeployError


class PartError(DeployError):
    """A part that cannot be started or did not come up; the message says what to do."""


_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST_PORT: Final = 10_000


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now, below those that the kernel gives to outgoing connections
    (ip(7), ip_local_port_range): one of these may take any other port between this look and the server's start.
    Raises PartError when a thousand are taken."""
    ceiling = int(_EPHEMERAL.read_text().split()[0])
    chance = random.SystemRandom()  # a test's fixed seed must not make two processes choose alike
    for _ in range(1000):
        port = chance.randrange(_LOWEST_PORT, ceiling) if ceiling > _LOWEST_PORT else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise PartError(f"no free TCP port between {_LOWEST_PORT} and {ceiling}: end the programs that hold them")


def find_program(name: str, package: str) -> str:
    """The path of a program. Raises PartError naming the Debian package."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise PartError(f"{name} is not installed: apt-get install --no-install-recommends {package}")
    return path


class Part:
    """A child process. `start` may be called again after `kill` or `stop`: the command and the log stay."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, ready: Callable[[], bool], timeout_s: float = 20.0
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._ready = ready
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises PartError when it is not running."""
        if self._process is None or not self.running:
            raise PartError(f"{self.name} is not running")
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it and wait until it answers. Raises PartError with the end of its log when it does not."""
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it answers. Raises PartError when it ends or the time is up."""
        deadline = time.monotonic() + self._timeout_s
        while not self._ready():
            if not self.running:
                raise PartError(f"{self.name} ended at once. The end of {self.log}:\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise PartError(f"{self.name} did not answer in {self._timeout_s:.0f} s. {self.log}:\n{self.log_end()}")
            time.sleep(0.02)

    def wait_ended(self, timeout_s: float) -> int:
        """Wait until it ends by itself; its exit code. Raises PartError when it does not in time."""
        if self._process is None:
            raise PartError(f"{self.name} was not started")
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise PartError(f"{self.name} did not end within {timeout_s:.0f} s") from None

    def log_end(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def kill(self) -> None:
        """SIGKILL: no farewell, as a power cut."""
        self._end(signal.SIGKILL, 5.0)

    def stop(self, timeout_s: float = 10.0) -> None:
        """SIGTERM, and SIGKILL when it does not obey in time."""
        self._end(signal.SIGTERM, timeout_s)

    def _end(self, how: signal.Signals, timeout_s: float) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5.0)
        self._process = None


def answers(port: int) -> bool:
    """Whether something accepts TCP connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
