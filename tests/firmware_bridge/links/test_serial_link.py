"""The port may be missing, forbidden, taken, torn out and put back: reading goes on when it can."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.links.link_standing import LinkState
from firmware_bridge.links.serial_link import SerialLink
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[TtyPair]:
    pair = TtyPair(tmp_path / "port")
    yield pair
    pair.unplug()


@pytest.fixture
def link(tmp_path: Path) -> Iterator[SerialLink]:
    link = SerialLink(str(tmp_path / "port"), 115200, name="radio")
    yield link
    link.close()


def read_until_holds(link: SerialLink, wanted: bytes) -> None:
    held = bytearray()

    def have() -> bool:
        held.extend(link.read(0.05))
        return bytes(held) == wanted

    wait_until(f"{wanted!r}, got {bytes(held)!r}", have, every_s=0)


def lose(link: SerialLink) -> None:
    wait_until("lost", lambda: link.read(0.02) == b"" and link.state is LinkState.LOST, every_s=0)


def test_what_was_said_before_anyone_listened_is_heard(pair: TtyPair, link: SerialLink) -> None:
    pair.say(b"early")
    read_until_holds(link, b"early")
    assert link.state is LinkState.OPEN
    assert link.words.endswith("is open at 115200 baud")


def test_every_byte_value_passes(pair: TtyPair, link: SerialLink) -> None:
    every = bytes(range(256)) * 8
    pair.say(every)
    read_until_holds(link, every)


def test_silence_is_nothing(pair: TtyPair, link: SerialLink) -> None:
    assert link.read(0.01) == b""
    assert link.state is LinkState.OPEN


@pytest.mark.expects_warnings
def test_a_port_that_never_existed_is_told_once_and_found_when_it_comes(
    tmp_path: Path, link: SerialLink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "firmware_bridge")
    started = time.monotonic()
    wait_until(
        "several tries",
        lambda: link.read(0.2) == b"" and any("2 times" in r.getMessage() for r in caplog.records),
        every_s=0,
    )
    assert link.state is LinkState.WAITING_FOR_PORT
    assert "is the device plugged in?" in link.words
    assert [r.levelname for r in caplog.records].count("WARNING") == 1
    assert time.monotonic() - started < 5
    pair = TtyPair(tmp_path / "port")
    pair.say(b"here")
    read_until_holds(link, b"here")
    assert [r.levelname for r in caplog.records].count("INFO") == 1
    pair.unplug()


@pytest.mark.expects_warnings
def test_unplugged_and_plugged_in_again_as_another_tty(tmp_path: Path, link: SerialLink) -> None:
    first = TtyPair(tmp_path / "port")
    first.say(b"one")
    read_until_holds(link, b"one")
    other = TtyPair(tmp_path / "elsewhere")  # so that the next pty is not the same one again
    first.unplug()
    lose(link)
    second = TtyPair(tmp_path / "port")
    second.say(b"two")
    asked = time.monotonic()
    read_until_holds(link, b"two")
    assert time.monotonic() - asked < 2
    second.unplug()
    other.unplug()


@pytest.mark.expects_warnings
def test_a_port_that_opens_and_dies_again_and_again_is_told_once(
    tmp_path: Path, link: SerialLink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "firmware_bridge")
    for _ in range(4):
        pair = TtyPair(tmp_path / "port")
        wait_until("open", lambda: link.read(0.01) == b"" and link.state is LinkState.OPEN, every_s=0)
        pair.unplug()
        lose(link)
    told = [r.getMessage() for r in caplog.records]
    assert len([m for m in told if "is open at" in m]) == 1
    assert len([m for m in told if "the device is gone" in m]) == 1


@pytest.mark.expects_warnings
def test_a_port_that_is_taken_says_so(pair: TtyPair, link: SerialLink, tmp_path: Path) -> None:
    assert link.read(0.01) == b""
    second = SerialLink(str(tmp_path / "port"), 115200)
    assert second.read(0.01) == b""
    assert "another program has it open" in second.words
    link.close()
    pair.say(b"mine")
    read_until_holds(second, b"mine")
    second.close()


@pytest.mark.expects_warnings
@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_path_that_is_no_port_says_so(tmp_path: Path, link: SerialLink, what: str) -> None:
    path = tmp_path / "port"
    path.touch() if what == "file" else path.mkdir()
    assert link.read(0.01) == b""
    assert link.state is LinkState.WAITING_FOR_PORT
    assert "not a serial port" in link.words


_AS_NOBODY = """
import os, sys
sys.path.insert(0, {root!r})
from firmware_bridge.links.serial_link import SerialLink
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
link = SerialLink({port!r}, 115200)
assert link.read(0.01) == b""
print(link.words)
"""


def test_permission_denied_says_what_to_do(pair: TtyPair) -> None:
    """In a process of its own: root may open everything."""
    Path(pair.name).chmod(0o000)
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY.format(root=root, port=pair.name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "permission denied; add the user to the group" in done.stdout


def descriptors() -> set[tuple[int, str]]:
    """What this process has open: number and what it leads to."""
    found = set()
    for one in Path("/proc/self/fd").iterdir():
        try:
            found.add((int(one.name), str(one.readlink()).removesuffix(" (deleted)")))
        except FileNotFoundError:
            continue  # the listing's own, or closed meanwhile
    return found


@pytest.mark.expects_warnings
def test_no_descriptor_is_left_behind(tmp_path: Path, link: SerialLink) -> None:
    gc.collect()
    before = descriptors()
    for _ in range(3):
        pair = TtyPair(tmp_path / "port")
        pair.say(b"x")
        read_until_holds(link, b"x")
        pair.unplug()
        lose(link)
    link.read(0.01)
    assert descriptors() - before == set()


def test_what_is_written_arrives_whole(pair: TtyPair, link: SerialLink) -> None:
    every = bytes(range(256)) * 4
    assert link.write(every, 1.0) == len(every)
    held = b""
    while len(held) < len(every):
        held += os.read(pair.master, 4096)
    assert held == every
    assert link.write(b"", 0.0) == 0
    assert link.state is LinkState.OPEN


def test_a_device_that_takes_nothing_blocks_nobody(pair: TtyPair, link: SerialLink) -> None:
    started = time.monotonic()
    much = b"x" * 1_000_000
    sent = link.write(much, 0.2)
    assert 0 < sent < len(much)
    assert link.write(b"y", 0.05) == 0
    assert time.monotonic() - started < 2
    assert link.state is LinkState.OPEN
    held = 0
    while held < sent:
        held += len(os.read(pair.master, 65536))
    assert held == sent
    assert link.write(b"y", 1.0) == 1


@pytest.mark.expects_warnings
def test_writing_to_a_port_that_is_away_is_nothing_written(tmp_path: Path, link: SerialLink) -> None:
    assert link.write(b"x", 0.01) == 0
    assert link.state is LinkState.WAITING_FOR_PORT
    pair = TtyPair(tmp_path / "port")
    wait_until("written", lambda: link.write(b"x", 0.1) == 1, every_s=0)
    pair.unplug()
    assert link.write(b"x", 0.1) == 0
    assert link.state is LinkState.LOST
    again = TtyPair(tmp_path / "port")
    wait_until("written again", lambda: link.write(b"x", 0.1) == 1, every_s=0)
    again.unplug()
