"""The phase of the moon, to catch a camera whose clock is wrong by days.

Formula: J. Meeus, Astronomical Algorithms, 2nd edition, chapter 47 (mean elements) and chapter 48 (the largest terms of
the elongation); good to a tenth of a day, and two thousand years around now.
"""

from __future__ import annotations

import datetime as dt
from math import radians, sin
from typing import Final

PHASES: Final = (
    "new",
    "new_crescent",
    "first_quarter",
    "waxing_gibbous",
    "full",
    "waning_gibbous",
    "last_quarter",
    "old_crescent",
)
"""As cameras number them."""

SYNODIC_DAYS: Final = 29.530589
TOLERANCE_DAYS: Final = 1.5

_J2000: Final = dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)
_HALF_WIDTH_DAYS: Final = (SYNODIC_DAYS / 16, SYNODIC_DAYS / 8)
"""How far a time may be from the middle of a phase that is so named: some cameras give each of the eight an eighth of
the month, others give new, quarters and full one day and what lies between all the rest."""


def age_days(moment: dt.datetime) -> float:
    """Days since the new moon by elongation, 0 to SYNODIC_DAYS. moment: with a zone."""
    t = (moment - _J2000).total_seconds() / 86_400 / 36_525
    elongation = 297.8501921 + 445_267.1114034 * t - 0.0018819 * t * t
    sun = radians(357.5291092 + 35_999.0502909 * t)
    moon = radians(134.9633964 + 477_198.8675055 * t + 0.0087414 * t * t)
    d = radians(elongation)
    apparent = (
        elongation
        + 6.289 * sin(moon)
        - 2.100 * sin(sun)
        + 1.274 * sin(2 * d - moon)
        + 0.658 * sin(2 * d)
        + 0.214 * sin(2 * moon)
        + 0.110 * sin(d)
    )
    return apparent % 360 / 360 * SYNODIC_DAYS


def contradicts(phase: int, moment: dt.datetime, tolerance_days: float = TOLERANCE_DAYS) -> bool:
    """Whether the moon cannot have been in this phase (an index of PHASES) then. A clock that is off by a whole number
    of months passes; a phase that is none of the eight contradicts nothing."""
    if not 0 <= phase < len(PHASES):
        return False
    off = (age_days(moment) - phase * SYNODIC_DAYS / 8 + SYNODIC_DAYS / 2) % SYNODIC_DAYS - SYNODIC_DAYS / 2
    return abs(off) > _HALF_WIDTH_DAYS[phase % 2] + tolerance_days
