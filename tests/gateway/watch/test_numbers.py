"""An incident keeps its number over restarts, though the rules begin anew on a part of the history."""

from __future__ import annotations

from gateway.rules.facts import Change, Step
from gateway.watch.numbers import Numbers
from tests.gateway.watch.facts_made import incident, raised


def test_what_is_new_goes_on_from_the_highest_number() -> None:
    numbers = Numbers([raised(7, state="closed")])
    assert numbers.ours(raised(1, rule="gunshot", label="gunshot")).incident.number == 8
    assert numbers.ours(raised(2, rule="boat")).incident.number == 9
    assert numbers.ours(raised(1, Step.GROWN, rule="gunshot", label="gunshot")).incident.number == 8
    assert (numbers.theirs(8), numbers.theirs(9), numbers.theirs(7)) == (1, 2, None)


def test_one_that_was_known_keeps_its_number_its_beginning_and_who_saw_to_it() -> None:
    before = incident(
        7,
        first_steady_ms=0,
        last_steady_ms=90_000,
        count=40,
        sensors=("sur", "norte"),
        state="acknowledged",
        note="Rosa",
    )
    numbers = Numbers([Change(Step.ACKNOWLEDGED, before)])
    again = numbers.ours(raised(1, first_steady_ms=50_000, last_steady_ms=50_000))  # the window began there
    assert again.incident.number == 7
    assert (again.incident.state, again.incident.note) == ("acknowledged", "Rosa")
    assert (again.incident.first_steady_ms, again.incident.count) == (0, 40)
    assert again.incident.sensors == ("sur", "norte")
    assert numbers.theirs(7) == 1
    other = numbers.ours(raised(2, first_steady_ms=60_000))
    assert other.incident.number == 8  # one of before is found once only


def test_another_rule_label_or_time_is_another_incident() -> None:
    known = [raised(7, first_steady_ms=1000, last_steady_ms=2000)]
    for more in ({"rule": "x"}, {"label": "gunshot"}, {"first_steady_ms": 2001}, {"first_steady_ms": 999}):
        assert Numbers(known).ours(raised(1, **more)).incident.number == 8


def test_what_has_become_of_incidents_over_a_restart() -> None:
    old = raised(1, rule="old")
    same = raised(2, rule="same", first_steady_ms=10)
    ended = raised(3, rule="ended", first_steady_ms=20)
    over = raised(4, rule="over", state="closed")
    numbers = Numbers([old, same, ended, over])
    found = {}
    for change in (
        raised(51, rule="same", first_steady_ms=10),
        raised(52, Step.CLOSED, rule="ended", first_steady_ms=20, state="closed"),
        raised(53, rule="new"),
        raised(54, rule="new and gone", state="closed"),
        raised(55, Step.GROWN, rule="over", count=9),
    ):
        ours = numbers.ours(change)
        found[ours.incident.number] = ours
    settled = {change.incident.rule: change for change in numbers.settle(found)}
    assert set(settled) == {"old", "ended", "new"}
    assert settled["old"] == raised(1, Step.CLOSED, rule="old", state="closed")
    assert settled["ended"].step is Step.CLOSED
    assert settled["new"].incident.number == 5
