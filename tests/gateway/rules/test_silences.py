"""A sensor that is not heard for its own interval, declared or learned."""

from __future__ import annotations

import pytest

from gateway.contract.entries import TimeQuality
from gateway.place.place import Place, PlacedSensor
from gateway.rules.engine import Engine
from gateway.rules.facts import Change, Fact
from tests.gateway.rules.facts_made import PLAIN, WALL_MS, acknowledged, engine, heard, run, status, steps

SILENT: dict[str, object] = {"when": "silent", "times": 3}
DECLARED = Place({"a": PlacedSensor("a", "A", expected_interval_s=600.0), "b": PlacedSensor("b", "B")})


def at(on: Engine, seconds: float) -> list[Change]:
    return on.tick(round(seconds * 1000), WALL_MS + round(seconds * 1000), TimeQuality.NTP)


def test_a_declared_interval_counts_from_the_last_word() -> None:
    on = engine(SILENT, place=DECLARED)
    assert run(on, [status(0), heard(600)]) == []
    assert at(on, 2399.999) == []
    (raised,) = at(on, 2400)
    assert steps([raised]) == ["RAISED 1 silence a x0"]
    assert raised.incident.level == "notice"
    assert raised.incident.last_ms == WALL_MS + 600_000  # its last word
    assert at(on, 99_999) == []  # told once
    assert steps(on.hear(heard(100_000, label="rain"))) == ["CLOSED 1 silence a x0"]
    assert steps(at(on, 101_800)) == ["RAISED 2 silence a x0"]


def test_one_that_never_spoke_is_silent_from_the_beginning() -> None:
    on = engine(SILENT, place=DECLARED)
    assert steps(run(on, [status(0, "b"), status(1800, "b")])) == ["RAISED 1 silence a x0"]


def test_a_rule_s_own_interval_goes_before_and_where_none_is_known_nobody_is_silent() -> None:
    on = engine({**SILENT, "interval_s": 10}, place=DECLARED)
    assert steps(run(on, [status(0), status(29, "b"), status(30, "b")])) == ["RAISED 1 silence a x0"]
    on = engine(SILENT, place=DECLARED)
    assert run(on, [status(0, "b"), status(10, "b"), status(20, "b"), status(1799, "a")]) == []
    assert at(on, 2000) == []


def learned(gaps: list[float], *, detections: bool = False) -> float | None:
    """When (seconds after its last word) a sensor with these gaps is silent."""
    on, now = engine(SILENT), 1000.0
    facts: list[Fact] = [status(now, "x")]
    for gap in gaps:
        now += gap
        facts.append(heard(now, "x") if detections else status(now, "x"))
    run(on, facts)
    return next((second for second in range(1, 20_000, 10) if at(on, now + second)), None)


@pytest.mark.parametrize(
    ("gaps", "silent"),
    [
        ([600.0] * 3, None),  # too few
        ([600.0] * 4, 1801),
        ([600.0] * 15 + [7200.0], 1801),  # once it was away
        ([0.2, 600.0] * 8, 1801),  # two readings a word
        ([600.0, 610.0, 590.0, 605.0, 1200.0], 3601),
        ([1.5] * 10, 31),  # however often it speaks, ten seconds are no silence
    ],
)
def test_an_interval_is_learned_from_what_it_says_by_itself(gaps: list[float], silent: float | None) -> None:
    assert learned(gaps) == silent


def test_detections_teach_nothing_and_are_heard() -> None:
    assert learned([5.0] * 50, detections=True) is None
    assert learned([600.0] * 4) == 1801


def test_a_rule_for_some_sensors() -> None:
    on = engine({**SILENT, "sensors": ["b"]}, place=DECLARED)
    run(on, [status(0)])
    assert at(on, 9000) == []


def test_hours_hold_a_silence_back_until_they_come() -> None:
    on = engine({**SILENT, "hours": ["15:00-16:00"]}, place=DECLARED)
    run(on, [status(0)])  # 14:13
    assert at(on, 2999) == []
    assert steps(at(on, 3000)) == ["RAISED 1 silence a x0"]  # 15:00 is 2800 s later; it is looked at every ten minutes


def test_a_silence_that_is_seen_to_stays_until_the_sensor_is_heard() -> None:
    on = engine(SILENT, place=DECLARED)
    run(on, [status(0), status(2000, "b"), acknowledged(2001, 1, "sin batería")])
    assert at(on, 200_000) == []
    assert [one.note for one in on.open_incidents()] == ["sin batería"]
    assert steps(on.hear(status(200_001))) == ["CLOSED 1 silence a x0"]


def test_many_silences_are_one() -> None:
    many = Place({f"s{n}": PlacedSensor(f"s{n}", "", expected_interval_s=60.0) for n in range(20)})
    on = engine(SILENT, place=many, incidents=3, within_s=600)
    on.hear(status(0, "x"))
    told = [change.incident.rule for change in at(on, 180) if change.step.name == "RAISED"]
    assert told == ["rule 1", "rule 1", "rule 1", "storm"]


def test_no_silent_rule_needs_no_past() -> None:
    saw: dict[str, object] = {"when": "heard", "labels": ["chainsaw"]}
    assert engine(saw).longest_window_ms < 3_600_000 <= engine(SILENT, place=PLAIN).longest_window_ms
