"""Bodies tell exactly what the reading says; a sentinel is never a number."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.frame_bodies import RSSI, SNR, TOLD_QUANTITIES, decode_body, encode_body
from firmware_bridge.readings import (
    LABELS,
    QUANTITIES,
    QUANTITY_BY_CODE,
    Absence,
    Kind,
    Reading,
    ReadingError,
    Rejected,
    make_reading,
)

SIGNAL = ((RSSI, -97), (SNR, 525))


def decode(body: bytes, received: tuple[tuple[int, int], ...] = ()) -> tuple[Reading | Rejected, list[Absence]]:
    absences: list[Absence] = []
    return decode_body(body, "s", absences, received), absences


def reason(body: bytes) -> str:
    told, _ = decode(body)
    assert isinstance(told, Rejected), told
    return told.reason


def code(name: str) -> int:
    return QUANTITIES[name].code


def test_acoustic_detection() -> None:
    """Synthetic: chainsaw, 90 %, 60.5 dB, 3.2 s, 3.98 V, 3 s ago."""
    reading = make_reading(
        Kind.ACOUSTIC_DETECTION,
        "s",
        {"confidence_ratio": 0.9, "sound_level_decibels": 60.5, "duration_seconds": 3.2, "battery_volts": 3.98},
        label="chainsaw",
        age_s=3,
    )
    body = bytes.fromhex("01 0003 c7 01 b4 79 0020")
    assert encode_body(reading) == body
    assert decode(body) == (reading, [])


def test_what_the_receiver_measured_is_added() -> None:
    told, _ = decode(bytes.fromhex("01 0003 c7 01 b4 79 0020"), SIGNAL)
    assert isinstance(told, Reading)
    assert told.values()["rssi_dbm"] == -97
    assert told.values()["snr_decibels"] == 5.25
    assert told.codes == tuple(sorted(told.codes))


def test_camera_detection() -> None:
    """Synthetic: two persons, 45 %, picture 513, no battery."""
    told, absences = decode(bytes.fromhex("02 0000 ff 09 5a 02 0201"))
    assert told == make_reading(
        Kind.CAMERA_DETECTION,
        "s",
        {"confidence_ratio": 0.45, "individuals_count": 2, "picture_number": 513},
        label="person",
    )
    assert absences == [Absence("battery_volts", "sentinel")]


def test_environment_of_signed_and_large_values() -> None:
    """Synthetic."""
    values = {"temperature_celsius": -3.25, "illuminance_lux": 120_000.0, "battery_volts": 4.0}
    body = bytes.fromhex("03 0000 c8 20 8905 27 80d30e")
    assert encode_body(make_reading(Kind.ENVIRONMENT, "s", values)) == body
    assert decode(body) == (make_reading(Kind.ENVIRONMENT, "s", values), [])


def test_a_battery_of_a_vehicle_is_told_as_a_quantity() -> None:
    reading = make_reading(Kind.DEVICE_STATUS, "s", {"battery_volts": 12.6, "uptime_seconds": 4_294_967_295})
    assert decode(encode_body(reading)) == (reading, [])


def test_position_with_and_without_altitude() -> None:
    """Synthetic."""
    there = {"latitude_degrees": -2.72, "longitude_degrees": -71.36, "altitude_metres": 96.0, "battery_volts": 3.9}
    assert decode(encode_body(make_reading(Kind.POSITION, "s", there)))[0] == make_reading(Kind.POSITION, "s", there)
    del there["altitude_metres"]
    told, absences = decode(encode_body(make_reading(Kind.POSITION, "s", there)))
    assert told == make_reading(Kind.POSITION, "s", there)
    assert absences == [Absence("altitude_metres", "sentinel")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "bad_length"),
        ("01 0003", "bad_length"),
        ("01 0003 c7 01 b4 79 00", "bad_length"),
        ("01 0003 c7 01 b4 79 0020 00", "bad_length"),
        ("05 0000 c7 00", "bad_length"),
        ("00 0003 c7", "bad_kind"),
        ("10 0003 c7", "bad_kind"),
        ("01 ffff c7 01 b4 79 0020", "bad_age"),
        ("03 0000 c8 20", "bad_value"),
        ("03 0000 c8 20 8080808080", "bad_value"),
        ("03 0000 c8 20 808080808000", "bad_value"),
        ("03 0000 c8 20 00 20 00", "duplicate_quantity"),
        ("03 0000 c8 10 00", "duplicate_quantity"),
        ("03 0000 ff", "no_values"),
        ("03 0000 ff 20 feffffff0f", "no_values"),
        ("01 0000 ff 01 ff ff ffff", "no_values"),
        ("05 0000 c8 7fffffff 00000000 0000", "out_of_range"),
        (
            "03 0000 c8 " + "".join(f"{q:02x}00" for q in (*range(21, 25), *range(32, 41), *range(41, 48))),
            "too_many_values",
        ),
    ],
)
def test_every_rejection_has_its_reason(body: str, expected: str) -> None:
    assert reason(bytes.fromhex(body)) == expected


def test_each_sentinel_is_an_absence() -> None:
    body = struct.pack(">BHBBBBH", 1, 0, 255, 2, 255, 255, 1)
    told, absences = decode(body)
    assert isinstance(told, Reading)
    assert told.values() == {"duration_seconds": 0.1}
    assert {a.quantity for a in absences} == {"confidence_ratio", "sound_level_decibels", "battery_volts"}
    assert {a.reason for a in absences} == {"sentinel"}


def test_a_value_out_of_range_does_not_take_the_others_with_it() -> None:
    told, absences = decode(bytes.fromhex("03 0000 c8 20 feffffff0f 21 a00d"))
    assert isinstance(told, Reading)
    assert told.values() == {"battery_volts": 4.0, "humidity_ratio": 0.848}
    assert absences == [Absence("temperature_celsius", "out_of_range")]
    told, absences = decode(bytes.fromhex("01 0000 c8 02 d2 10 0001"))
    assert isinstance(told, Reading)
    assert "confidence_ratio" not in told.values()
    assert absences == [Absence("confidence_ratio", "out_of_range")]


def test_a_quantity_or_label_of_newer_firmware_is_kept_or_counted() -> None:
    told, absences = decode(bytes.fromhex("03 0000 c8 2f 04 20 04"))
    assert isinstance(told, Reading)
    assert absences == [Absence("quantity_47", "unknown_quantity")]
    told, _ = decode(bytes.fromhex("01 0000 c8 fa 64 10 0001"))
    assert isinstance(told, Reading)
    assert told.label == "unlisted_250"


def test_a_device_does_not_tell_what_the_receiver_measures() -> None:
    _, absences = decode(bytes.fromhex("04 0000 c8 13 04 12 04"))
    assert [a.reason for a in absences] == ["unknown_quantity"]


@given(st.binary(max_size=120), st.sampled_from([(), SIGNAL, SIGNAL[:1], SIGNAL[1:]]))
def test_any_body_is_a_sound_reading_or_a_reason(body: bytes, received: tuple[tuple[int, int], ...]) -> None:
    for start in (b"", *(bytes((kind,)) for kind in range(1, 6))):
        told, _ = decode(start + body, received)
        if isinstance(told, Reading):
            assert told.codes
            assert list(told.codes) == sorted(set(told.codes))
            for quantity, steps in zip(told.codes, told.steps, strict=True):
                known = QUANTITY_BY_CODE[quantity]
                assert known.minimum * known.per_unit <= steps <= known.maximum * known.per_unit
                assert known.name in TOLD_QUANTITIES | {"rssi_dbm", "snr_decibels"}
            assert told.age_ms < 65_535_000


def _steps(name: str, low: int, high: int, per: int = 1) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(low, high).map(lambda n: (code(name), n * per))


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Any reading whose values lie on the frame's steps."""
    kind = draw(st.sampled_from([k for k in Kind if k < 16]))
    battery = _steps("battery_volts", 0, 254, 2)
    if kind is Kind.ACOUSTIC_DETECTION:
        parts = [
            _steps("confidence_ratio", 0, 200, 5),
            _steps("sound_level_decibels", 0, 254, 5),
            _steps("duration_seconds", 0, 65534),
            battery,
        ]
    elif kind is Kind.CAMERA_DETECTION:
        parts = [
            _steps("confidence_ratio", 0, 200, 5),
            _steps("individuals_count", 0, 254),
            _steps("picture_number", 0, 65534),
            battery,
        ]
    elif kind is Kind.POSITION:
        parts = [_steps("altitude_metres", -500, 9000), battery]
    else:
        names = [n for n in TOLD_QUANTITIES if 16 < code(n) < 48]
        parts = [
            _steps(
                n, *(round(bound * QUANTITIES[n].per_unit) for bound in (QUANTITIES[n].minimum, QUANTITIES[n].maximum))
            )
            for n in draw(st.lists(st.sampled_from(names), unique=True, max_size=15))
        ] + [battery]
    pairs = [draw(part) for part in parts if draw(st.booleans())]
    if kind is Kind.POSITION:
        pairs += [draw(_steps("latitude_degrees", -90_000_000, 90_000_000))]
        pairs += [draw(_steps("longitude_degrees", -180_000_000, 180_000_000))]
    if not pairs:
        pairs = [draw(battery)]
    codes, steps = zip(*sorted(pairs), strict=True)
    label = draw(st.sampled_from([*LABELS, "unlisted_200"])) if kind < 3 else ""
    return Reading(int(kind), "s", label, codes, steps, draw(st.integers(0, 65534)) * 1000)


