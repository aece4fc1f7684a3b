"""Labels, confidence, sensors, k of n, several sensors near each other, hours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.entries import TimeQuality
from gateway.rules.facts import Step
from tests.gateway.rules.facts_made import PLAIN, engine, fact, heard, reading, run, steps

SAW: dict[str, object] = {"when": "heard", "labels": ["chainsaw"]}


def test_a_label_with_enough_confidence_is_an_incident_of_its_group() -> None:
    on = engine(SAW)
    changes = run(
        on, [heard(0, "a", confidence=0.49), heard(1, "a", "rain"), heard(2, "a"), heard(3, "b"), heard(4, "c")]
    )
    assert steps(changes) == ["RAISED 1 chainsaw a x1", "GROWN 1 chainsaw a,b x2", "RAISED 2 chainsaw c x1"]
    assert [one.number for one in on.open_incidents()] == [1, 2]


def test_a_detection_that_tells_no_confidence_is_sure() -> None:
    assert steps(run(engine(SAW), [heard(0, confidence=None)])) == ["RAISED 1 chainsaw a x1"]


@pytest.mark.parametrize(
    ("where", "sensors"),
    [
        ({"sensors": ["d"]}, "d"),
        ({"groups": ["two"]}, "c"),
        ({"groups": ["one"], "sensors": ["d"]}, "abd"),
        ({}, "abcdz"),
    ],
)
def test_a_rule_asks_its_own_sensors_only(where: dict[str, object], sensors: str) -> None:
    on = engine({**SAW, **where, "together": "sensor"})
    changes = run(on, [heard(n, sensor) for n, sensor in enumerate("abcdz")])
    assert "".join(change.incident.sensors[0] for change in changes) == sensors


@pytest.mark.parametrize(("together", "count"), [("sensor", 4), ("group", 3), ("post", 1)])
def test_what_is_one_incident(together: str, count: int) -> None:
    changes = run(engine({**SAW, "together": together}), [heard(n, sensor) for n, sensor in enumerate("abcd")])
    assert sum(change.step is Step.RAISED for change in changes) == count


def test_what_comes_late_is_shown_and_wakes_nobody() -> None:
    on = engine({**SAW, "max_age_s": 600})
    late = fact(1000, reading("a", "chainsaw", age_s=601))
    in_time = fact(1001, reading("c", "chainsaw", age_s=599))
    assert steps(run(on, [late, in_time])) == ["HELD_BACK 1 chainsaw a x1 (late)", "RAISED 2 chainsaw c x1"]
    assert on.open_incidents()[0].first_steady_ms == 402_000  # when it happened, not when it came


# k of n against the definition, word by word

_calls = st.lists(
    st.tuples(
        st.integers(1, 40), st.sampled_from("abcd"), st.sampled_from(["chainsaw", "rain"]), st.sampled_from([0.3, 0.9])
    ),
    max_size=60,
)


@given(
    _calls,
    st.integers(1, 4),
    st.none() | st.integers(4, 7),
    st.integers(1, 90),
    st.sampled_from(["group", "sensor", "post"]),
)
def test_k_of_n_is_as_counted_by_hand(
    calls: list[tuple[int, str, str, float]], count: int, of: int | None, within_s: int, together: str
) -> None:
    # quiet_s so short that each match is an incident of its own
    rule: dict[str, object] = {**SAW, "count": count, "within_s": within_s, "together": together, "quiet_s": 0.001}
    on = engine({**rule, "of": of} if of else rule, incidents=1000)
    at, heard_before, expected, found = 0, [], [], []
    for gap, sensor, label, confidence in calls:
        at += gap
        found += [
            (at, c.incident.count) for c in on.hear(heard(at, sensor, label, confidence)) if c.step is Step.RAISED
        ]
        groups = PLAIN.sensors[sensor].groups
        scope = {"group": groups[0] if groups else sensor, "sensor": sensor, "post": ""}[together]
        is_own = label == "chainsaw" and confidence >= 0.5
        heard_before.append((at, scope, is_own))
        same = [one for one in heard_before if one[1] == scope]
        if of is None:
            same = [one for one in same if one[2]]
        recent = [one for one in same[-(of or count) :] if at - within_s < one[0]]
        matched = sum(one[2] for one in recent) if count > 1 else 1
        if is_own and matched >= count:
            expected.append((at, matched))
    assert found == expected


# several sensors

NEAR: dict[str, object] = {"when": "near", "labels": ["gunshot"], "metres": 1500, "within_s": 60}


def shots(*told: tuple[float, str]) -> list[str]:
    return steps(run(engine(NEAR), [heard(at, sensor, "gunshot") for at, sensor in told]))


def test_neighbours_that_hear_it_about_the_same_time_are_an_incident() -> None:
    assert shots((0, "a"), (59, "b")) == ["RAISED 1 gunshot a,b x2"]
    assert shots((0, "a"), (60, "b")) == []  # too late
    assert shots((0, "b"), (5, "c")) == []  # 2 km apart
    assert shots((0, "a"), (5, "a")) == []  # the same sensor
    assert shots((0, "a"), (5, "nowhere")) == []  # nobody knows where


def test_three_sensors_around_the_last_one() -> None:
    on = engine({**NEAR, "sensors_count": 3, "metres": 2500})
    changes = run(
        on, [heard(0, "a", "gunshot"), heard(1, "c", "gunshot"), heard(2, "b", "gunshot"), heard(9, "c", "gunshot")]
    )
    # a and c are 3 km apart, but each is near to b; c at the end has only b near it
    assert steps(changes) == ["RAISED 1 gunshot a,c,b x3"]


def test_an_incident_that_moves_from_neighbour_to_neighbour_is_one() -> None:
    on = engine({**NEAR, "metres": 2500})
    changes = run(on, [heard(0, "a", "gunshot"), heard(5, "b", "gunshot"), heard(10, "c", "gunshot")])
    assert steps(changes) == ["RAISED 1 gunshot a,b x2", "GROWN 1 gunshot a,b,c x3"]


# hours

NIGHT: dict[str, object] = {**SAW, "hours": ["18:00-06:00"], "together": "sensor"}


def test_hours_hold_by_the_wall_and_the_post_s_zone() -> None:
    changes = run(engine(NIGHT), [heard(0, "a"), heard(16_300, "b"), heard(59_500, "c")])
    raised = [change for change in changes if change.step is Step.RAISED]
    assert steps(raised) == ["RAISED 1 chainsaw b x1"]  # 18:45 UTC; 14:13 and 06:45 are not


@pytest.mark.parametrize(("untrusted_time", "count"), [("warn", 1), ("ignore", 0)])
def test_while_nobody_vouches_for_the_clock_hours_hold_as_the_rule_says(untrusted_time: str, count: int) -> None:
    on = engine({**NIGHT, "untrusted_time": untrusted_time})
    assert len(on.hear(fact(0, reading("a", "chainsaw"), TimeQuality.UNTRUSTED))) == count


@pytest.mark.parametrize(("sun", "count"), [(["day"], 1), (["night", "twilight"], 0)])
def test_the_sun_is_asked_where_the_post_is(sun: list[str], count: int) -> None:
    assert len(engine({**SAW, "sun": sun}).hear(heard(0))) == count  # 14:13 UTC at 72° W: morning


def test_the_moon_is_asked() -> None:
    # 2026-09-21: some days past the first quarter
    assert len(engine({**SAW, "moon": "bright"}).hear(heard(0))) == 1
    assert len(engine({**SAW, "moon": "dark"}).hear(heard(0))) == 0
