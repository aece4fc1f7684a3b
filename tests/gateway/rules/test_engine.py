"""The same facts give the same changes; no fact is too strange."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.readings import LABELS, Kind, Reading
from gateway.rules.engine import Engine
from gateway.rules.facts import Change, Fact
from gateway.rules.words import MAX_BYTES, words
from tests.gateway.rules.facts_made import BEND, WALL_MS, book, engine, heard, status

EVERYTHING = book(
    {"when": "heard", "labels": ["chainsaw"], "count": 2, "of": 3, "hours": ["18:00-06:00", "07:00-09:00"]},
    {"when": "heard", "labels": ["gunshot", "voices"], "sun": ["night"], "moon": "dark", "together": "sensor"},
    {"when": "heard", "labels": ["chainsaw"], "together": "post", "max_age_s": 60},
    {"when": "near", "labels": ["gunshot", "chainsaw"], "metres": 6000},
    {"when": "boat"},
    {"when": "silent", "interval_s": 60},
    {"when": "silent", "hours": ["10:00-11:00"]},
    suppressions=[
        {"name": "lluvia", "when": "weather", "rainfall_millimetres": 1, "wind_speed_metres_per_second": 5},
        {"name": "patrulla", "when": "patrol"},
    ],
    incidents=3,
)
_int64 = st.integers(-(2**63), 2**63 - 1)
_sensors = st.sampled_from([*BEND.sensors, "x", ""]) | st.text(max_size=8)
_labels = st.sampled_from([*LABELS, "out", "back", "silence", "storm"]) | st.text(max_size=8)
_codes = st.sampled_from([1, 3, 35, 37, 52, 53]) | _int64
_kinds = st.sampled_from([int(kind) for kind in Kind]) | st.integers(0, 255)
_readings = st.builds(
    Reading,
    _kinds,
    _sensors,
    _labels,
    st.lists(_codes, max_size=3).map(tuple),
    st.lists(st.integers(0, 1000) | _int64, max_size=3).map(tuple),
    st.sampled_from([0, 0, 500, 10**7]) | _int64,
    st.text(max_size=5),
)
_strange = st.lists(
    st.builds(Fact, _int64 | st.integers(0, 10**7), _int64, st.integers(0, 255), _readings), max_size=30
)


@given(_strange)
def test_no_fact_is_too_strange(facts: list[Fact]) -> None:
    on = Engine(EVERYTHING, BEND, ZoneInfo("America/Lima"))
    for one in facts:
        for change in on.hear(one):
            for lang, zone in (("es", ZoneInfo("America/Lima")), ("en", None)):
                line = words(change, lang, BEND, zone)
                assert len(line.encode()) <= MAX_BYTES
                assert line.isprintable()
    on.tick(2**63 - 1, 0, 5)


_calm = st.lists(
    st.tuples(
        st.integers(0, 400_000),
        st.sampled_from([*BEND.sensors]),
        st.sampled_from(["chainsaw", "gunshot", "voices", "rain", "long_tail_motor", ""]),
    ),
    max_size=40,
)


def made(told: list[tuple[int, str, str]]) -> list[Fact]:
    at_ms, facts = 0, []
    for gap_ms, sensor, label in told:
        at_ms += gap_ms
        facts.append(heard(at_ms / 1000, sensor, label) if label else status(at_ms / 1000, sensor))
    return facts


@given(_calm, st.data())
def test_ticks_between_facts_only_tell_earlier(told: list[tuple[int, str, str]], data: st.DataObject) -> None:
    facts = made(told)
    plain, ticked = Engine(EVERYTHING, BEND), Engine(EVERYTHING, BEND)
    expected: list[Change] = []
    found: list[Change] = []
    before_ms = 0
    for number, one in enumerate(facts):
        expected += plain.hear(one)
        if number:  # the first fact begins the time of both
            for at_ms in sorted(data.draw(st.lists(st.integers(before_ms, one.steady_ms), max_size=3))):
                found += ticked.tick(at_ms, WALL_MS + at_ms, one.quality)
        found += ticked.hear(one)
        before_ms = one.steady_ms
    assert found == expected
    assert ticked.open_incidents() == plain.open_incidents()


def test_time_that_goes_back_counts_as_the_latest() -> None:
    on = engine({"when": "heard", "labels": ["chainsaw"]})
    on.hear(heard(100))
    on.hear(heard(50))
    assert on.open_incidents()[0].last_steady_ms == 100_000
