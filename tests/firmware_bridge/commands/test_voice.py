"""What is said is sealed with a counter of its own, and only the answer to it is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_bridge.commands.voice import MAX_QUEUED, Said, Voice
from firmware_bridge.delivery import SensorAnswer
from firmware_bridge.framing.device_frames import Direction, new_cipher, unseal
from firmware_bridge.framing.downlinks import Answer, CommandCode, RequestStatus, Result, decode_command
from firmware_bridge.framing.our_frames import NamedDevice
from firmware_bridge.readings import Downlink, DownlinkError, Rejected

KEY = "00112233445566778899aabbccddeeff"
STATUS = Downlink("rio", text="status")


def voice(folder: Path, **device: object) -> Voice:
    told: dict[str, object] = {"id": "00a1b2c3", "name": "rio", "key": KEY}
    ours = NamedDevice.model_validate(told | device)
    return Voice([ours], {"clima": "50", "lluvia": ""}, folder / "counters")


def opened(said: Said) -> tuple[int, bytes]:
    """Counter and body of a command, as the sensor opens it."""
    told = unseal(said.content, {0xA1B2C3: new_cipher(bytes.fromhex(KEY))}, Direction.DOWNLINK)
    assert not isinstance(told, Rejected)
    return told[1:]


def answer(counter: int, result: Result = Result.DONE, detail: bytes = b"") -> Answer:
    return Answer(counter, CommandCode.REQUEST_STATUS, result, detail)


def test_each_command_has_a_counter_above_the_last_also_in_another_life(tmp_path: Path) -> None:
    counters = [opened(voice(tmp_path).seal(STATUS))[0] for _ in range(3)]
    same = voice(tmp_path)
    counters += [opened(same.seal(STATUS))[0] for _ in range(3)]
    assert counters == sorted(set(counters))
    assert decode_command(opened(same.seal(STATUS))[1]) == RequestStatus()


def test_only_the_answer_that_is_waited_for_is_believed_and_once(tmp_path: Path) -> None:
    one = voice(tmp_path)
    counter, _ = opened(one.seal(STATUS))
    other_command = Answer(counter, CommandCode.PING, Result.DONE)
    strangers = [
        one.hear("rio", answer(counter + 1)),
        one.hear("clima", answer(counter)),
        one.hear("rio", other_command),
    ]
    assert [told.reason for told in strangers if isinstance(told, Rejected)] == ["unasked_answer"] * 3
    counter, _ = opened(one.seal(STATUS))
    assert one.hear("rio", answer(counter, Result.BUSY)) == SensorAnswer("rio", "request_status", "busy")
    again = one.hear("rio", answer(counter))
    assert isinstance(again, Rejected)


def test_a_sensor_that_heard_a_higher_counter_is_told_again_above_it_once(tmp_path: Path) -> None:
    one = voice(tmp_path)
    one.queue(STATUS)
    first = one.take()
    assert first is not None
    counter, body = opened(first)
    highest = counter + 1_000_000
    told = one.hear("rio", answer(counter, Result.BEHIND, highest.to_bytes(4, "big")))
    assert isinstance(told, Rejected)
    assert told.reason == "downlink_repeated"
    again = one.take()
    assert again is not None
    assert again.device == "rio"
    later, same = opened(again)
    assert later > highest
    assert same == body
    told = one.hear("rio", answer(later, Result.BEHIND, (later + 5).to_bytes(4, "big")))
    assert told == SensorAnswer("rio", "request_status", "behind")
    assert one.take() is None


def test_devices_of_other_makes_take_bytes_at_their_address(tmp_path: Path) -> None:
    one = voice(tmp_path)
    assert one.seal(Downlink("clima", b"\1\2")) == Said(b"\1\2", "50", "clima")
    assert [name for name in ("rio", "clima", "lluvia", "otro") if one.knows(name)] == ["rio", "clima", "lluvia"]
    with pytest.raises(DownlinkError, match="empty"):
        one.seal(Downlink("lluvia", text="status"))


def test_why_nothing_can_be_said(tmp_path: Path) -> None:
    with pytest.raises(DownlinkError, match="unknown_device"):
        voice(tmp_path).seal(Downlink("00a1b2c3", text="status"))
    with pytest.raises(DownlinkError, match="no_key"):
        voice(tmp_path, key=None, key_file=tmp_path / "none").seal(STATUS)
    with pytest.raises(DownlinkError, match="counters"):
        voice(tmp_path / "no such folder").seal(STATUS)


def test_no_more_waits_than_can_be_said_soon_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    one = voice(tmp_path)
    for _ in range(MAX_QUEUED):
        one.queue(STATUS)
    with pytest.raises(DownlinkError, match="queue_full"):
        one.queue(STATUS)
    assert one.lost() == [Rejected("downlink_not_sent", MAX_QUEUED, "the line went away")]
    assert one.take() is None
    assert one.lost() == []
