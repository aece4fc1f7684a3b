"""Times, ages, sizes and distances as people say them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.page import phrases
from gateway.page.languages import Language, Languages

SPANISH = Language("es", ZoneInfo("America/Lima"))


def english() -> Language:
    languages = Languages(None, "en", ZoneInfo("America/Lima"))
    languages.open()
    return languages.get("en")


def ms(*when: int) -> int:
    return round(datetime(*when, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]  # year, month, ...


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "hace un momento"),
        (59, "hace un momento"),
        (60, "hace 1 min"),
        (3599, "hace 59 min"),
        (3600, "hace 1 h"),
        (86_399, "hace 23 h"),
        (86_400, "hace 1 día"),
        (300_000, "hace 3 días"),
    ],
)
def test_ago(seconds: float, words: str) -> None:
    assert phrases.ago(SPANISH, seconds) == words


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ((2026, 5, 10, 19, 5), "las 14:05"),
        ((2026, 5, 10, 6, 30), "la 1:30"),
        ((2026, 5, 10, 2, 0), "ayer a las 21:00"),
        ((2026, 5, 11, 6, 0), "mañana a la 1:00"),
        ((2026, 5, 8, 19, 5), "el 8/05 14:05"),
    ],
)
def test_moment(when: tuple[int, ...], words: str) -> None:
    assert phrases.moment(SPANISH, ms(*when), ms(2026, 5, 10, 20, 0)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 min"), (1500, "25 min"), (3600, "1 h"), (5400, "1 h 30 min"), (86_400, "24 h"), (180_000, "2 días")],
)
def test_lasting(seconds: float, words: str) -> None:
    assert phrases.lasting(SPANISH, seconds) == words


def test_hours_are_the_posts_and_the_day_is_told_when_it_is_another() -> None:
    now = ms(2026, 5, 3, 20, 0)
    assert phrases.at(SPANISH, ms(2026, 5, 3, 19, 5), now) == "14:05"
    assert phrases.at(SPANISH, ms(2026, 5, 3, 4, 59), now) == "2/05 23:59"
    assert phrases.at(SPANISH, ms(2025, 12, 31, 19, 5), now) == "31/12/2025 14:05"


def test_a_decimal_comma_but_in_english() -> None:
    assert phrases.number(SPANISH, 27.44, 1) == "27,4"
    assert phrases.number(english(), 27.44, 1) == "27.4"
    assert phrases.percent(SPANISH, 0.875) == "88\N{NO-BREAK SPACE}%"
    assert phrases.percent(english(), 0.87) == "87%"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 kB"),
        (512, "0,5 kB"),
        (48_211, "48 kB"),
        (4_200_000, "4,2 MB"),
        (11_400_000_000, "11 GB"),
        (2e12, "2,0 TB"),
    ],
)
def test_size(count: float, words: str) -> None:
    assert phrases.size(SPANISH, count) == words


@pytest.mark.parametrize(("metres", "words"), [(500, "500 m"), (2000, "2 km"), (2500, "2,5 km"), (20_000, "20 km")])
def test_distance(metres: float, words: str) -> None:
    assert phrases.distance(SPANISH, metres) == words
