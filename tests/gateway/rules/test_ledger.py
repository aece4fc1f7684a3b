"""What becomes of an incident: it grows, is seen to, closes, is held back, becomes one of many."""

from __future__ import annotations

import msgspec

from firmware_bridge.readings import Kind
from gateway.contract.entries import TimeQuality
from gateway.rules.facts import Fact, Step
from tests.gateway.rules.facts_made import (
    WALL_MS,
    acknowledged,
    engine,
    fact,
    heard,
    patrol,
    reading,
    run,
    steps,
)

SAW: dict[str, object] = {"when": "heard", "labels": ["chainsaw"], "quiet_s": 300, "open_s": 3600}


def test_more_of_the_same_grows_it_and_after_quiet_time_it_is_new() -> None:
    on = engine(SAW)
    changes = run(on, [heard(at) for at in (0, 299, 598, 898)])
    assert steps(changes) == [
        "RAISED 1 chainsaw a x1",
        "GROWN 1 chainsaw a x2",
        "GROWN 1 chainsaw a x3",
        "RAISED 2 chainsaw a x1",
    ]
    first, second = on.open_incidents()
    assert (first.first_ms, first.last_ms) == (WALL_MS, WALL_MS + 598_000)
    assert second.first_steady_ms == 898_000


def test_since_when_it_is_heard_is_told_with_bounds() -> None:
    def within(at_s: float, ms: int | None) -> Fact:
        return Fact(*msgspec.structs.astuple(heard(at_s))[:-1], ms)

    three = {**SAW, "count": 3}
    (raised,) = run(engine(three), [within(0, 500), within(1, None), within(2, 40)])
    assert (raised.incident.first_ms, raised.incident.first_within_ms) == (WALL_MS, 500)
    (raised,) = run(engine(three), [within(0, None), within(1, 500), within(2, 40)])
    assert raised.incident.first_within_ms is None


def test_a_flood_is_told_at_most_every_15_s_and_the_last_count_is_always_told() -> None:
    on = engine(SAW)
    changes = run(on, [heard(n / 10) for n in range(400)])  # ten a second, 40 s
    changes += on.tick(60_000, WALL_MS + 60_000, TimeQuality.NTP)
    assert [(step.name, one.count) for step, one in changes] == [
        ("RAISED", 1),
        ("GROWN", 150),
        ("GROWN", 300),
        ("GROWN", 400),
    ]


def test_it_closes_by_itself_when_nobody_sees_to_it() -> None:
    on = engine(SAW)
    run(on, [heard(0)])
    assert on.tick(3_599_999, WALL_MS, TimeQuality.NTP) == []
    assert steps(on.tick(3_600_000, WALL_MS, TimeQuality.NTP)) == ["CLOSED 1 chainsaw a x1"]
    assert on.open_incidents() == ()


def test_once_seen_to_it_closes_when_it_is_quiet() -> None:
    on = engine(SAW)
    changes = run(on, [heard(0), acknowledged(10, 1), heard(20), acknowledged(21, 1), acknowledged(22, 99)])
    assert steps(changes) == ["RAISED 1 chainsaw a x1", "ACKNOWLEDGED 1 chainsaw a x1"]
    (one,) = on.open_incidents()
    assert (one.state, one.note, one.count) == ("acknowledged", "vamos", 2)
    assert [change.step for change in on.tick(319_999, WALL_MS, TimeQuality.NTP)] == [Step.GROWN]
    assert [change.step for change in on.tick(320_000, WALL_MS, TimeQuality.NTP)] == [Step.CLOSED]


def test_notes_add_up() -> None:
    on = engine(SAW)
    changes = run(on, [heard(0), acknowledged(1, 1), acknowledged(2, 1, "era el vecino")])
    assert [(step, one.note) for step, one in changes[1:]] == [
        (Step.ACKNOWLEDGED, "vamos"),
        (Step.ACKNOWLEDGED, "era el vecino"),
    ]
    assert [(note.at_ms - WALL_MS, note.words) for note in changes[-1].incident.notes] == [
        (1000, "vamos"),
        (2000, "era el vecino"),
    ]


def test_of_very_many_notes_the_last_are_kept() -> None:
    on = engine(SAW)
    run(on, [heard(0), *(acknowledged(n, 1, f"nota {n}") for n in range(1, 70))])
    notes = on.open_incidents()[0].notes
    assert (len(notes), notes[0].words, notes[-1].words) == (50, "nota 20", "nota 69")


# suppressions

RAIN: dict[str, object] = {"name": "lluvia", "when": "weather", "within_s": 100}
PATROL: dict[str, object] = {"name": "patrulla", "when": "patrol", "longest_s": 7200}
SHOT: dict[str, object] = {"when": "heard", "labels": ["gunshot"]}


