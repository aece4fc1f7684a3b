"""Values become readings of the right kind, and nothing is dropped without a name."""

from __future__ import annotations

import math

import pytest

from firmware_bridge.payloads.grouping import MAX_UNKNOWN, Collector, unmapped_reason
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import MAX_NAME_BYTES, Absence, Kind, Rejected


def collected(**values: float) -> Collector:
    told = Collector()
    for quantity, value in values.items():
        told.add(quantity, value, quantity)
    return told


def kinds(told: Collector, kind: Kind | None = None) -> list[tuple[Kind, set[str]]]:
    return [(item.kind, set(item.values)) for item in told.decoded(kind) if isinstance(item, Decoded)]


def test_the_kind_follows_from_the_quantities() -> None:
    air, power = {"temperature_celsius": 25.0}, {"battery_volts": 3.6}
    fix = {"latitude_degrees": -3.7, "longitude_degrees": -73.2}
    assert kinds(collected(**air, **power)) == [(Kind.ENVIRONMENT, {*air, *power})]
    assert kinds(collected(**power)) == [(Kind.DEVICE_STATUS, {*power})]
    assert kinds(collected(**fix, **power)) == [(Kind.POSITION, {*fix, *power})]
    assert kinds(collected(**fix, **air, **power)) == [
        (Kind.ENVIRONMENT, {*air, *power}),
        (Kind.POSITION, {*fix}),
    ]
    assert kinds(collected(**air), Kind.DEVICE_STATUS) == [(Kind.DEVICE_STATUS, {*air})]


def test_a_detection_needs_a_label() -> None:
    told = collected(temperature_celsius=25, battery_volts=3.6)
    assert kinds(told, Kind.CAMERA_DETECTION) == [(Kind.ENVIRONMENT, {"temperature_celsius", "battery_volts"})]
    told.label = "person"
    detection, air = told.decoded(Kind.CAMERA_DETECTION)
    assert isinstance(detection, Decoded)
    assert (detection.label, detection.values) == ("person", {"confidence_ratio": 1.0, "battery_volts": 3.6})
    assert isinstance(air, Decoded)
    assert (air.kind, air.label) == (Kind.ENVIRONMENT, "")


@pytest.mark.parametrize(("nothing", "reason"), [(True, "no_detection"), (False, "unlabelled")])
def test_what_goes_with_a_detection_is_no_environment(nothing: bool, reason: str) -> None:
    told = collected(confidence_ratio=0.8, battery_volts=3.6)
    told.nothing = nothing
    status, lost = told.decoded(Kind.ACOUSTIC_DETECTION)
    assert isinstance(status, Decoded)
    assert (status.kind, status.values) == (Kind.DEVICE_STATUS, {"battery_volts": 3.6})
    assert isinstance(lost, Rejected)
    assert (lost.reason, lost.count) == (reason, 1)
    assert "confidence_ratio" in lost.detail


def test_nothing_detected_and_nothing_else_told() -> None:
    told = Collector()
    told.nothing = True
    assert [item.reason for item in told.decoded(Kind.CAMERA_DETECTION) if isinstance(item, Rejected)] == [
        "no_detection"
    ]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"latitude_degrees": -3.7}, "incomplete_position"),
        ({"altitude_metres": 120.0}, "incomplete_position"),
        ({"latitude_degrees": 0.0, "longitude_degrees": 0.0, "altitude_metres": 0.0}, "absent_altitude_metres"),
        ({"temperature_celsius": 85.0}, "out_of_range"),
        ({"temperature_celsius": math.nan}, "out_of_range"),
    ],
)
def test_what_is_left_out_is_counted(values: dict[str, float], reason: str) -> None:
    told = collected(**values).decoded()
    assert all(isinstance(item, Rejected) for item in told)
    assert reason in [item.reason for item in told if isinstance(item, Rejected)]
    assert told[-1] == Rejected("no_values", 1, told[-1].detail if isinstance(told[-1], Rejected) else "")


def test_the_rest_of_the_reading_is_kept() -> None:
    (item,) = collected(temperature_celsius=200, humidity_ratio=0.5).decoded()
    assert isinstance(item, Decoded)
    assert item.values == {"humidity_ratio": 0.5}
    assert item.absent == (Absence("temperature_celsius", "out_of_range"),)


def test_unknown_fields_are_listed_once_and_few() -> None:
    told = collected(humidity_ratio=0.5)
    told.add("humidity_ratio", 0.6, "hum2")
    for number in range(100):
        told.miss(f"x{number % 40}")
    (item,) = told.decoded()
    assert isinstance(item, Decoded)
    assert item.unknown[:3] == ("hum2", "x0", "x1")
    assert len(item.unknown) == MAX_UNKNOWN


def test_names_of_counters_are_short_and_plain() -> None:
    assert unmapped_reason("TempC_DS") == "unmapped_tempc_ds"
    assert unmapped_reason("日本") == "unmapped_field"
    assert len(unmapped_reason("x" * 99)) == MAX_NAME_BYTES
