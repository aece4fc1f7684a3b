"""Distances on the ground and along a river."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.place.geometry import River, distance_metres

BEND = River("bend", [(0.0, 0.0), (0.0, 0.1), (0.1, 0.1), (0.1, 0.1), (0.1, 0.3)])
"""West to east, north, then east again; with a doubled point."""


def test_distances_are_those_of_geodesy() -> None:
    # One degree along the equator on the mean sphere; Lima to Iquitos by the haversine formula.
    assert distance_metres((0, 0), (0, 1)) == pytest.approx(111_195, abs=1)
    assert distance_metres((-12.0464, -77.0428), (-3.7437, -73.2516)) == pytest.approx(1_012_500, rel=0.002)
    assert distance_metres((0, 0), (0, 180)) == pytest.approx(20_015_115, abs=10)


def test_a_place_beside_the_river_is_told_along_and_off() -> None:
    along, off = BEND.along_metres(0.05, 0.11)
    assert along == pytest.approx(111_195 * 0.15, rel=0.001)
    assert off == pytest.approx(1112, rel=0.01)
    assert BEND.along_metres(-1.0, -1.0)[0] == 0.0
    assert BEND.along_metres(0.1, 0.9)[0] == pytest.approx(BEND.length_metres)


@given(share=st.floats(0, 1))
def test_a_place_on_the_river_is_found_again(share: float) -> None:
    point = BEND.point_at(share * BEND.length_metres)
    along, off = BEND.along_metres(*point)
    assert along == pytest.approx(share * BEND.length_metres, abs=1.0)
    assert off == pytest.approx(0.0, abs=1.0)


def test_beyond_the_ends_is_the_end() -> None:
    assert BEND.point_at(-5) == (0.0, 0.0)
    assert BEND.point_at(1e9) == pytest.approx((0.1, 0.3))
    assert repr(BEND).startswith("River('bend', 5 points")