def test_rain_holds_back_at_the_sensor_that_hears_it_if_no_group_is_asked_for() -> None:
    on = engine({**SAW, "together": "sensor"}, suppressions=[RAIN])
    changes = run(on, [heard(0, "a", "rain"), heard(1, "a"), heard(2, "b")])
    assert steps(changes) == ["HELD_BACK 1 chainsaw a x1 (lluvia)", "RAISED 2 chainsaw b x1"]


def test_rain_at_a_group_holds_back_there_and_no_longer_than_told() -> None:
    on = engine(SAW, SHOT, suppressions=[{**RAIN, "scope": "group"}])
    facts = [heard(0, "a", "rain"), heard(1, "b"), heard(2, "c"), heard(3, "b", "gunshot"), heard(100, "b")]
    assert steps(run(on, facts)) == [
        "HELD_BACK 1 chainsaw b x1 (lluvia)",
        "RAISED 2 chainsaw c x1",
        "RAISED 3 gunshot b x1",  # never, unless it is named
        "CLOSED 1 chainsaw b x1 (lluvia)",
        "RAISED 4 chainsaw b x1",
    ]
    assert [one.number for one in on.open_incidents()] == [2, 3, 4]


def test_what_is_held_back_is_counted_and_closes() -> None:
    on = engine(SAW, suppressions=[RAIN])
    changes = run(on, [heard(0, "a", "rain"), heard(1), heard(50), heard(60)])
    assert on.open_incidents() == ()
    assert [one.count for one in on.held_back()] == [3]
    changes += on.tick(400_000, WALL_MS, TimeQuality.NTP)
    assert [(step.name, one.count) for step, one in changes] == [
        ("HELD_BACK", 1),
        ("HELD_BACK", 2),
        ("HELD_BACK", 3),
        ("CLOSED", 3),
    ]
    assert on.held_back() == ()


def test_an_incident_that_is_warned_of_goes_on_when_the_rain_begins() -> None:
    changes = run(engine(SAW, suppressions=[RAIN]), [heard(0), heard(1, "a", "rain"), heard(20)])
    assert steps(changes) == ["RAISED 1 chainsaw a x1", "GROWN 1 chainsaw a x2"]


def test_a_rain_gauge_and_a_wind_gauge_tell_of_weather_too() -> None:
    gauges = {**RAIN, "rainfall_millimetres": 0.5, "wind_speed_metres_per_second": 8, "scope": "post"}
    for values, held in (
        ({"rainfall_millimetres": 0.4}, 0),
        ({"rainfall_millimetres": 0.5}, 1),
        ({"wind_speed_metres_per_second": 9}, 1),
    ):
        on = engine(SAW, suppressions=[gauges])
        run(on, [fact(0, reading("z", kind=Kind.ENVIRONMENT, **values)), heard(1)])
        assert len(on.held_back()) == held


def test_a_near_match_is_held_back_only_if_it_rains_at_all_its_sensors() -> None:
    near: dict[str, object] = {"when": "near", "labels": ["chainsaw"], "metres": 1500}
    rain = {**RAIN, "scope": "sensor"}
    one = run(engine(near, suppressions=[rain]), [heard(0, "a", "rain"), heard(1, "a"), heard(2, "b")])
    both = run(
        engine(near, suppressions=[rain]), [heard(0, "a", "rain"), heard(0, "b", "rain"), heard(1, "a"), heard(2, "b")]
    )
    assert (one[0].step, both[0].step) == (Step.RAISED, Step.HELD_BACK)


def test_a_patrol_holds_back_until_it_is_back_or_its_time_is_up() -> None:
    for facts, held in (
        ([patrol(0, "out", 1), heard(3599)], True),
        ([patrol(0, "out", 1), heard(3600)], False),  # as long as they said
        ([patrol(0, "out", 20), heard(7200)], False),  # as long as the rules say
        ([patrol(0, "out"), heard(7199)], True),  # nobody said how long
        ([patrol(0, "out", 1), patrol(5, "back"), heard(6)], False),
        ([patrol(0, "out", 1), patrol(5, "back", name="norte"), heard(6)], True),  # another patrol
        ([patrol(0, "out", 1), heard(6, label="gunshot")], False),
    ):
        on = engine(SAW, SHOT, suppressions=[PATROL])
        assert [change.step for change in run(on, facts)] == [Step.HELD_BACK if held else Step.RAISED], facts


