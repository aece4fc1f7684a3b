"""Times as servers write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.lorawan.server_times import age_s, epoch_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2022-07-18T09:34:15.775023242+00:00", 1658136855.775023),  # ChirpStack documentation, uplink event
        ("2022-07-18T04:34:15.775023242-05:00", 1658136855.775023),
        ("2020-02-12T15:15:46.014773143Z", 1581520546.014773),  # The Things Stack documentation, data formats
        ("2013-03-31T16:21:17.528002Z", 1364746877.528002),  # Semtech protocol 1.4, rxpk
        ("2014-01-12 08:59:28 GMT", 1389517168.0),  # Semtech protocol 1.4, stat
        ("2014-01-12 08:59:28 UTC", 1389517168.0),
        ("2014-01-12T08:59:28", 1389517168.0),
        ("20140112T085928Z", 1389517168.0),
        ("", None),
        ("yesterday", None),
        ("2014-13-12T08:59:28Z", None),
        ("0001-01-01T00:00:00Z", None),  # an unset time in Go
        ("1969-12-31T23:59:59Z", None),
        ("2" * 1000, None),
    ],
)
def test_times(text: str, seconds: float | None) -> None:
    assert epoch_seconds(text) == (pytest.approx(seconds, abs=1e-6) if seconds is not None else None)


@given(st.text())
def test_any_text_is_a_time_or_none(text: str) -> None:
    seconds = epoch_seconds(text)
    assert seconds is None or seconds >= 0


def test_ages() -> None:
    assert age_s(None, 100) == 0
    assert age_s(90, 100) == 10
    assert age_s(300, 100) == 0  # clocks that agree
    assert math.isnan(age_s(500, 100))
