"""After a restart the rules know what was told, and go on as if nothing had been."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.entries import TimeQuality
from gateway.place.place import Place, PlacedSensor
from gateway.rules.book import STORM, RuleBook, Storm
from gateway.rules.engine import Engine
from gateway.rules.facts import Change, Fact, Incident, Step
from tests.gateway.rules.facts_made import (
    BEND,
    PLAIN,
    WALL_MS,
    acknowledged,
    book,
    fact,
    heard,
    patrol,
    reading,
    run,
    status,
    steps,
)
from tests.gateway.rules.test_boats import passing

SAW: dict[str, object] = {"name": "saw", "when": "heard", "labels": ["chainsaw"], "quiet_s": 300, "open_s": 3600}


def standing(changes: list[Change]) -> list[Incident]:
    """Each incident as it stood last: what the history keeps."""
    return list({change.incident.number: change.incident for change in changes}.values())


def restarted(
    rules: RuleBook, before: list[Change], facts: list[Fact], at_s: float, place: Place = PLAIN
) -> tuple[Engine, list[Change]]:
    on = Engine(rules, place)
    at_ms = round(at_s * 1000)
    return on, on.recall(standing(before), facts, at_ms, WALL_MS + at_ms, TimeQuality.NTP)


def test_what_was_told_is_not_told_again_and_goes_on() -> None:
    facts = [heard(0), heard(20), acknowledged(30, 1), heard(40)]
    rules = book(SAW)
    before = run(Engine(rules, PLAIN), facts)
    on, told = restarted(rules, before, facts, 100)
    assert steps(told) == ["GROWN 1 chainsaw a x3"]  # the post went off before it told of the third
    (one,) = on.open_incidents()
    assert (one.number, one.count, one.state) == (1, 3, "acknowledged")
    assert steps(on.hear(heard(339))) == ["GROWN 1 chainsaw a x4"]
    assert steps(on.hear(heard(700)))[-1] == "RAISED 2 chainsaw a x1"


def test_notes_add_up_over_a_restart() -> None:
    facts = [heard(0), acknowledged(1, 1), acknowledged(2, 1, "era el vecino")]
    rules = book(SAW)
    on, told = restarted(rules, run(Engine(rules, PLAIN), facts), facts, 10)
    assert told == []
    on.hear(acknowledged(11, 1, "ya se fue"))
    assert [note.words for note in on.open_incidents()[0].notes] == ["vamos", "era el vecino", "ya se fue"]


def test_without_the_facts_numbers_go_on_and_open_incidents_are_known() -> None:
    rules = book(SAW)
    before = run(Engine(rules, PLAIN), [heard(0), heard(0, "c"), heard(0, "d")])
    on, told = restarted(rules, before, [], 10)
    assert (told, len(on.open_incidents())) == ([], 3)
    assert steps(on.hear(heard(20, "c"))) == ["GROWN 2 chainsaw c x2"]
    assert steps(on.hear(heard(400, "c"))) == ["RAISED 4 chainsaw c x1"]


def test_what_nobody_was_told_of_is_told_now() -> None:
    rules = book(SAW)
    on, told = restarted(rules, [], [heard(0), heard(200), heard(210, "c")], 450)
    # The post went off before it told of any. The quiet of both is not over.
    assert steps(told) == ["RAISED 1 chainsaw a x2", "RAISED 2 chainsaw c x1"]
    _, told = restarted(rules, [], [heard(0), heard(210, "c")], 450)
    assert steps(told) == ["RAISED 1 chainsaw c x1"]  # the first is over
    assert on.open_incidents()[0].first_steady_ms == 0


def test_what_a_person_did_before_it_was_kept_is_done_now() -> None:
    rules = book(SAW)
    before = run(Engine(rules, PLAIN), [heard(0)])
    _, told = restarted(rules, before, [heard(0), acknowledged(5, 1)], 10)
    assert steps(told) == ["ACKNOWLEDGED 1 chainsaw a x1"]


def test_what_should_have_closed_meanwhile_closes() -> None:
    rules = book(SAW)
    before = run(Engine(rules, PLAIN), [heard(0)])
    on, told = restarted(rules, before, [heard(0)], 3600)
    assert steps(told) == ["CLOSED 1 chainsaw a x1"]
    assert on.open_incidents() == ()


def test_incidents_of_rules_that_are_no_more_close_soon() -> None:
    before = run(Engine(book(SAW), PLAIN), [heard(0)])
    on, told = restarted(book({**SAW, "name": "another"}), before, [], 100)
    assert told == []
    assert steps(on.tick(300_000, WALL_MS, TimeQuality.NTP)) == ["CLOSED 1 chainsaw a x1"]


def test_a_patrol_that_is_out_is_out_after_a_restart() -> None:
    rules = book(SAW, suppressions=[{"name": "patrulla", "when": "patrol"}])
    on, _ = restarted(rules, [], [patrol(0, "out", 2)], 3600)
    assert steps(on.hear(heard(3601))) == ["HELD_BACK 1 chainsaw a x1 (patrulla)"]
    assert list(on.patrols()) == ["sur"]


def test_a_boat_is_followed_over_a_restart() -> None:
    rules = book({"name": "boat", "when": "boat"})
    facts = passing(0, 4.0)
    for cut in range(1, len(facts)):
        before = run(Engine(rules, BEND), facts[:cut])
        on, told = restarted(rules, before, facts[:cut], facts[cut - 1].steady_ms / 1000, BEND)
        assert [change for change in told if change.step is not Step.GROWN] == []
        raised = [one for one in [*before, *run(on, facts[cut:])] if one.step is Step.RAISED]
        assert len(raised) == 1, cut


def test_a_storm_goes_on_over_a_restart() -> None:
    rules = book({**SAW, "together": "sensor"}, incidents=3, within_s=60)
    facts = [heard(n, f"s{n}") for n in range(10)]
    before = run(Engine(rules, PLAIN), facts)
    on, told = restarted(rules, before, facts, 12)
    assert [change for change in told if change.step is not Step.GROWN] == []
    assert [change.step for change in run(on, [heard(13, "s20"), heard(14, "s4")])] == [Step.GROWN]


SILENT: dict[str, object] = {"name": "silent", "when": "silent", "times": 3}
DECLARED = Place({name: PlacedSensor(name, name, expected_interval_s=600.0) for name in "ab"})


def test_a_silence_is_known_after_a_restart_and_time_off_makes_nobody_silent() -> None:
    rules = book(SILENT)
    facts = [status(0), *(status(n, "b") for n in range(0, 2400, 600))]
    before = run(Engine(rules, DECLARED), facts)
    assert steps(before) == ["RAISED 1 silence a x0"]
    # Off for a day: b is not silent for that, a still is.
    on, told = restarted(rules, before, facts, 90_000, DECLARED)
    assert told == []
    assert steps(on.tick(91_799_000, WALL_MS, TimeQuality.NTP)) == []
    assert steps(on.tick(91_800_000, WALL_MS, TimeQuality.NTP)) == ["RAISED 2 silence b x0"]
    assert steps(on.hear(status(91_801))) == ["CLOSED 1 silence a x0"]


def test_a_silence_that_nobody_watches_any_more_closes() -> None:
    before = run(Engine(book(SILENT), DECLARED), [status(0), status(2000, "b")])
    _, told = restarted(book({**SILENT, "sensors": ["b"]}), before, [], 2100, DECLARED)
    assert steps(told) == ["CLOSED 1 silence a x0"]


# any facts, cut anywhere

_RULES = book(
    {**SAW, "quiet_s": 60, "open_s": 600, "together": "sensor"},
    {"name": "three", "when": "heard", "labels": ["chainsaw", "voices"], "count": 3, "of": 5, "within_s": 100},
    {"name": "near", "when": "near", "labels": ["gunshot", "chainsaw"], "metres": 1500},
    suppressions=[
        {"name": "lluvia", "when": "weather", "within_s": 50, "scope": "group"},
        {"name": "patrulla", "when": "patrol"},
    ],
    incidents=1000,
)
_STORMY = _RULES.model_copy(update={"storm": Storm(incidents=2, within_s=100)})
_facts = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.sampled_from("abcd"),
        st.sampled_from(["chainsaw", "chainsaw", "voices", "gunshot", "rain", "out", "back", "seen"]),
    ),
    max_size=40,
)


def made(told: list[tuple[int, str, str]]) -> list[Fact]:
    at, facts = 0, []
    for gap, sensor, what in told:
        at += gap
        if what in ("out", "back"):
            facts.append(patrol(at, what, 0.05))
        elif what == "seen":
            facts.append(acknowledged(at, "abcd".index(sensor) + 1))
        else:
            facts.append(fact(at, reading(sensor, what, confidence_ratio=0.8)))
    return facts


def told_of(changes: list[Change]) -> list[tuple[str, int, str]]:
    """What matters of changes, without the pace of growing, in their order; what nobody is warned of comes last, since
    it matters little which of two rules sees first that what held it back is over."""
    matter = [
        (step.name, one.number, one.rule, bool(one.suppressed_by))
        for step, one in changes
        if step in (Step.RAISED, Step.ACKNOWLEDGED, Step.CLOSED) or (step is Step.HELD_BACK and one.count == 1)
    ]
    return [one[:3] for one in sorted(matter, key=lambda one: (one[3], one[1] if one[3] else 0))]


@given(_facts, st.data())
def test_a_restart_anywhere_changes_nothing_that_is_told(told: list[tuple[int, str, str]], data: st.DataObject) -> None:
    facts, rules = made(told), data.draw(st.sampled_from((_RULES, _STORMY)))
    cut = data.draw(st.integers(0, len(facts)))
    whole = Engine(rules, PLAIN)
    before, after = run(whole, facts[:cut]), run(whole, facts[cut:])
    at_s = facts[cut - 1].steady_ms / 1000 if cut else 0.0
    on, missed = restarted(rules, before, facts[:cut], at_s)
    again = [*missed, *run(on, facts[cut:])]
    end_ms = (facts[-1].steady_ms if facts else 0) + 1  # what is due at the very last fact is told after it
    after += whole.tick(end_ms, WALL_MS + end_ms, TimeQuality.NTP)
    again += on.tick(end_ms, WALL_MS + end_ms, TimeQuality.NTP)
    assert told_of(again) == told_of(after)
    assert single(on) == single(whole)
    assert on.held_back() == whole.held_back()


def single(on: Engine) -> list[Incident]:
    """Open incidents but storms, whose count may lack what joined in the last seconds before the post went off."""
    return [one for one in on.open_incidents() if one.rule != STORM]
