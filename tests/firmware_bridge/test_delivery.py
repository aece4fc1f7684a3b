"""Rejections of a chunk are told once a reason."""

from __future__ import annotations

from firmware_bridge.delivery import Tally
from firmware_bridge.readings import Rejected


def test_a_reason_is_told_once_with_its_count() -> None:
    tally = Tally()
    tally.add("bad_crc", "first")
    tally.add("too_short")
    tally.add("bad_crc", "second", 2)
    assert tally.items() == [Rejected("bad_crc", 3, "first"), Rejected("too_short", 1, "")]
