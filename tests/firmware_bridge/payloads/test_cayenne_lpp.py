"""Cayenne LPP: the examples of its documentation, every type, and payloads that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.payloads.cayenne_lpp import DEFAULTS, FIELDS, TYPES, CayenneLppDecoder
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.targets import Target
from firmware_bridge.readings import Kind, Rejected


def decode(payload: str, **targets: Target) -> list[Decoded | Rejected]:
    return CayenneLppDecoder(None, {name.replace("__", "."): target for name, target in targets.items()}).decode(
        bytes.fromhex(payload), 1
    )


def one(payload: str, **targets: Target) -> Decoded:
    (item,) = decode(payload, **targets)
    assert isinstance(item, Decoded)
    return item


def test_two_temperatures_must_be_told_apart() -> None:
    """myDevices, Cayenne LPP, device with 2 temperature sensors: channel 3 27.2, channel 5 25.5."""
    told = decode("03670110056700ff")
    assert [item.reason for item in told if isinstance(item, Rejected)] == [
        "unmapped_temperature_3",
        "unmapped_temperature_5",
        "no_values",
    ]
    item = one(
        "03670110056700ff",
        temperature_3=Target(quantity="temperature_celsius"),
        temperature_5=Target(quantity="water_temperature_celsius"),
    )
    assert item.values == {"temperature_celsius": 27.2, "water_temperature_celsius": 25.5}


def test_temperature_and_acceleration() -> None:
    """myDevices, Cayenne LPP, device with temperature and acceleration sensors: -4.1; 1.234, -1.234, 0."""
    item = one("0167ffd7067104d2fb2e0000")
    assert item.values == {"temperature_celsius": -4.1}
    assert item.unknown == ("accelerometer_6.x", "accelerometer_6.y", "accelerometer_6.z")


def test_position() -> None:
    """myDevices, Cayenne LPP, device with GPS: 42.3519, -87.9094, 10 m."""
    item = one("018806765ff2960a0003e8")
    assert item.kind is Kind.POSITION
    assert item.values == {"latitude_degrees": 42.3519, "longitude_degrees": -87.9094, "altitude_metres": 10}
    assert "absent_latitude_degrees" in [i.reason for i in decode("0188" + "00" * 9) if isinstance(i, Rejected)]


def test_the_usual_air_station() -> None:
    """Synthetic: one channel of each type needs no declaration; what a percentage is of, nobody can know."""
    item = one("0167010a026850037327750465012c05740168067864")
    assert item.values == {
        "temperature_celsius": 26.6,
        "humidity_ratio": 0.4,
        "pressure_hectopascals": 1010.1,
        "illuminance_lux": 300,
        "battery_volts": 3.6,
    }
    assert item.unknown == ("percentage_6",)


def test_declared_units_scale_labels_and_sentinels() -> None:
    level = one("0202fed4", analog_in_2=Target(quantity="water_level_metres", unit="cm", scale=-10, offset=0))  # -3.00
    assert level.values == {"water_level_metres": 0.3}
    labels = {"1": "person", "0": ""}
    (item,) = CayenneLppDecoder(Kind.CAMERA_DETECTION, {"presence_7": Target(labels=labels)}).decode(b"\x07\x66\x01", 1)
    assert isinstance(item, Decoded)
    assert (item.kind, item.label) == (Kind.CAMERA_DETECTION, "person")
    (absent, _) = decode("0202ff9c", analog_in=Target(quantity="water_level_metres", absent=[-1]))
    assert absent == Rejected("absent_water_level_metres", 1, "water_level_metres")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "empty"),
        ("01", "too_short"),
        ("016701", "too_short"),
        ("01670110ff", "too_short"),
        ("01ee00", "unknown_type"),
    ],
)
def test_what_is_no_payload_is_a_reason(payload: str, reason: str) -> None:
    assert [item.reason for item in decode(payload) if isinstance(item, Rejected)] == [reason]


def test_what_came_before_an_unknown_type_is_kept() -> None:
    first, second = decode("01670110 02ee")
    assert isinstance(first, Decoded)
    assert first.values == {"temperature_celsius": 27.2}
    assert isinstance(second, Rejected)
    assert second.reason == "unknown_type"


@pytest.mark.parametrize("code", sorted(TYPES))
def test_every_type_is_read_or_listed(code: int) -> None:
    type_ = TYPES[code]
    payload = bytes((9, code)) + bytes(range(1, type_.size + 1))
    (item, *rest) = CayenneLppDecoder().decode(payload, None)
    names = {part.suffix for part in type_.parts}
    assert names <= {name.removeprefix(type_.name) for name in FIELDS if name.startswith(type_.name)}
    if type_.name == "unix_time":
        assert isinstance(item, Rejected)
    elif isinstance(item, Rejected):
        known = any(type_.name + suffix in DEFAULTS for suffix in names)
        assert item.reason.startswith(("unmapped_", "incomplete_position", "out_of_range")), (known, rest)


def test_too_long() -> None:
    (item,) = CayenneLppDecoder().decode(bytes(1025), None)
    assert isinstance(item, Rejected)
    assert item.reason == "too_long"


@given(st.binary(max_size=300))
def test_any_bytes(payload: bytes) -> None:
    assert CayenneLppDecoder().decode(payload, 2)
