"""The C host program of the device library: built by its own Makefile, with the sanitisers, and spoken to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

DEVICE: Final = Path(__file__).parents[2] / "firmware_bridge" / "device"
_ENVIRONMENT: Final = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
"""The leak detector stops programs that a debugger or a container watches; the library allocates nothing."""


def make(*arguments: str) -> str:
    """Run a target of the device's Makefile; what it printed. Fails the test, with the compiler's words."""
    for tool in ("make", "cc"):
        if shutil.which(tool) is None:
            pytest.fail(f"{tool} is missing: install the Debian packages gcc, libc6-dev and make (or run make parts)")
    done = subprocess.run(["make", "-s", "-C", str(DEVICE), *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.fail(f"make {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


@pytest.fixture(scope="session")
def vigia_host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host program."""
    build = tmp_path_factory.mktemp("device")
    make("-j2", "host", f"BUILD={build}")
    return build / "vigia-host"


def start(program: Path, *arguments: str) -> subprocess.Popen[str]:
    """The program, with pipes."""
    pipe = subprocess.PIPE
    environment = os.environ | _ENVIRONMENT
    return subprocess.Popen([program, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)


class Library:
    """The library behind `vigia-host lines`: a question, an answer."""

    def __init__(self, program: Path) -> None:
        self._process = start(program, "lines")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _, complaints = self._process.communicate(timeout=10)
        if kind is None:
            assert self._process.returncode == 0, complaints
            assert complaints == ""

    def ask(self, *words: object) -> str:
        """The answer to a request; None among the words is told as absent, bytes as hex."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = " ".join(_word(word) for word in words)
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            _, complaints = self._process.communicate(timeout=10)
            pytest.fail(f"the host program died of {line[:200]!r}:\n{complaints}")
        return answer.rstrip("\n")


def _word(word: object) -> str:
    if word is None:
        return "-"
    if isinstance(word, bytes):
        return word.hex() or "."
    return str(word)
