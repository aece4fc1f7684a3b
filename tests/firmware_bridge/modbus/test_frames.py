"""Frames are found whatever stands around them, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.modbus.frames import Answer, Frame, Refusal, Request, encode, find_answer, split

# simplymodbus.ca, "FC 03" and "FC 04": the examples of question and answer, and of an exception (for function 3 here).
ASK_3 = bytes.fromhex("1103006b00037687")
TOLD_3 = bytes.fromhex("110306ae415652434049ad")
ASK_4 = bytes.fromhex("110400080001b298")
TOLD_4 = bytes.fromhex("110402000af8f4")
REFUSED = bytes.fromhex("118302c134")


def test_the_published_examples() -> None:
    assert encode(Request(17, 3, 0x6B, 3)) == ASK_3
    assert encode(Request(17, 4, 8, 1)) == ASK_4
    assert split(ASK_3 + TOLD_3 + ASK_4 + TOLD_4 + REFUSED) == (
        [
            Request(17, 3, 0x6B, 3),
            Answer(17, 3, (0xAE41, 0x5652, 0x4340)),
            Request(17, 4, 8, 1),
            Answer(17, 4, (10,)),
            Refusal(17, 3, "refused_illegal_address"),
        ],
        0,
        b"",
    )


@pytest.mark.parametrize("before", [b"", b"\0", b"\xff\x00", b"\x11\x03\x06", ASK_3, b"\x11" * 20])
@pytest.mark.parametrize("after", [b"", b"\0", b"\xfe\xff"])
def test_an_answer_is_found_in_noise(before: bytes, after: bytes) -> None:
    request = Request(17, 3, 0x6B, 3)
    assert find_answer(before + TOLD_3 + after, request) == TOLD_3
    assert find_answer(before + REFUSED + after, request) == REFUSED
    assert find_answer(before + TOLD_3[:-1], request) is None


@pytest.mark.parametrize("request_", [Request(18, 3, 0x6B, 3), Request(17, 4, 0x6B, 3), Request(17, 3, 0x6B, 2)])
def test_an_answer_to_another_question_is_none(request_: Request) -> None:
    assert find_answer(TOLD_3, request_) is None


@given(st.integers(0, len(TOLD_3) * 8 - 1))
def test_no_single_bit_may_change(bit: int) -> None:
    damaged = bytearray(TOLD_3)
    damaged[bit // 8] ^= 1 << bit % 8
    assert find_answer(bytes(damaged), Request(17, 3, 0x6B, 3)) is None


def in_chunks(chunks: list[bytes]) -> tuple[list[Frame], int, bytes]:
    held = b""
    frames: list[Frame] = []
    stray = 0
    for chunk in chunks:
        found, passed, held = split(held + chunk)
        frames += found
        stray += passed
        assert len(held) <= 256
    return frames, stray, held


@given(
    st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([ASK_3, TOLD_3, ASK_4, TOLD_4, REFUSED])), max_size=12)
)
def test_cutting_the_stream_changes_nothing(parts: list[bytes]) -> None:
    stream = b"".join(parts)
    whole = in_chunks([stream])
    assert whole == in_chunks([bytes((byte,)) for byte in stream])
    assert whole == in_chunks(parts)


def test_every_exception_has_a_name() -> None:
    for code in range(256):
        frame = bytes((17, 0x84, code))
        crc = 0xFFFF
        for byte in frame:  # Modbus over Serial Line, appendix B
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        (refusal,), _, _ = split(frame + crc.to_bytes(2, "little"))
        assert isinstance(refusal, Refusal)
        assert refusal.reason.startswith("refused_")
        assert len(refusal.reason) <= 32