def test_a_gunshot_is_held_back_when_it_is_named_and_only_at_the_sensors_named() -> None:
    told = {**PATROL, "holds_back": ["gunshot"], "groups": ["two"]}
    on = engine(SAW, SHOT, suppressions=[told])
    changes = run(on, [patrol(0, "out", 1), heard(1, "c", "gunshot"), heard(2, "a", "gunshot"), heard(3, "c")])
    assert [change.step.name for change in changes] == ["HELD_BACK", "RAISED", "RAISED"]


def test_a_shot_in_a_match_of_other_sounds_is_not_held_back_with_them() -> None:
    both = {"when": "heard", "labels": ["gunshot", "chainsaw"], "count": 2}
    rain = {**RAIN, "holds_back": ["chainsaw"]}
    changes = run(engine(both, suppressions=[rain]), [heard(0, "a", "rain"), heard(1, "a", "gunshot"), heard(2, "a")])
    assert [change.step.name for change in changes] == ["RAISED"]


def test_a_suppression_may_be_for_some_rules_only() -> None:
    boat = {**SAW, "labels": ["boat"]}
    on = engine(SAW, boat, suppressions=[{**PATROL, "rules": ["rule 2"]}])
    changes = run(on, [patrol(0, "out", 1), heard(1), heard(2, label="boat")])
    assert steps(changes) == ["RAISED 1 chainsaw a x1", "HELD_BACK 2 boat a x1 (patrulla)"]


# storms

EACH: dict[str, object] = {**SAW, "together": "sensor"}


def test_many_incidents_of_one_label_become_one_with_a_count() -> None:
    on = engine(EACH, {**EACH, "labels": ["gunshot"]}, incidents=3, within_s=60)
    changes = run(on, [heard(n, f"s{n}") for n in range(20)])
    changes += run(on, [heard(20, "s0", "gunshot")])
    told = [f"{step.name} {one.number} {one.rule}" for step, one in changes if step is Step.RAISED]
    assert told == ["RAISED 1 rule 1", "RAISED 2 rule 1", "RAISED 3 rule 1", "RAISED 4 storm", "RAISED 5 rule 2"]
    storm = on.open_incidents()[3]
    assert (storm.label, storm.count, len(storm.sensors)) == ("chainsaw", 20, 20)


def test_after_a_storm_each_warns_again() -> None:
    on = engine(EACH, incidents=2, within_s=60)
    run(on, [heard(n, f"s{n}") for n in range(4)])
    # It lasts while anything of it goes on.
    assert all(change.step is not Step.RAISED for change in run(on, [heard(62, "s2"), heard(121, "s9")]))
    assert [change.incident.rule for change in run(on, [heard(181, "s8")]) if change.step is Step.RAISED] == ["rule 1"]


def test_labels_may_be_spared() -> None:
    changes = run(engine(EACH, incidents=1, spares=["chainsaw"]), [heard(n, f"s{n}") for n in range(5)])
    assert [change.incident.rule for change in changes] == ["rule 1"] * 5


def test_a_storm_can_be_seen_to() -> None:
    on = engine(EACH, incidents=1, within_s=60)
    changes = run(on, [heard(0, "x"), heard(1, "y"), acknowledged(2, 2)])
    assert (changes[-1].step, changes[-1].incident.rule) == (Step.ACKNOWLEDGED, "storm")
    assert steps(on.tick(61_000, WALL_MS, TimeQuality.NTP)) == ["CLOSED 2 chainsaw x,y x2"]


def test_what_joins_a_storm_that_was_seen_to_warns_again_if_it_is_heard_elsewhere() -> None:
    on = engine(EACH, incidents=1, within_s=60)
    run(on, [heard(0, "x"), heard(1, "y"), acknowledged(2, 2)])
    assert run(on, [heard(10, "y")]) == []  # more of what they know
    (new,) = run(on, [heard(20, "z")])
    assert (new.step, new.incident.rule, new.incident.sensors, new.incident.count) == (Step.RAISED, "storm", ("z",), 1)
    (grown,) = run(on, [heard(30, "w")])
    assert (grown.step, grown.incident.number, grown.incident.count) == (Step.GROWN, new.incident.number, 2)


def test_of_endless_open_incidents_the_oldest_close() -> None:
    on = engine({**EACH, "quiet_s": 0.001}, incidents=1000)
    changes = run(on, [heard(n) for n in range(2100)])
    assert len(on.open_incidents()) == 2000
    assert sum(change.step is Step.CLOSED for change in changes) == 100


def test_of_endless_open_incidents_no_notice_takes_the_place_of_an_alert() -> None:
    boats = {**EACH, "quiet_s": 0.001, "labels": ["boat"], "level": "notice"}
    on = engine(EACH, boats, incidents=1000)
    run(on, [heard(0), *(heard(n, "rio", "boat") for n in range(1, 2100))])
    assert on.open_incidents()[0].label == "chainsaw"
