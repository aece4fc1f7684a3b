"""Commands to a sensor are obeyed once, and answered."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.framing.device_frames import new_cipher, unseal
from firmware_bridge.framing.downlinks import Identify, Ping, Reboot, RequestStatus, Result, SetInterval
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.readings import Kind
from firmware_bridge.update.conversation import Conversation
from firmware_bridge.update.counters import DownlinkCounters
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def conversation(line: Line, tmp_path: Path, others: list[bytes]) -> Iterator[Conversation]:
    link = SerialLink(str(line.gateway_end), 115200)
    counters = DownlinkCounters(tmp_path / "counters")
    yield Conversation(link, DEVICE, KEY, counters, on_other=others.append, stop=threading.Event())
    link.close()


def test_commands_are_obeyed(line: Line, sensor: Sensor, tmp_path: Path) -> None:
    others: list[bytes] = []

    def kinds() -> list[int]:
        opened = [unseal(content[1:], {int(DEVICE, 16): new_cipher(KEY)}) for content in others]
        return [frame[2][0] for frame in opened if isinstance(frame, tuple)]

    with conversation(line, tmp_path, others) as talk:
        for command in (Ping(), Identify(5), RequestStatus()):
            answer = talk.ask(command, 5)
            assert answer is not None
            assert answer.result == Result.DONE
        wait_until("the status", lambda: talk.ask(Ping(), 5) is not None and kinds() == [Kind.DEVICE_STATUS])
        answer = talk.ask(SetInterval(Kind.POSITION, 60), 5)
        assert answer is not None
        assert answer.words == "refused"
        answer = talk.ask(SetInterval(Kind.DEVICE_STATUS, 1), 5)
        assert answer is not None
        assert answer.words == "done"
        wait_until("another", lambda: talk.ask(Ping(), 5) is not None and len(kinds()) > 1)
        # What it has heard survives its restart: the counter that it kept ahead is above ours, and it says so.
        assert talk.ask(Reboot(0), 5) is not None
        assert talk.ask(Ping(), 5) is not None
    assert int.from_bytes((sensor.memory / "restarts").read_bytes(), "big") == 2


def test_a_recorded_command_is_not_obeyed_again(line: Line, sensor: Sensor, tmp_path: Path) -> None:
    recorded: list[bytes] = []
    others: list[bytes] = []

    def record(data: bytes) -> bytes:
        recorded.append(data)
        return data

    line.to_device = record
    with conversation(line, tmp_path, others) as talk:
        assert talk.ask(Reboot(0), 5) is not None
        replayed = b"".join(recorded)
        line.to_device = lambda data: replayed + data
        answer = talk.ask(Ping(), 5)
        assert answer is not None
        assert talk.rejected.get("late_answer", 0) >= 1  # its word that it was behind
    assert int.from_bytes((sensor.memory / "restarts").read_bytes(), "big") == 2
