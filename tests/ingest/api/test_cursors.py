"""Cursors come back as they went; anything else is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api.cursors import AfterReading, AfterSensor, decode_cursor, encode_cursor

sensors = st.builds(AfterSensor, st.integers(0, 255), st.text(max_size=32), st.text(max_size=32))
places = st.builds(AfterReading, st.integers(0, 2**63 - 1), st.integers(0, 10_000))


@given(cursor=sensors | places)
def test_there_and_back(cursor: AfterSensor | AfterReading) -> None:
    text = encode_cursor(cursor)
    assert decode_cursor(text) == cursor
    assert all(c.isalnum() or c in "-_" for c in text)


@given(text=st.text(max_size=60))
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="`cursor`"):
        decode_cursor(text)


@pytest.mark.parametrize(
    "raw", [b'["range",-1,0]', b'["range",1,10001]', b'["range",9223372036854775808,0]', b'["x",1]', b"{}"]
)
def test_out_of_bounds_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="`cursor`"):
        decode_cursor(base64.urlsafe_b64encode(raw).decode())
