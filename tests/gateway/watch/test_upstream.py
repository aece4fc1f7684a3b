"""Incidents as readings for headquarters."""

from __future__ import annotations

import pytest

from firmware_bridge.readings import MAX_NOTE_BYTES, Kind
from gateway.contract.rows import check_reading
from gateway.contract.topics import Lane
from gateway.rules.facts import Passage, Step
from gateway.watch.upstream import Upstream, lane_of, reading_of
from tests.gateway.watch.facts_made import WALL_MS, incident, raised


def test_growing_is_told_once_a_minute_and_what_a_person_did_not_again() -> None:
    upstream = Upstream()
    steps = [
        (Step.RAISED, 0, True),
        (Step.GROWN, 59_999, False),
        (Step.GROWN, 60_000, True),
        (Step.GROWN, 60_001, False),
        (Step.ACKNOWLEDGED, 60_002, False),
        (Step.CLOSED, 60_003, True),
        (Step.HELD_BACK, 60_004, True),
    ]
    for step, at, due in steps:
        assert upstream.is_due(raised(1, step), at) is due, step
    assert upstream.is_due(raised(2, Step.GROWN), 60_003)


@pytest.mark.parametrize(
    ("change", "lane"),
    [
        (raised(1), Lane.ALERT),
        (raised(1, level="notice"), Lane.HEALTH),
        (raised(1, Step.GROWN), Lane.HEALTH),
        (raised(1, Step.CLOSED), Lane.HEALTH),
        (raised(1, suppressed_by="lluvia"), Lane.HEALTH),
    ],
)
def test_only_an_alert_that_begins_is_urgent(change, lane: Lane) -> None:
    assert lane_of(change) is lane


def test_a_boat_as_a_reading() -> None:
    passage = Passage("Yaguas", "upstream", 3.2, (("", WALL_MS + 600_000), ("sur", WALL_MS + 1)))
    boat = raised(7, label="long_tail_motor", passage=passage, confidence=0.8, count=5, sensors=("sur", "norte"))
    reading = reading_of(boat, "sube\nun peque-peque", WALL_MS)
    assert (reading.kind, reading.sensor, reading.label) == (Kind.INCIDENT, "sur", "long_tail_motor")
    assert reading.values() == {
        "incident_number": 7,
        "incident_step": 1,
        "detections_count": 5,
        "sensors_count": 2,
        "confidence_ratio": 0.8,
        "boat_speed_metres_per_second": 3.2,
        "arrival_seconds": 600,
    }
    assert reading.note == "chainsaw: sube un peque-peque"
    check_reading(reading)


def test_whatever_an_incident_holds_fits_into_a_reading() -> None:
    passage = Passage("r", "upstream", 1e9, (("", 0),))
    odd = incident(5_000_000_000, sensors=(), count=10**12, passage=passage, rule="ñ" * 48)
    reading = reading_of(raised()._replace(incident=odd), "ü" * 500, WALL_MS)
    assert reading.sensor == "gateway"
    assert len(reading.note.encode()) <= MAX_NOTE_BYTES
    check_reading(reading)
