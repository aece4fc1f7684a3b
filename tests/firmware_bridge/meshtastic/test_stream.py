"""Frames among log text, whatever is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.protobuf_wire import Message, put_blob, put_uint
from firmware_bridge.meshtastic.stream import MAX_MESSAGE_BYTES, WAKE, Deframer, frame
from firmware_bridge.readings import Rejected


def value(data: bytes) -> int:
    """The number in field 1 of a message."""
    return Message(data).unsigned(1) or 0


def run(chunks: list[bytes]) -> tuple[list[int], dict[str, int]]:
    deframer = Deframer(value)
    found: list[int] = []
    reasons: dict[str, int] = {}
    for chunk in chunks:
        for item in deframer.feed(chunk):
            if isinstance(item, Rejected):
                reasons[item.reason] = reasons.get(item.reason, 0) + item.count
            else:
                found.append(item)
    return found, reasons


def test_the_documented_frame() -> None:
    """Client API documentation: START1 0x94, START2 0xC3, length most significant byte first."""
    assert frame(put_uint(1, 7)) == bytes.fromhex("94c300020807")
    assert run([bytes.fromhex("94c300020807")]) == ([7], {})


def test_what_broke_off_gives_back_the_frames_that_it_would_have_swallowed() -> None:
    deframer = Deframer(value)
    assert deframer.feed(b"\x94\xc3\x01\xff" * 2 + frame(put_uint(1, 5)) + b"\x94\xc3\x01") == []
    found = deframer.broken_off()
    assert [item for item in found if not isinstance(item, Rejected)] == [5]
    assert [(item.reason, item.count) for item in found if isinstance(item, Rejected)] == [
        ("bad_message", 1),
        ("bad_message", 1),
        ("log_text_bytes", 3),
    ]
    assert deframer.broken_off() == []
    assert deframer.feed(frame(put_uint(1, 6))) == [6]


def test_log_text_between_frames_is_counted_bytes() -> None:
    log = "INFO  | ??:??:?? 12 [Router] ñ recibido\r\n".encode()
    assert run([log + frame(put_uint(1, 1)) + log + frame(put_uint(1, 2)) + WAKE]) == (
        [1, 2],
        {"log_text_bytes": 2 * len(log) + len(WAKE)},
    )


def test_a_length_above_512_is_no_frame() -> None:
    assert run([b"\x94\xc3\x02\x01" + frame(put_uint(1, 3))]) == ([3], {"log_text_bytes": 4})
    longest = put_blob(2, bytes(MAX_MESSAGE_BYTES - 3))
    assert len(longest) == MAX_MESSAGE_BYTES
    assert run([frame(longest)]) == ([0], {})
    with pytest.raises(ValueError, match="513"):
        frame(bytes(513))


@pytest.mark.parametrize("lost", [1, 2, 4, 5])
def test_a_frame_that_lost_bytes_does_not_take_the_next_with_it(lost: int) -> None:
    """It swallows the beginning of the next, which is found again within it; unless (at 3) what it swallowed makes a
    message again: there is no checksum."""
    damaged = frame(put_uint(1, 9) * 10)[:-lost]
    found, reasons = run([damaged + frame(put_uint(1, 1)) + frame(put_uint(1, 2))])
    assert found == [1, 2]
    assert reasons["bad_message"] == 1


@given(st.lists(st.one_of(st.binary(max_size=30), st.integers(0, 99).map(lambda n: frame(put_uint(1, n))))), st.data())
def test_cutting_the_stream_changes_nothing(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert run(chunks) == run([stream]) == run([bytes((byte,)) for byte in stream])


@given(st.lists(st.binary(max_size=600), max_size=10))
def test_what_is_held_is_bounded(chunks: list[bytes]) -> None:
    deframer = Deframer(value)
    for chunk in chunks:
        deframer.feed(chunk)
        assert len(deframer._held) < MAX_MESSAGE_BYTES + 4
