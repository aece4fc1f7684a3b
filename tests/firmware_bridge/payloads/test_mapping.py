"""Foreign fields: well-known names, nested objects, units, channels, declarations; and what nothing maps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from firmware_bridge.payloads.grouping import Collector
from firmware_bridge.payloads.mapping import (
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_LISTED,
    OTHERS,
    FieldMapping,
    Vocabulary,
    flatten,
    vocabulary,
)
from firmware_bridge.payloads.targets import FieldMap, Target
from firmware_bridge.readings import QUANTITIES, Absence


def collect(data: object, **targets: Any) -> Collector:
    declared = {name.replace("__", "."): Target.model_validate(told) for name, told in targets.items()}
    return FieldMapping(declared).collect(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # names that public decoders use (Dragino, Milesight, Decentlab, Elsys, Browan and others)
        ({"TempC_SHT": 28.29, "Hum_SHT": 88.6}, {"temperature_celsius": 28.29, "humidity_ratio": 0.886}),
        ({"TempC_SHT": "28.29", "BatV": 3.062}, {"temperature_celsius": 28.29, "battery_volts": 3.062}),
        ({"temperature": 23.4, "humidity": 55, "vdd": 3594}, {
            "temperature_celsius": 23.4, "humidity_ratio": 0.55, "battery_volts": 3.594}),
        ({"temperature": "22,5"}, {"temperature_celsius": 22.5}),
        ({"temperature": "-0,25 °C"}, {"temperature_celsius": -0.25}),
        ({"humidity": 0}, {"humidity_ratio": 0}),
        ({"humidity_percent": 0.5}, {"humidity_ratio": 0.005}),
        ({"humidity": {"value": 0.5, "unit": "%"}}, {"humidity_ratio": 0.005}),
        ({"battery": 92}, {"battery_ratio": 0.92}),
        ({"battery": 0}, {"battery_ratio": 0}),
        ({"batteryVoltage": 3600}, {"battery_volts": 3.6}),
        ({"battery_volt": 3.6}, {"battery_volts": 3.6}),
        ({"illumination": 610, "light": 3}, {"illuminance_lux": 610}),
        ({"pressure": 1006.76}, {"pressure_hectopascals": 1006.76}),
        ({"pressure": 96412}, {"pressure_hectopascals": 964.12}),
        ({"pressure": 95.96}, {"pressure_hectopascals": 959.6}),
        ({"distance": 1234}, {"distance_metres": 1.234}),
        ({"Distance": "1500 mm"}, {"distance_metres": 1.5}),
        ({"water_level": 1.25}, {"water_level_metres": 1.25}),
        ({"water_level_cm": 125}, {"water_level_metres": 1.25}),
        ({"rainfall": 2.4}, {"rainfall_millimetres": 2.4}),
        ({"wind_speed": 10, "wind_direction": 270}, {
            "wind_speed_metres_per_second": 10, "wind_direction_degrees": 270}),
        ({"wind_speed_kmh": 36}, {"wind_speed_metres_per_second": 10}),
        ({"wind_speed": {"value": 36, "unit": "km/h"}}, {"wind_speed_metres_per_second": 10}),
        ({"rssi": -97, "snr": 5.25}, {"rssi_dbm": -97, "snr_decibels": 5.25}),
        ({"gps": {"lat": -3.7, "lng": -73.2}}, {"latitude_degrees": -3.7, "longitude_degrees": -73.2}),
        ({"temperature_1": 20.5}, {"temperature_celsius": 20.5}),
        ({"gps_3": {"latitude": -3.7, "longitude": -73.2, "altitude": 110}}, {
            "latitude_degrees": -3.7, "longitude_degrees": -73.2, "altitude_metres": 110}),
        ({"air_temperature": {"displayName": "Air temperature", "value": 26.4, "unit": "°C"}}, {
            "temperature_celsius": 26.4}),
        ({"temp_f": 77}, {"temperature_celsius": 25}),
        ({"measurements": {"air_humidity": {"value": 52.4, "unit": "%"}}}, {"humidity_ratio": 0.524}),
    ],
)  # fmt: skip
def test_well_known_names(data: dict[str, object], expected: dict[str, float]) -> None:
    assert collect(data).values == pytest.approx(expected)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"temperature": 71.6, "temperatureUnit": "F"}, {"temperature_celsius": 22}),
        ({"temperature": "71.6", "temperature_units": "°F"}, {"temperature_celsius": 22}),
        ({"temperature_1": 71.6, "temp_unit": "Fahrenheit"}, {"temperature_celsius": 22}),
        ({"data": {"temperature": 71.6, "unit": "F"}}, {"temperature_celsius": 22}),
        ({"temperature": 71.6, "humidity": 0.5, "humidityUnit": "ratio", "unit": "F"}, {
            "temperature_celsius": 22, "humidity_ratio": 0.5}),
        ({"temperature": "22 °C", "temperatureUnit": "F"}, {"temperature_celsius": 22}),
        ({"temp_f": 71.6, "board_temperature": 30, "unit": "C"}, {
            "temperature_celsius": 22, "device_temperature_celsius": 30}),
        ({"battery": 3.6, "battery_unit": None, "temperature": 22, "unit": "7"}, {"temperature_celsius": 22}),
        ({"water_level": 125, "water_level_unit": "cm"}, {"water_level_metres": 1.25}),
    ],
)  # fmt: skip
def test_units_told_beside(data: dict[str, object], expected: dict[str, float]) -> None:
    assert collect(data).values == pytest.approx(expected)


@pytest.mark.parametrize("told", [{"temperatureUnit": "imperial"}, {"unit": "imperial"}, {"temperature_unit": "%"}])
def test_a_unit_beside_that_cannot_be(told: dict[str, str]) -> None:
    found = collect({"temperature": 71.6} | told)
    assert (found.values, found.unknown) == ({}, [])
    assert [(one.quantity, one.reason) for one in found.absent] == [("temperature_celsius", "ambiguous_unit")]


def test_a_unit_beside_declared_fields() -> None:
    data = {"probe": 71.6, "probeUnit": "F"}
    assert collect(data, probe="water_temperature_celsius").values == pytest.approx({"water_temperature_celsius": 22})
    settled = {"quantity": "water_temperature_celsius", "offset": -50}
    told = collect(data, probe=settled)
    assert told.values == pytest.approx({"water_temperature_celsius": 21.6})
    assert told.unknown == ["probeUnit"]


def test_a_lone_unit_that_fits_nothing_is_listed() -> None:
    told = collect({"temperature": 22, "light": 5, "unit": "metric"})
    assert (told.values, told.unknown) == ({"temperature_celsius": 22, "illuminance_lux": 5}, ["unit"])


def test_channels_that_share_a_name_must_be_mapped() -> None:
    data = {"temperature_1": 20.5, "temperature_2": 21.5}
    told = collect(data)
    assert (told.values, told.unknown) == ({}, ["temperature_1", "temperature_2"])
    told = collect(data, temperature_2="water_temperature_celsius")
    assert told.values == {"temperature_celsius": 20.5, "water_temperature_celsius": 21.5}
    assert collect({"temperature": 20, "temperature_2": 21}).unknown == ["temperature_2"]


def test_declared_fields_come_first() -> None:
    told = collect(
        {"TempC_DS": "19.5", "probe": {"t": 68}, "list": [1, {"level": 250}], "battery": 3.6, "noise": "quiet"},
        TempC_DS="water_temperature_celsius",
        probe__t={"quantity": "temperature_celsius", "unit": "[degF]"},
        list__1__level={"quantity": "water_level_metres", "unit": "cm", "scale": -1, "offset": 400},
        battery="battery_volts",
        noise={"ignore": True},
    )
    assert told.values == pytest.approx(
        {
            "water_temperature_celsius": 19.5,
            "temperature_celsius": 20,
            "water_level_metres": 1.5,
            "battery_volts": 3.6,
        }
    )
    assert told.unknown == ["list.0"]


def test_labels_and_sentinels() -> None:
    motion = {"labels": {"true": "person", "false": ""}}
    assert collect({"motion": True}, motion=motion).label == "person"
    assert collect({"motion": False}, motion=motion).label == ""
    assert collect({"class": "moto"}, **{"class": {"labels": {"moto": "chainsaw"}}}).label == "chainsaw"
    assert collect({"class": 3}, **{"class": {"labels": {"3": "gunshot"}}}).label == "gunshot"
    assert collect({"class": "bird?"}, **{"class": {"labels": {"moto": "chainsaw"}}}).unknown == ["class"]
    assert collect({"label": "chainsaw"}).unknown == ["label"]
    assert collect({"humidity": 0.5}, humidity="humidity_ratio").values == {"humidity_ratio": 0.5}
    told = collect({"t2": "NaN"}, t2="temperature_celsius")
    assert (told.absent, told.unknown) == ([Absence("temperature_celsius", "not_a_number")], [])
    told = collect({"t2": 327.67}, t2={"quantity": "temperature_celsius", "absent": [327.67]})
    assert told.absent == [Absence("temperature_celsius", "sentinel")]


def test_age() -> None:
    assert collect({"ago": 2}, ago={"quantity": "age_seconds", "scale": 60}).age_s == 120


@pytest.mark.parametrize(
    ("data", "absent"),
    [
        ({"temperature": None}, Absence("temperature_celsius", "sentinel")),
        ({"battery": 3.6}, Absence("battery_ratio", "ambiguous_unit", "battery")),
        *(
            ({"temperature": value}, Absence("temperature_celsius", "not_a_number"))
            for value in ("NaN", "warm", "1,234", "", True, 10**400)
        ),
        ({"humidity": 0.5}, Absence("humidity_ratio", "ambiguous_unit", "humidity")),
        ({"rh": "1"}, Absence("humidity_ratio", "ambiguous_unit", "rh")),
        ({"water_level": 125}, Absence("water_level_metres", "ambiguous_unit", "water_level")),
        ({"distance": 1.5}, Absence("distance_metres", "ambiguous_unit", "distance")),
        ({"humidity": 327.6}, Absence("humidity_ratio", "out_of_range")),
    ],
)
def test_what_is_in_doubt_is_not_taken(data: dict[str, object], absent: Absence) -> None:
    told = collect(data)
    assert (told.values, told.absent) == ({}, [absent])


@pytest.mark.parametrize(
    "data",
    [
        {"frobnication": 1},
        {"temperature": {"value": 20, "unit": "furlong"}},
        {"soil": {"temperature": 20}},
        {"history": [{"temperature": 20}]},
    ],
)
def test_what_nothing_maps_is_listed(data: dict[str, object]) -> None:
    told = collect(data)
    assert told.values == {}
    assert len(told.unknown) == 1


def test_what_is_no_measurement_is_passed_over() -> None:
    assert collect({"device_id": 571, "protocol_version": 2, "Work_mode": "IIC", "data": {"fPort": 2}}).unknown == []


def test_without_the_well_known_names() -> None:
    told = FieldMapping({}, well_known=False).collect({"temperature": 20})
    assert (told.values, told.unknown) == ({}, ["temperature"])


def test_a_decoder_that_makes_up_names_fills_no_list() -> None:
    mapping = FieldMapping({})
    names = {name for turn in range(500) for name in mapping.collect({f"f{turn}": 1}).unknown}
    assert len(names) == MAX_LISTED + 1
    assert OTHERS in names


def test_depth_and_number_are_bounded() -> None:
    deep: object = 1
    for _ in range(10_000):
        deep = [deep]
    assert [name for name, _, _ in flatten(deep)] == [OTHERS]
    assert [name for name, _, _ in flatten({str(n): n for n in range(10_000)})] == [OTHERS]
    wide = {f"a{n}": {f"b{m}": m for m in range(30)} for n in range(30)}
    assert len(list(flatten(wide))) <= MAX_FIELDS + 30
    assert MAX_DEPTH == 16


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=30,
)


@given(JSON)
def test_any_result(data: object) -> None:
    told = collect(data)
    assert set(told.values) <= set(QUANTITIES)


@given(st.dictionaries(st.sampled_from(sorted(vocabulary().known)), JSON, max_size=8))
def test_any_value_of_known_names(data: dict[str, object]) -> None:
    for item in collect(data).decoded():
        assert item


def test_the_vocabulary_holds_together() -> None:
    known = vocabulary()
    assert len(known.known) > 200
    with pytest.raises(ValueError, match="two places"):
        Vocabulary('containers = []\nignored = ["temp"]\n[[temperature_celsius]]\nunit = "K"\nnames = ["Temp"]')
    with pytest.raises(ValueError, match="cannot be converted"):
        Vocabulary('containers = []\nignored = []\n[[temperature_celsius]]\nunit = "mV"\nnames = ["temp"]')


@pytest.mark.parametrize(
    ("said", "data"),
    [
        ("nivel_mm", {"Nivel_MM": 1234}),
        ("Nivel_mm", {"nivel_mm": 1234}),
        ("data_nivel_mm", {"data": {"Nivel-mm": 1234}}),  # as the counter of an unmapped field tells it
        ("nivel_mm", {"nivel_mm": 1234, "NIVEL_MM": {"x": None}}),
    ],
)
def test_a_name_of_the_settings_matches_whatever_its_capitals(said: str, data: object) -> None:
    target = Target(quantity="water_level_metres", unit="mm")
    assert FieldMapping({said: target}).collect(data).values == {"water_level_metres": 1.234}


def test_the_exact_name_goes_before_one_alike() -> None:
    mapping = FieldMapping({"t": Target(quantity="temperature_celsius")}, well_known=False)
    told = mapping.collect({"T": 99, "t": 21})
    assert (told.values, told.unknown) == ({"temperature_celsius": 21}, ["T"])


def test_a_name_that_no_field_has_is_told_once() -> None:
    mapping = FieldMapping(
        {"nivel": Target(quantity="water_level_metres"), "t": Target(quantity="temperature_celsius")}
    )
    told = [mapping.collect({"t": 21.5, "level_x": 3}).absent for _ in range(40)]
    assert [absent for absent in told if absent] == [[Absence("", "unmatched_map", "map.nivel")]]


def test_two_names_that_differ_in_capitals_are_refused() -> None:
    with pytest.raises(ValidationError, match="differ in capitals only"):
        TypeAdapter(FieldMap).validate_python({"Level": "water_level_metres", "level": "distance_metres"})


@pytest.mark.parametrize("quantity", ["incident_number", "arrival_seconds", "outbox_entries"])
def test_what_the_gateway_tells_of_itself_and_of_incidents_is_no_word_of_a_device(quantity: str) -> None:
    with pytest.raises(ValidationError, match="is no quantity of the catalogue"):
        Target(quantity=quantity)
