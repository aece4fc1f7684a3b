"""The retained state of a post: a small JSON object, or a refusal in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.states import MAX_STATE_BYTES, StationState, decode_state, encode_state
from gateway.contract.topics import ContractError


@given(
    st.builds(
        StationState,
        st.text(st.characters(codec="utf-8"), max_size=32),
        st.sampled_from(("up", "down")),
        st.text(st.characters(codec="utf-8"), max_size=20),
        st.none() | st.integers(-(2**53), 2**53),
    )
)
def test_what_goes_in_comes_out(state: StationState) -> None:
    assert decode_state(encode_state(state)) == state


def test_the_wire_format_does_not_change() -> None:
    assert encode_state(StationState("puesto-yaguas", "up", "0.1.0", 1_763_829_000_000)) == (
        b'{"station":"puesto-yaguas","link":"up","software":"0.1.0","since_ms":1763829000000}'
    )


def test_a_later_version_may_say_more() -> None:
    later = b'{"station":"p","link":"down","sun":[1,{"a":null}]}'
    assert decode_state(later) == StationState("p", "down")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"station":"p"}',
        b'{"station":"p","link":"sideways"}',
        b'{"station":7,"link":"up"}',
        b'{"station":"\xff\xfe","link":"up"}',
        b'{"station":"\\ud800","link":"up"}',
        b'{"station":"p","link":"up","since_ms":' + b"9" * 400 + b"}",
        b'{"station":"p","link":"up","since_ms":1e999}',
        b'{"station":"p","link":"up","x":' + b"[" * 500 + b"]" * 480 + b"}",
        b'{"station":"p","link":"up"' + b" " * MAX_STATE_BYTES + b"}",
        encode_state(StationState("p", "up"))[:-1],
    ],
    ids=lambda message: repr(message[:50]),
)
def test_what_is_no_state_is_refused(message: bytes) -> None:
    with pytest.raises(ContractError):
        decode_state(message)


@given(st.binary(max_size=100))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ContractError):
        decode_state(raw)
