"""Times as network servers and packet forwarders write them: ISO 8601 with nanoseconds, offsets, a zone in letters."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

MAX_AHEAD_S: Final = 300.0
"""Two clocks differ by a little, far from any time server by minutes: so much of the future is now."""
_MAX_CHARACTERS: Final = 64


def epoch_seconds(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time, compact or expanded, of any precision; None for what is none.

    A time without a zone is UTC; so are one in Z, GMT and UTC.
    """
    text = text.strip()
    if not 8 <= len(text) <= _MAX_CHARACTERS:
        return None
    for zone in ("GMT", "UTC"):
        text = text.removesuffix(zone).rstrip()
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds >= 0 else None


def age_s(told_s: float | None, now_s: float) -> float:
    """How long ago something was received: 0 when no time was told; not a number when the time is in the future by
    more than clocks that agree may differ, so that it is counted as implausible."""
    if told_s is None:
        return 0.0
    age = now_s - told_s
    if age >= 0:
        return age
    return 0.0 if age >= -MAX_AHEAD_S else math.nan
