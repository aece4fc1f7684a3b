"""What is half read when the line is lost does no harm to what comes after."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from firmware_bridge.delivery import Delivery
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.links.serial_source import SerialSource
from firmware_bridge.readings import Rejected
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until


class Lines:
    """A decoder of text lines: each a rejection with the line as its detail."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Delivery | None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return Delivery("lines", [], [Rejected("line", 1, line.decode()) for line in lines], {}) if lines else None


def test_chunks_become_deliveries_and_the_port_is_free_afterwards(tmp_path: Path) -> None:
    pair = TtyPair(tmp_path / "port")
    made = 0

    def new_decoder() -> Lines:
        nonlocal made
        made += 1
        return Lines()

    source = SerialSource("lines", SerialLink(str(pair.link), 9600), new_decoder)
    assert made == 0
    heard: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=source.run, args=(lambda d: heard.extend(r.detail for r in d.rejected), stop))
    thread.start()
    pair.say(b"one\ntw")
    wait_until("one", lambda: heard == ["one"])
    pair.say(b"o\n")
    wait_until("two", lambda: heard == ["one", "two"])
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    again = SerialLink(str(pair.link), 9600)
    pair.say(b"free")
    assert again.read(1)
    again.close()
    pair.unplug()


@pytest.mark.slow
@pytest.mark.expects_warnings
@pytest.mark.parametrize("is_unplugged", [False, True])
def test_what_broke_off_is_told_and_does_not_swallow_what_comes_next(tmp_path: Path, is_unplugged: bool) -> None:
    pair = TtyPair(tmp_path / "port")
    heard: list[str] = []
    stop = threading.Event()
    source = SerialSource("lines", SerialLink(str(pair.link), 9600), Lines, end=b"\n")
    thread = threading.Thread(target=source.run, args=(lambda d: heard.extend(r.detail for r in d.rejected), stop))
    thread.start()
    pair.say(b"one\nha")
    wait_until("one", lambda: heard[:1] == ["one"])
    if is_unplugged:
        pair.unplug()
        pair = TtyPair(tmp_path / "port")
    wait_until("the half", lambda: heard == ["one", "ha"])
    pair.say(b"two\n")
    wait_until("two", lambda: heard == ["one", "ha", "two"])
    stop.set()
    thread.join(5)
    pair.unplug()


@pytest.mark.expects_warnings
def test_the_state_is_the_links(tmp_path: Path) -> None:
    link = SerialLink(str(tmp_path / "none"), 9600)
    link.read(0)
    assert SerialSource("lines", link, Lines).state == link.words
