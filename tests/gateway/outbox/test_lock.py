"""Two gateways at one outbox would number entries beside each other: the second is refused, in words."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.contract.topics import Lane
from gateway.errors import GatewayError
from gateway.outbox.lock import OutboxInUseError
from tests.gateway.outbox.boxes import accepted, box, numbers_in, opened

ROOT = Path(__file__).parents[3]
_CHILD = """
import sys
from pathlib import Path
from gateway.contract.topics import Lane
from gateway.errors import GatewayError
from tests.gateway.outbox.boxes import accepted, box
outbox = box(Path(sys.argv[1]))
try:
    outbox.open()
except GatewayError as error:
    print("refused:", error, flush=True)
    sys.exit(3)
outbox.accept(accepted([1], lane=Lane.ALERT))
print("open", flush=True)
sys.stdin.read()
"""


def child(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _CHILD, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_a_second_gateway_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with opened(path) as outbox:
        outbox.accept(accepted([7], lane=Lane.ALERT))
        second = child(path)
        said, _ = second.communicate(timeout=30)
        assert second.returncode == 3
        assert said.startswith("refused:")
        assert f"process {os.getpid()}" in said
        assert str(path) in said
        outbox.accept(accepted([8], lane=Lane.ALERT))  # the first was not disturbed
        assert numbers_in(outbox, Lane.ALERT) == [7, 8]
    with opened(path) as outbox:
        assert numbers_in(outbox, Lane.ALERT) == [7, 8]


def test_two_in_one_process_are_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with opened(path):
        second = box(path)
        with pytest.raises(OutboxInUseError, match="in use by another gateway"):
            second.open()
        second.close()
    assert issubclass(OutboxInUseError, GatewayError)
    with opened(path):
        pass


def test_a_killed_gateway_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    first = child(path)
    assert first.stdout is not None
    assert first.stdin is not None
    assert first.stdout.readline() == "open\n"
    first.kill()
    first.wait()
    first.stdout.close()
    first.stdin.close()
    with opened(path) as outbox:
        assert numbers_in(outbox, Lane.ALERT) == [1]


def test_a_gateway_that_is_just_closing_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    first = box(path)
    first.open()
    soon = threading.Timer(0.3, first.close)
    soon.start()
    with opened(path) as outbox:
        assert outbox.state().trouble == ""
    soon.join()