@given(readings())
def test_what_was_told_comes_back(reading: Reading) -> None:
    assert decode(encode_body(reading))[0] == reading


@pytest.mark.parametrize(
    ("kind", "values", "label", "expected"),
    [
        (Kind.ACOUSTIC_DETECTION, {"sound_level_decibels": -5.0}, "rain", "out_of_range"),
        (Kind.ACOUSTIC_DETECTION, {"duration_seconds": 7000.0}, "rain", "out_of_range"),
        (Kind.ACOUSTIC_DETECTION, {"temperature_celsius": 20.0}, "rain", "unknown_quantity"),
        (Kind.ACOUSTIC_DETECTION, {"confidence_ratio": 1.0}, "no such sound", "bad_label"),
        (Kind.ENVIRONMENT, {"rssi_dbm": -80.0}, "", "unknown_quantity"),
        (Kind.STATION_HEALTH, {"uptime_seconds": 1.0}, "", "bad_kind"),
        (Kind.POSITION, {"latitude_degrees": 1.0}, "", "no_values"),
    ],
)
def test_what_a_frame_cannot_tell_is_refused(kind: Kind, values: dict[str, float], label: str, expected: str) -> None:
    with pytest.raises(ReadingError) as refused:
        encode_body(make_reading(kind, "s", values, label=label))
    assert refused.value.reason == expected
