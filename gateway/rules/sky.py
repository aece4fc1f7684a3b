"""Sun and moon, good enough to tell day from night and a bright night from a dark one.

Sun: the solar position equations of NOAA's Global Monitoring Laboratory (gml.noaa.gov/grad/solcalc, after J. Meeus,
Astronomical Algorithms, 2nd edition, chapter 25), good to a hundredth of a degree. Moon: Meeus, chapters 47 and 48
(mean elements and the largest terms of the elongation), good to a hundredth of the lit part. Valid 1900 to 2100.
"""

from __future__ import annotations

from math import acos, asin, cos, degrees, radians, sin, tan
from typing import Final, Literal

_J2000_MS: Final = 946_728_000_000  # 2000-01-01 12:00 UTC
_CENTURY_MS: Final = 36_525 * 86_400_000
SUNSET_DEGREES: Final = -0.833
"""Of the sun's centre when its upper edge touches the horizon: half its width and refraction."""
CIVIL_DEGREES: Final = -6.0

Light = Literal["day", "twilight", "night"]


def sun_elevation_degrees(unix_ms: int, latitude: float, longitude: float) -> float:
    """How high the sun's centre stands, without refraction. Degrees north and east."""
    t = (unix_ms - _J2000_MS) / _CENTURY_MS
    mean_longitude = (280.46646 + t * (36_000.76983 + t * 0.0003032)) % 360
    anomaly = radians(357.52911 + t * (35_999.05029 - 0.0001537 * t))
    eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
    centre = (
        sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t))
        + sin(2 * anomaly) * (0.019993 - 0.000101 * t)
        + sin(3 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1934.136 * t)
    apparent = radians(mean_longitude + centre - 0.00569 - 0.00478 * sin(node))
    obliquity = radians(23.439291 - t * (0.0130042 + t * (0.00000016 - t * 0.000000504)) + 0.00256 * cos(node))
    declination = asin(sin(obliquity) * sin(apparent))
    y = tan(obliquity / 2) ** 2
    twice = 2 * radians(mean_longitude)
    equation_of_time_minutes = 4 * degrees(
        y * sin(twice)
        - 2 * eccentricity * sin(anomaly)
        + 4 * eccentricity * y * sin(anomaly) * cos(twice)
        - 0.5 * y * y * sin(2 * twice)
        - 1.25 * eccentricity * eccentricity * sin(2 * anomaly)
    )
    minutes = unix_ms % 86_400_000 / 60_000 + equation_of_time_minutes + 4 * longitude
    hour_angle = radians(minutes / 4 - 180)
    phi = radians(latitude)
    cosine = sin(phi) * sin(declination) + cos(phi) * cos(declination) * cos(hour_angle)
    return 90 - degrees(acos(min(1.0, max(-1.0, cosine))))


def light(unix_ms: int, latitude: float, longitude: float) -> Light:
    """Day while any of the sun is up, twilight until it is 6 degrees below, then night."""
    elevation = sun_elevation_degrees(unix_ms, latitude, longitude)
    if elevation > SUNSET_DEGREES:
        return "day"
    return "twilight" if elevation > CIVIL_DEGREES else "night"


def moon_lit_ratio(unix_ms: int) -> float:
    """The lit part of the moon's disc, 0 (new) to 1 (full)."""
    t = (unix_ms - _J2000_MS) / _CENTURY_MS
    d = 297.8501921 + t * (445_267.1114034 - 0.0018819 * t)
    sun = radians(357.5291092 + 35_999.0502909 * t)
    moon = radians(134.9633964 + t * (477_198.8675055 + 0.0087414 * t))
    elongation = radians(d)
    phase_angle = radians(
        180
        - d
        - 6.289 * sin(moon)
        + 2.100 * sin(sun)
        - 1.274 * sin(2 * elongation - moon)
        - 0.658 * sin(2 * elongation)
        - 0.214 * sin(2 * moon)
        - 0.110 * sin(elongation)
    )
    return (1 + cos(phase_angle)) / 2
