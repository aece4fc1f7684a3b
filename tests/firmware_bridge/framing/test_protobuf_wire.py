"""Protobuf without a schema: what the specification says, and for anything else one kind of error."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.protobuf_wire import (
    MAX_MESSAGE_BYTES,
    Message,
    ProtobufError,
    put_blob,
    put_fixed32,
    put_float32,
    put_uint,
)


def test_the_examples_of_the_specification() -> None:
    """protobuf.dev, "Encoding": 150 in field 1; "testing" in field 2; the first nested in field 3; -2 as int32."""
    assert Message(bytes.fromhex("089601")).unsigned(1) == 150
    assert Message(bytes.fromhex("120774657374696e67")).text(2) == "testing"
    nested = Message(bytes.fromhex("1a03089601")).message(3)
    assert nested is not None
    assert nested.unsigned(1) == 150
    assert Message(bytes.fromhex("08feffffffffffffffff01")).signed(1) == -2
    assert put_uint(1, 150) == bytes.fromhex("089601")
    assert put_blob(2, b"testing") == bytes.fromhex("120774657374696e67")
    assert put_uint(1, -2) == bytes.fromhex("08feffffffffffffffff01")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("08", "ends within"),
        ("0896", "ends within"),
        ("12057465", "5 bytes, 2 are there"),
        ("0d0102", "4 bytes, 2 are there"),
        ("09" + "00" * 7, "8 bytes, 7 are there"),
        ("0b", "wire type 3"),
        ("0c", "wire type 4"),
        ("0e", "wire type 6"),
        ("00", "number 0"),
        ("08" + "ff" * 10 + "01", "more than 64 bits"),
        ("08" + "ff" * 9 + "02", "more than 64 bits"),
        ("12ffffffffffffffffff01", "are there"),
    ],
)
def test_what_is_no_message_says_why(data: str, said: str) -> None:
    with pytest.raises(ProtobufError, match=said):
        Message(bytes.fromhex(data))


def test_size_is_bounded() -> None:
    with pytest.raises(ProtobufError, match="at most"):
        Message(bytes(MAX_MESSAGE_BYTES + 1))


def test_another_wire_type_is_an_error_and_an_absent_field_is_none() -> None:
    message = Message(put_uint(1, 5) + put_blob(2, b"\xff\xfe") + put_fixed32(3, 7))
    for read in (message.blob, message.fixed32, message.float32, message.message):
        with pytest.raises(ProtobufError, match="field 1 is a varint"):
            read(1)
    with pytest.raises(ProtobufError, match="field 2 is a length and bytes, not a varint"):
        message.signed(2)
    assert message.text(2) == "\ufffd\ufffd"
    assert [message.unsigned(9), message.blob(9), message.sfixed32(9), message.message(9), message.text(9)] == [
        None
    ] * 5
    assert message.numbers == {1, 2, 3}


def test_the_last_of_a_field_counts() -> None:
    assert Message(put_uint(1, 5) + put_uint(1, 6)).unsigned(1) == 6


@given(st.binary(max_size=300))
def test_random_bytes_are_a_message_or_one_kind_of_error(data: bytes) -> None:
    try:
        message = Message(data)
    except ProtobufError:
        return
    for number in message.numbers:
        for read in (
            message.unsigned,
            message.signed,
            message.sfixed32,
            message.float32,
            message.text,
            message.message,
        ):
            try:
                read(number)
            except ProtobufError:
                continue


@given(
    st.integers(1, 2**29 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32),
    st.binary(max_size=200),
)
def test_what_is_written_is_read(number: int, unsigned: int, signed: int, real: float, blob: bytes) -> None:
    assert Message(put_uint(number, unsigned)).unsigned(number) == unsigned
    assert Message(put_uint(number, signed)).signed(number) == signed
    assert Message(put_fixed32(number, signed)).sfixed32(number) == signed
    assert Message(put_blob(number, blob)).blob(number) == blob
    back = Message(put_float32(number, real)).float32(number)
    assert back == real or (math.isnan(real) and back is not None and math.isnan(back))
