"""What is said is sealed with a counter of its own, and only the answer to it is believed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from firmware_bridge.commands.voice import MAX_QUEUED, Said, Voice
from firmware_bridge.delivery import SensorAnswer
from firmware_bridge.framing.device_frames import Direction, new_cipher, unseal
from firmware_bridge.framing.downlinks import Answer, CommandCode, Ping, RequestStatus, Result, decode_command
from firmware_bridge.framing.our_frames import NamedDevice
from firmware_bridge.readings import Downlink, DownlinkError, Rejected
from tests.support.waiting import wait_until

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
    told = one.hear("rio", answer(counter, Result.BUSY))
    assert isinstance(told, SensorAnswer)
    assert 0 < told.took_s < 60
    assert told == SensorAnswer("rio", "request_status", "busy", told.took_s)
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
    assert isinstance(told, SensorAnswer)
    assert told == SensorAnswer("rio", "request_status", "behind", told.took_s)
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


def test_a_talk_has_its_own_answers_and_all_else_goes_on(tmp_path: Path) -> None:
    one = voice(tmp_path)
    heard: list[Answer | None] = []
    with one.talk("rio") as talk:
        thread = threading.Thread(target=lambda: heard.append(talk.ask(Ping(), 20)))
        thread.start()
        wait_until("it is said", lambda: bool(talk.asked))
        one.queue(STATUS)
        status, ping = one.take(), one.take()  # what people say goes first
        assert status is not None
        assert ping is not None
        asked, body = opened(status)
        counter, said = opened(ping)
        assert (decode_command(body), decode_command(said)) == (RequestStatus(), Ping())
        assert isinstance(one.hear("rio", answer(asked)), SensorAnswer)
        assert isinstance(one.hear("rio", answer(counter)), Rejected)  # of another command
        assert isinstance(one.hear("clima", Answer(counter, CommandCode.PING, Result.DONE)), Rejected)
        highest = (counter + 1_000_000).to_bytes(4, "big")
        assert one.hear("rio", Answer(counter, CommandCode.PING, Result.BEHIND, highest)) is None
        wait_until("it is said again", lambda: counter not in talk.asked and bool(talk.asked))
        assert one.lost() == []  # a talk repeats by itself
        again = one.take()
        assert again is not None
        higher, _ = opened(again)
        assert higher > counter + 1_000_000
        assert one.hear("rio", Answer(higher, CommandCode.PING, Result.DONE)) is None
        thread.join(10)
        assert heard == [Answer(higher, CommandCode.PING, Result.DONE)]
        assert isinstance(one.hear("rio", Answer(higher, CommandCode.PING, Result.DONE)), Rejected)  # once


def test_one_talk_at_a_time_with_one_of_ours_until_the_source_ends(tmp_path: Path) -> None:
    one = voice(tmp_path)
    with pytest.raises(DownlinkError, match="unknown_device"), one.talk("clima"):
        pass
    with one.talk("rio") as talk:
        assert one.is_talking
        with pytest.raises(DownlinkError, match="busy: this source talks with rio now"), one.talk("rio"):
            pass
        assert talk.ask(Ping(), 0.01) is None
        ender = threading.Timer(0.05, one.hang_up)
        ender.start()
        assert talk.ask(Ping(), 60) is None
        assert talk.over.is_set()
        ender.join()
    assert not one.is_talking
    with pytest.raises(DownlinkError, match="stopped"), one.talk("rio"):
        pass
