"""What is said to a device and what it answers: every form there and back, and a reason for what has none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.device_frames import (
    MAX_DOWNLINK_BODY_BYTES,
    MAX_DOWNLINK_FRAME_BYTES,
    Direction,
    new_cipher,
    seal,
    unseal,
)
from firmware_bridge.framing.downlinks import (
    LONGEST_INTERVAL_S,
    MAX_BLOCK_BYTES,
    MAX_BLOCKS,
    Answer,
    Command,
    Identify,
    Ping,
    Reboot,
    RequestStatus,
    Result,
    SetInterval,
    UpdateBegin,
    UpdateBlock,
    UpdateBoot,
    UpdateFinish,
    UpdateQuery,
    UpdateStatus,
    decode_answer,
    decode_command,
    encode_answer,
    encode_command,
    highest_of,
    progress_of,
    status_of,
)
from firmware_bridge.framing.frame_bodies import decode_body
from firmware_bridge.readings import Kind, Rejected

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
CIPHER = new_cipher(KEY)
DEVICE = 0x00A1B2C3
BYTE = st.integers(0, 255)
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from([Ping(), RequestStatus(), UpdateQuery(), UpdateFinish(), UpdateBoot()]),
    BYTE.map(Identify),
    BYTE.map(Reboot),
    st.builds(
        SetInterval,
        st.sampled_from([Kind.ENVIRONMENT, Kind.DEVICE_STATUS, Kind.POSITION]),
        st.integers(1, LONGEST_INTERVAL_S),
    ),
    st.builds(UpdateBegin, st.binary(min_size=92, max_size=92), st.binary(min_size=64, max_size=64), st.booleans()),
    st.builds(UpdateBlock, st.integers(0, MAX_BLOCKS - 1), st.binary(min_size=1, max_size=MAX_BLOCK_BYTES)),
)


@given(COMMANDS)
def test_a_command_comes_back_and_fits_a_frame(command: Command) -> None:
    body = encode_command(command)
    assert decode_command(body) == command
    frame = seal(CIPHER, DEVICE, 7, body, Direction.DOWNLINK)
    assert len(frame) <= MAX_DOWNLINK_FRAME_BYTES
    assert unseal(frame, {DEVICE: CIPHER}, Direction.DOWNLINK) == (DEVICE, 7, body)


@given(st.binary(max_size=300))
def test_random_bytes_are_a_command_or_a_reason(body: bytes) -> None:
    told = decode_command(body)
    if isinstance(told, Rejected):
        assert told.reason.upper() in Result.__members__
    else:
        assert encode_command(told) == body
    decode_answer(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "unknown_command"),
        (b"\x63", "unknown_command"),
        (b"\x01\x00", "bad_length"),
        (b"\x02", "bad_length"),
        (b"\x12\x00\x00", "bad_length"),
        (b"\x03\x01\x00\x00\x00\x3c", "bad_value"),  # detections have no interval
        (b"\x03\x03\x00\x00\x00\x00", "bad_value"),
        (b"\x03\x03\x00\x09\x3a\x81", "bad_value"),  # a week and a second
        (b"\x11\x02" + bytes(156), "bad_value"),
    ],
)
def test_every_rejection_has_its_reason(body: bytes, reason: str) -> None:
    told = decode_command(body)
    assert isinstance(told, Rejected)
    assert told.reason == reason


@pytest.mark.parametrize(
    "command",
    [
        Identify(256),
        Reboot(-1),
        SetInterval(Kind.ACOUSTIC_DETECTION, 60),
        SetInterval(Kind.POSITION, 0),
        UpdateBegin(bytes(91), bytes(64)),
        UpdateBlock(0, b""),
        UpdateBlock(0, bytes(257)),
        UpdateBlock(65_535, b"x"),
    ],
)
def test_what_no_device_would_take_is_refused(command: Command) -> None:
    with pytest.raises(ValueError, match=r"is|have no"):
        encode_command(command)


def test_golden_command() -> None:
    """Synthetic, made by this code once and never changed since: firmware in the field depends on it."""
    body = encode_command(SetInterval(Kind.ENVIRONMENT, 600))
    assert body.hex() == "030300000258"
    frame = seal(CIPHER, DEVICE, 1, body, Direction.DOWNLINK)
    assert frame.hex() == "1100a1b2c30000000145881dddd4deffc7469d1f7b"


def test_directions_share_no_nonce_and_are_not_taken_for_each_other() -> None:
    body = bytes(9)
    up, down = seal(CIPHER, DEVICE, 1, body), seal(CIPHER, DEVICE, 1, body, Direction.DOWNLINK)
    assert up[9:] != down[9:]
    for frame, direction in ((up, Direction.DOWNLINK), (down, Direction.UPLINK)):
        told = unseal(frame, {DEVICE: CIPHER}, direction)
        assert isinstance(told, Rejected)
        assert told.reason == "bad_direction"
        turned = bytes((frame[0] ^ 1,)) + frame[1:]
        told = unseal(turned, {DEVICE: CIPHER}, direction)
        assert isinstance(told, Rejected)
        assert told.reason == "bad_tag"


def test_an_uplink_stays_as_short_as_it_was() -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        seal(CIPHER, DEVICE, 1, bytes(101))
    seal(CIPHER, DEVICE, 1, bytes(MAX_DOWNLINK_BODY_BYTES), Direction.DOWNLINK)
    with pytest.raises(ValueError, match="1 to 259"):
        seal(CIPHER, DEVICE, 1, bytes(MAX_DOWNLINK_BODY_BYTES + 1), Direction.DOWNLINK)


@given(st.builds(Answer, st.integers(0, 2**32 - 1), BYTE, BYTE, st.binary(max_size=93)))
def test_an_answer_comes_back(answer: Answer) -> None:
    body = encode_answer(answer)
    assert len(body) <= 100
    assert decode_answer(body) == answer
    assert answer.words
    highest_of(answer), progress_of(answer), status_of(answer)


def test_what_an_answer_says() -> None:
    assert highest_of(Answer(9, 1, Result.BEHIND, bytes.fromhex("00000100"))) == 256
    assert highest_of(Answer(9, 1, Result.DONE, bytes.fromhex("00000100"))) is None
    assert progress_of(Answer(9, 18, Result.DONE, bytes.fromhex("010203"))) == (1, 0x0203)
    detail = bytes.fromhex("01 0005 0100 01020003 00000000 00010000") + b"vigia-acoustic".ljust(16, b"\0")
    status = status_of(Answer(9, 16, 0, detail))
    assert status == UpdateStatus(1, 5, 256, 0x01020003, 0, 65536, detail[-16:])
    assert status_of(Answer(9, 16, 0, detail[:3] + bytes(2) + detail[5:])) is None  # blocks of 0 bytes
    assert Answer(9, 1, Result.BEHIND).words == "behind"
    assert Answer(9, 1, 99).words == "result 99"
    with pytest.raises(ValueError, match="detail"):
        encode_answer(Answer(1, 1, 0, bytes(94)))


def test_an_answer_is_not_taken_for_a_reading() -> None:
    told = decode_body(encode_answer(Answer(1, 1, 0)), "rio-arriba", [])
    assert isinstance(told, Rejected)
    assert told.reason == "unasked_answer"
    assert decode_answer(b"\x01" * 9) is None
    assert decode_answer(b"\x80\x00") is None
