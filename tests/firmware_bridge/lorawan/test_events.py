"""JSON and base64 from strangers."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.lorawan.events import MAX_EVENT_BYTES, parse, payload_bytes, reason_of
from firmware_bridge.readings import Rejected


class Told(msgspec.Struct):
    a: int = 0
    rest: msgspec.Raw = msgspec.Raw(b"")


DECODER = msgspec.json.Decoder(Told, strict=False)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x0a\x24" + b"3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "not_json"),  # a Protobuf event
        (b"", "not_json"),
        (b"[]", "not_json"),
        (b'{"a":1', "bad_json"),
        (b'{"a":1}\x00', "bad_json"),
        (b'{"rest":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "bad_json"),
        (b'{"a":"x"}', "bad_event"),
        (b'{"a":' + b" " * MAX_EVENT_BYTES + b"1}", "too_long"),
    ],
)
def test_what_is_no_event_has_a_reason(payload: bytes, reason: str) -> None:
    got = parse(DECODER, payload, otherwise="set json")
    assert isinstance(got, Rejected)
    assert got.reason == reason
    assert reason != "not_json" or "set json" in got.detail


def test_numbers_may_be_text() -> None:
    assert parse(DECODER, b'\n {"a":"5"}', otherwise="") == Told(5)


@given(st.binary(max_size=400))
def test_base64_of_any_alphabet_padded_or_not(payload: bytes) -> None:
    for text in (b64encode(payload).decode(), urlsafe_b64encode(payload).decode()):
        assert payload_bytes(text) == payload
        assert payload_bytes(text.rstrip("=")) == payload


@pytest.mark.parametrize("text", ["A", "AAAA=AAAA", "ab!d", "ábcd", "A" * 2000])
def test_what_is_no_base64(text: str) -> None:
    assert payload_bytes(text) is None


@given(st.text())
def test_any_text(text: str) -> None:
    payload_bytes(text)
    reason = reason_of("log", text)
    assert 4 < len(reason) <= 32
    assert reason.isascii()
