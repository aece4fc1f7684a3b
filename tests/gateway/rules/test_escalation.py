"""What several rules find in one place is one incident: it grows, and becomes an alert when one of them says so."""

from __future__ import annotations

import pytest

from gateway.contract.entries import TimeQuality
from gateway.rules.facts import Change, Step
from tests.gateway.rules.facts_made import WALL_MS, acknowledged, engine, heard, patrol, run, steps

SAW: dict[str, object] = {"name": "saw", "when": "heard", "labels": ["chainsaw"], "quiet_s": 300}
NEAR: dict[str, object] = {"name": "near", "when": "near", "labels": ["chainsaw", "tree_fall"], "metres": 1500}


def told(changes: list[Change]) -> list[str]:
    """Such as "RAISED 1 alert saw,near"."""
    return [f"{step.name} {one.number} {one.level} {','.join(one.found_by)}" for step, one in changes]


def test_one_chainsaw_that_two_rules_find_is_one_alert_that_grows() -> None:
    on = engine(SAW, NEAR)
    changes = run(on, [heard(0), heard(10, "b"), heard(20)])
    assert steps(changes[:2]) == ["RAISED 1 chainsaw a x1", "GROWN 1 chainsaw a,b x2"]
    assert told(changes[:1]) == ["RAISED 1 alert saw"]
    assert {change.incident.number for change in changes} == {1}
    (one,) = on.open_incidents()
    assert (one.count, one.found_by) == (3, ("saw", "near"))


def test_whichever_rule_comes_first() -> None:
    changes = run(engine({**SAW, "count": 3}, NEAR), [heard(0), heard(10, "b"), heard(20)])
    assert told(changes[:1]) == ["RAISED 1 alert near"]
    assert told(changes[-1:]) == ["GROWN 1 alert near,saw"]


def test_a_notice_becomes_an_alert_when_a_rule_that_alerts_finds_it_too() -> None:
    changes = run(engine({**SAW, "level": "notice"}, NEAR), [heard(0), heard(10, "b")])
    assert told(changes)[0] == "RAISED 1 notice saw"
    assert told(changes)[-1] == "GROWN 1 alert saw,near"


def test_what_was_seen_to_as_a_notice_warns_anew_as_an_alert() -> None:
    on = engine({**SAW, "level": "notice"}, NEAR)
    changes = run(on, [heard(0), acknowledged(5, 1), heard(10, "b")])
    assert told(changes)[-1] == "RAISED 2 alert near"


@pytest.mark.parametrize(
    ("other", "sensor"),
    [
        ({"when": "heard", "labels": ["chainsaw"], "groups": ["two"]}, "c"),  # elsewhere
        ({"when": "heard", "labels": ["boat"]}, "a"),  # another thing
    ],
)
def test_another_thing_or_place_is_another_incident(other: dict[str, object], sensor: str) -> None:
    label = "chainsaw" if sensor == "c" else "boat"
    changes = run(engine({**SAW, "groups": ["one"]}, other), [heard(0), heard(1, sensor, label)])
    assert [change.step for change in changes] == [Step.RAISED, Step.RAISED]


def test_after_quiet_time_it_is_another() -> None:
    on = engine(SAW, {**SAW, "name": "weak", "confidence": 0.2})
    changes = run(on, [heard(0), heard(400, confidence=0.3)])
    assert told(changes)[-1] == "RAISED 2 alert weak"


def test_a_warning_does_not_join_what_is_held_back() -> None:
    patrolled = {"name": "patrulla", "when": "patrol", "rules": ["saw"]}
    on = engine(SAW, {**SAW, "name": "post", "together": "post"}, suppressions=[patrolled])
    changes = run(on, [patrol(0, "out", 1), heard(1)])
    assert steps(changes) == ["HELD_BACK 1 chainsaw a x1 (patrulla)", "RAISED 2 chainsaw a x1"]


def test_what_is_held_back_of_one_rule_adds_to_what_another_warned_of() -> None:
    patrolled = {"name": "patrulla", "when": "patrol", "rules": ["post"]}
    on = engine(SAW, {**SAW, "name": "post", "together": "post"}, suppressions=[patrolled])
    changes = run(on, [patrol(0, "out", 1), heard(1)])
    assert steps(changes) == ["RAISED 1 chainsaw a x1", "GROWN 1 chainsaw a x1"]
    assert on.held_back() == ()


def test_a_shot_and_an_explosion_are_never_one_incident() -> None:
    on = engine({"when": "heard", "labels": ["gunshot", "explosion", "chainsaw"]})
    labels = ["chainsaw", "gunshot", "explosion", "gunshot", "explosion", "chainsaw"]
    run(on, [heard(n, label=label) for n, label in enumerate(labels)])
    assert [(one.label, one.count) for one in on.open_incidents()] == [
        ("chainsaw", 2),
        ("gunshot", 2),
        ("explosion", 2),
    ]


def test_a_storm_of_notices_becomes_an_alert_with_the_first_that_is_one() -> None:
    each: dict[str, object] = {"when": "heard", "labels": ["person"], "together": "sensor"}
    on = engine(
        {**each, "level": "notice", "confidence": 0.2}, {**each, "sensors": ["z"], "confidence": 0.8}, incidents=1
    )
    changes = run(on, [heard(0, "x", "person", 0.3), heard(1, "y", "person", 0.3), heard(2, "z", "person", 0.9)])
    assert [(step.name, one.rule, one.level) for step, one in changes][1:] == [
        ("RAISED", "storm", "notice"),
        ("GROWN", "storm", "notice"),
        ("GROWN", "storm", "alert"),
    ]


def test_after_a_restart_it_is_still_one() -> None:
    facts = [heard(0), heard(10, "b"), heard(20)]
    before = engine(SAW, NEAR)
    run(before, facts)
    after = engine(SAW, NEAR)
    assert after.recall(before.open_incidents(), facts, 30_000, WALL_MS + 30_000, TimeQuality.NTP) == []
    changes = run(after, [heard(40, "b"), heard(60)])
    assert {change.incident.number for change in changes} == {1}
    assert after.open_incidents()[0].found_by == ("saw", "near")
