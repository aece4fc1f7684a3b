"""The session with a radio: it is asked until it answers, and again when it has forgotten us."""

from __future__ import annotations

import pytest

from firmware_bridge.framing.protobuf_wire import Message, put_blob, put_uint
from firmware_bridge.meshtastic.decoder import MeshDecoder
from firmware_bridge.meshtastic.session import BROKEN_OFF_S, HEARTBEAT_S, MAX_QUEUED, SILENCE_S, MeshSession
from firmware_bridge.meshtastic.stream import WAKE, Deframer, frame
from firmware_bridge.readings import Downlink, DownlinkError, Rejected


def session() -> MeshSession:
    return MeshSession("malla", MeshDecoder("malla", []), [], 3)


def told(one: MeshSession) -> list[Message]:
    """What it wants the radio to hear."""
    found = Deframer(Message).feed(one.take_output())
    return [message for message in found if not isinstance(message, Rejected)]


def ready(one: MeshSession, now: float) -> None:
    one.opened(now)
    (asked,) = told(one)
    one.feed(frame(put_uint(7, asked.unsigned(3) or 0)), now)
    assert one.is_ready


def test_it_wakes_the_radio_and_asks_until_it_answers() -> None:
    one = session()
    one.tick(0.0)
    assert one.take_output() == b""
    one.opened(0.0)
    assert one.take_output().startswith(WAKE + b"\x94\xc3")
    asked_at = []
    for second in range(1, 300):
        one.tick(float(second))
        if told(one):
            asked_at.append(second)
    assert asked_at == [10, 30, 70, 130, 190, 250]
    assert one.in_trouble
    assert "does not answer" in one.words


@pytest.mark.parametrize("is_lost", [False, True])
def test_half_a_frame_does_not_swallow_what_comes_later(is_lost: bool) -> None:
    one = session()
    one.opened(0.0)
    assert one.feed(b"\x94\xc3\x01\xff half", 1.0) == []
    if is_lost:
        one.lost()
        one.opened(1.5)
    (asked,) = told(one)
    later = 2.0 if is_lost else 1.0 + 2 * BROKEN_OFF_S
    (damage,) = one.feed(frame(put_uint(7, asked.unsigned(3) or 0)), later)
    assert one.is_ready
    assert [(item.reason, item.count) for item in damage.rejected] == [("bad_message", 1), ("log_text_bytes", 5)]


def test_an_answer_to_an_earlier_asking_is_none() -> None:
    one = session()
    one.opened(0.0)
    (first,) = told(one)
    one.opened(1.0)
    (second,) = told(one)
    one.feed(frame(put_uint(7, first.unsigned(3) or 0)), 2.0)
    assert not one.is_ready
    one.feed(frame(put_uint(7, second.unsigned(3) or 0)), 3.0)
    assert one.is_ready


def test_it_says_every_minute_that_it_is_there() -> None:
    one = session()
    ready(one, 0.0)
    beats = 0
    for second in range(1, 601):
        if second % 30 == 0:
            one.feed(b"log", float(second))
        one.tick(float(second))
        beats += sum(message.blob(7) == b"" for message in told(one))
    assert beats == 600 / HEARTBEAT_S


def test_a_radio_that_is_silent_for_long_is_asked_again() -> None:
    one = session()
    ready(one, 0.0)
    one.tick(SILENCE_S)
    told(one)
    one.tick(SILENCE_S + 1)
    assert not one.is_ready
    assert [message.unsigned(3) is not None for message in told(one)] == [True]


def test_texts_that_wait_are_bounded_and_counted_when_the_radio_goes() -> None:
    one = session()
    ready(one, 0.0)
    for _ in range(MAX_QUEUED):
        one.say(Downlink("^all", text="x"))
    with pytest.raises(DownlinkError) as refused:
        one.say(Downlink("^all", text="x"))
    assert refused.value.reason == "queue_full"
    delivery = one.lost()
    assert delivery is not None
    assert {r.reason: r.count for r in delivery.rejected} == {"text_not_sent": MAX_QUEUED}
    assert one.lost() is None
    ready(one, 10.0)
    one.say(Downlink("^all", text="x"))
    assert told(one)
    assert one.lost() is None
    ready(one, 20.0)
    one.say(Downlink("^all", text="x"))
    assert told(one)
    cut = one.lost(mid_output=True)
    assert cut is not None
    assert cut.rejected[0].count == 1
    with pytest.raises(DownlinkError, match="radio_away"):
        one.say(Downlink("^all", text="x"))


def test_channels_are_named_and_renamed() -> None:
    decoder = MeshDecoder("malla", [])
    for index, name in ((1, b"guardas"), (2, b"patrulla"), (1, b"base"), (9, b"x"), (2, b"")):
        decoder.feed(frame(put_blob(10, put_uint(1, index) + put_blob(2, put_blob(3, name)))))
    assert decoder.channels == {"base": 1}


def test_a_text_is_cut_at_the_end_of_a_character() -> None:
    one = session()
    ready(one, 0.0)
    one.say(Downlink("^all", text="a" + "€" * 100))
    packet = told(one)[0].message(1)
    assert packet is not None
    data = packet.message(4)
    assert data is not None
    assert data.text(2) == "a" + "€" * 66  # 199 bytes: another euro would be 202
