"""What codecs say becomes readings, and every loss a counter."""

from __future__ import annotations

import math

import pytest

from firmware_bridge.delivery import Tally
from firmware_bridge.payloads.cayenne_lpp import CayenneLppDecoder
from firmware_bridge.payloads.hand_over import take_replay, to_readings
from firmware_bridge.payloads.mapping import FieldMapping
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import MAX_NAME_BYTES, Absence, Kind, Rejected


def handed(*items: Decoded | Rejected, **more: float) -> tuple[list[dict[str, float]], dict[str, int]]:
    tally = Tally()
    readings = to_readings(
        items, "river", tally, received={"rssi_dbm": -97, "snr_decibels": 5.25}, age_s=more.get("age_s", 0)
    )
    assert all(len(item.reason) <= MAX_NAME_BYTES for item in tally.items())
    return [reading.values() for reading in readings], {item.reason: item.count for item in tally.items()}


def test_signal_goes_with_the_first_reading() -> None:
    air = Decoded(Kind.ENVIRONMENT, {"temperature_celsius": 25})
    fix = Decoded(Kind.POSITION, {"latitude_degrees": -3.7, "longitude_degrees": -73.2})
    (first, second), counts = handed(Rejected("codec_warning"), air, fix)
    assert first == {"temperature_celsius": 25, "rssi_dbm": -97, "snr_decibels": 5.25}
    assert second == fix.values
    assert counts == {"codec_warning": 1}


def test_losses_are_counted_and_the_rest_is_kept() -> None:
    item = Decoded(
        Kind.ENVIRONMENT,
        {"temperature_celsius": 25, "humidity_ratio": 7},
        absent=(Absence("pressure_hectopascals", "sentinel"), Absence("rainfall_millimetres", "out_of_range")),
        unknown=("TempC_DS", "a.b"),
    )
    (values,), counts = handed(item)
    assert values["temperature_celsius"] == 25
    assert counts == {
        "absent_pressure_hectopascals": 1,
        "out_of_range": 2,
        "unmapped_tempc_ds": 1,
        "unmapped_a_b": 1,
    }


def test_ages() -> None:
    tally = Tally()
    item = Decoded(Kind.ENVIRONMENT, {"temperature_celsius": 25}, age_s=60)
    (reading,) = to_readings([item], "river", tally, age_s=5)
    assert reading.age_ms == 65_000
    assert not tally.items()
    (reading,) = to_readings([item], "river", tally, age_s=25 * 3600)  # a broker kept it over a weekend
    assert reading.age_ms == (25 * 3600 + 60) * 1000
    assert not tally.items()


@pytest.mark.parametrize("age_s", [-100, math.nan])
def test_a_time_that_is_to_come_is_counted_and_leaves_the_age_that_the_device_tells(age_s: float) -> None:
    tally = Tally()
    item = Decoded(Kind.ENVIRONMENT, {"temperature_celsius": 25}, age_s=60)
    (reading,) = to_readings([item], "river", tally, age_s=age_s)
    assert reading.age_ms == 60_000
    assert [(item.reason, item.count) for item in tally.items()] == [("implausible_time", 1)]


@pytest.mark.parametrize("age_s", [31 * 86_400, math.inf])
def test_what_is_older_than_a_month_is_never_told_as_of_now(age_s: float) -> None:
    item = Decoded(Kind.ENVIRONMENT, {"temperature_celsius": 25}, age_s=60)
    assert handed(item, age_s=age_s) == ([], {"implausible_time": 1})


def test_a_label_that_cannot_be_is_counted() -> None:
    readings, counts = handed(Decoded(Kind.ACOUSTIC_DETECTION, {"confidence_ratio": 1}, label="x" * 40))
    assert (readings, counts) == ([], {"bad_label": 1})


def test_most_codecs_have_no_replay_state() -> None:
    assert take_replay(CayenneLppDecoder()) == {}


@pytest.mark.parametrize(
    ("age_s", "sent_s", "says"),
    [
        (0.0, math.nan, "river: sent at no time that can be"),
        (0.0, -100.0, "river: sent 100 s in the future"),
        (math.nan, 5.0, "river: an age of nan s when it was sent"),
        (0.0, 40 * 86_400, "river: 40 days old"),
    ],
)
def test_a_wrong_age_is_told_in_words(age_s: float, sent_s: float, says: str) -> None:
    tally = Tally()
    to_readings([Decoded(Kind.ENVIRONMENT, {"temperature_celsius": 25}, age_s=age_s)], "river", tally, age_s=sent_s)
    assert [item.detail for item in tally.items()] == [says]


def test_a_unit_in_doubt_is_told_with_its_field() -> None:
    tally = Tally()
    to_readings(FieldMapping({}).collect({"battery": 3.6, "temperature": 20}).decoded(), "river", tally)
    assert tally.items() == [Rejected("ambiguous_unit", 1, "battery: battery_ratio")]
