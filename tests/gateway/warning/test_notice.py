"""The text that people get."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.warning.notice import whole_text


@pytest.mark.parametrize(
    ("more", "lang", "text"),
    [
        (0, "es", "Motosierra en norte"),
        (12, "es", "Motosierra en norte (y 12 más)"),
        (1, "en", "Motosierra en norte (and 1 more)"),
    ],
)
def test_how_many_more_are_told(more: int, lang: str, text: str) -> None:
    assert whole_text("Motosierra en norte", more, lang, 200) == text


@given(st.text(max_size=300), st.integers(0, 10**6), st.integers(40, 230))
def test_a_text_has_its_bounds_and_keeps_its_tail(words: str, more: int, max_bytes: int) -> None:
    text = whole_text(words, more, "es", max_bytes)
    assert len(text.encode()) <= max_bytes
    assert text.endswith("más)") or not more
    if not more and len(words.encode()) <= max_bytes:
        assert text == words
