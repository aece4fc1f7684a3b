"""Killed as a power cut kills: what an output had been told to give, and had not given, is given after the restart."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from gateway.clock.machine import LinuxTime
from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.warning.untold import UntoldFile
from tests.gateway.warning.posts import Post
from tests.gateway.watch.lookouts import Receiver, lookout, webhook
from tests.support.http_front import Connection, Request, Response
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.expects_warnings]

SIREN = {"output": "siren", "name": "sirena", "pin": 17, "seconds": 600, "repeat_s": 5, "pattern": [0.1, 0.05]}

_SOUNDING = """
import json, os, signal, sys
from pathlib import Path
import gpiozero
from gpiozero.pins.mock import MockFactory
from tests.gateway.watch.facts_made import heard
from tests.gateway.watch.lookouts import lookout
from tests.support.waiting import wait_until
gpiozero.Device.pin_factory = pins = MockFactory()
hook = {"output": "webhook", "name": "gancho", "url": "http://127.0.0.1:9/"}  # nobody listens there
with lookout(Path(sys.argv[1]), json.loads(sys.argv[2]), hook) as post:
    for number, label in enumerate(("chainsaw", "gunshot", "voices"), start=1):
        post.deliver(heard(label, f"s{number}"))
        wait_until("people know of it", lambda: len(post.open_numbers()) == number)
        wait_until("the siren sounds", lambda: pins.pin(17).state)
    if sys.argv[3] == "seen to":
        for number in (1, 3):
            post.actions.acknowledge(number, "ya vamos", "Rosa")
            shown = lambda: post.lookout.board.incident(number).incident.state
            wait_until("it is seen to", lambda: shown() == "acknowledged")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def killed(script: str, *arguments: object, timeout_s: float = 60.0) -> None:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    assert subprocess.run(command, cwd=Path.cwd(), timeout=timeout_s, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize(("done", "open_ones"), [("nothing", [1, 2, 3]), ("seen to", [2])])
def test_a_siren_goes_on_for_all_that_nobody_has_seen_to(
    done: str, open_ones: list[int], factory: MockFactory, tmp_path: Path
) -> None:
    killed(_SOUNDING, tmp_path, json.dumps(SIREN), done)
    with Receiver() as receiver:
        with lookout(tmp_path, SIREN, webhook(receiver)) as post:
            siren = post.lookout.warnings.desks[0]
            wait_until("the siren sounds", lambda: factory.pin(17).state is True)
            wait_until("the webhook has all that waited", lambda: receiver.numbers() == [1, 2, 3])
            for number in open_ones:
                assert siren.state().sent == 0
                post.actions.acknowledge(number, "ya vamos", "Rosa")
            wait_until("the siren is still", lambda: siren.state().sent == 1)
            wait_until("nothing is left on disk", lambda: not (tmp_path / "untold.json").exists())
        with lookout(tmp_path, SIREN, webhook(receiver)) as post:
            assert [desk.untold() for desk in post.lookout.warnings.desks] == [[], []]
        assert receiver.numbers() == [1, 2, 3]


class Moody(Receiver):
    """Has no time for one warning in ten."""

    def answer(self, request: Request, connection: Connection) -> Response | None:
        if random.random() < 0.1:
            return Response(503, {}, b"")
        return super().answer(request, connection)


_WARNING = """
import os, sys, threading, time
from pathlib import Path
from tests.gateway.warning.test_kills import kept
url, path, warned, first = sys.argv[1], Path(sys.argv[2]), os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND), sys.argv[4]
from tests.gateway.watch.facts_made import raised
post = kept(path, url)
number = int(first)
while True:
    if post.state("gancho").waiting < 16:
        post.warnings.warn(raised(number))
        os.write(warned, b"%d\\n" % number)
        number += 1
    time.sleep(0.01)
"""


def kept(path: Path, url: str) -> Post:
    """A post that runs until the process ends."""
    post = Post([{"output": "webhook", "name": "gancho", "url": url, "timeout_s": 2}])
    machine, boot = LinuxTime(), "boot"
    now = lambda: Moment(machine.read()[0], 0, TimeQuality.UNTRUSTED, 0)  # noqa: E731
    post.warnings.open(UntoldFile(path, boot, now), lambda: True, lambda number: False)
    for stage in (post.warnings.keep, *(desk.run for desk in post.warnings.desks)):
        threading.Thread(target=stage, args=(threading.Event(),), daemon=True).start()
    return post


def test_no_warning_is_lost_over_many_kills(tmp_path: Path, seed: int) -> None:
    """Each that `warn` came back for is given at least once; the last life gives what is left."""
    chance = random.Random(seed)
    path, warned = tmp_path / "untold.json", tmp_path / "warned"
    warned.touch()
    with Moody() as receiver:
        for life in range(5):
            arguments = [receiver.url, str(path), str(warned), str(1 + life * 10_000)]
            child = subprocess.Popen([sys.executable, "-c", _WARNING, *arguments], cwd=Path.cwd())
            before = warned.stat().st_size
            wait_until("it warns", lambda: warned.stat().st_size > before)  # noqa: B023  # at once
            time.sleep(chance.random())  # the kill may come at any moment
            child.kill()
            assert child.wait(10.0) == -signal.SIGKILL
        last = [sys.executable, "-c", _WARNING.replace("< 16", "< 0"), receiver.url, str(path), str(warned), "0"]
        child = subprocess.Popen(last, cwd=Path.cwd())
        try:
            wait_until("all are given", lambda: not path.exists(), timeout_s=60)
        finally:
            child.kill()
            child.wait(10.0)
        times = Counter(receiver.numbers())
    told = {int(line) for line in warned.read_text().split()}
    print(f"{len(told)} warnings, 5 kills, {sum(times.values()) - len(times)} given twice")
    assert len(told) > 20
    assert told - set(times) == set()
    assert all(told["more"] == 0 for _, told in receiver.got)  # else some would be counted in another
