"""Topics: what a post publishes under is what headquarters reads out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import topics
from gateway.contract.topics import STATION_NAME, ContractError, Lane, parse_state, parse_up

stations = st.from_regex(STATION_NAME, fullmatch=True)


@given(stations, st.sampled_from(Lane))
def test_topics_go_round(station: str, lane: Lane) -> None:
    assert parse_up(topics.up(station, lane)) == (station, lane)
    assert parse_state(topics.state(station)) == station


def test_topics_do_not_change() -> None:
    assert topics.up("puesto-yaguas", Lane.ALERT) == "vigia/1/puesto-yaguas/up/alert"
    assert topics.receipt("puesto-yaguas") == "vigia/1/puesto-yaguas/receipt"
    assert topics.state("puesto-yaguas") == "vigia/1/puesto-yaguas/state"
    assert (topics.ALL_UP, topics.ALL_STATES) == ("vigia/1/+/up/+", "vigia/1/+/state")
    assert topics.shared("hq", topics.ALL_UP) == "$share/hq/vigia/1/+/up/+"
    assert [lane.slug for lane in Lane] == ["alert", "detection", "reading", "health", "media"]


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "vigia/1/p/up",
        "vigia/1/p/up/alert/",
        "vigia/1/p/up/ALERT",
        "vigia/1/p/up/siren",
        "vigia/2/p/up/alert",
        "vigia/1//up/alert",
        "vigia/1/+/up/alert",
        "vigia/1/P/up/alert",
        "vigia/1/p\n/up/alert",
        "vigia/1/-p/up/alert",
        "vigia/1/" + "p" * 33 + "/up/alert",
        "/vigia/1/p/up/alert",
        "vigia/1/p/state",
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(ContractError):
        parse_up(topic)


@given(st.text(max_size=80))
def test_any_text_is_refused_as_a_topic(text: str) -> None:
    for parse in (parse_up, parse_state):
        with pytest.raises(ContractError):
            parse(text)


def test_a_refusal_does_not_repeat_a_whole_topic() -> None:
    for topic in ("x" * 60_000, "vigia/1/" + "x" * 60_000 + "/up/alert"):
        with pytest.raises(ContractError) as refusal:
            parse_up(topic)
        assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("name", ["", "Puesto", "a_b", "a/b", "a+", "ñ", "a\n", "-a", "a-", "a" * 33, "#"])
def test_no_topic_is_made_of_what_is_no_station(name: str) -> None:
    for make in (lambda n: topics.up(n, Lane.ALERT), topics.receipt, topics.state):
        with pytest.raises(ContractError, match="bad_station"):
            make(name)
