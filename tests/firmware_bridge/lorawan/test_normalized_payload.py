"""What The Things Stack normalised is taken by its fixed names, units and times."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from firmware_bridge.readings import Reading
from tests.firmware_bridge.drivers.radio_servers import decode
from tests.firmware_bridge.drivers.things_stack_events import chunk, decoder, up

NORMALIZED: dict[str, Any] = {
    "normalized_payload": [
        {
            "time": "2020-02-12T15:15:40.5Z",
            "air": {
                "temperature": 23.75,
                "relativeHumidity": 91.5,
                "pressure": 1003.4,
                "lightIntensity": 12,
                "co2": 410,
            },
            "wind": {"speed": 1.5, "direction": 270},
            "battery": 3.61,
        },
        {"soil": {"depth": 10, "temperature": 21.5, "moisture": 40}},
        {"air": {"location": "outdoor"}, "position": {"latitude": -3.4653, "longitude": -72.0867}},
    ]
}
"""Synthetic, by lib/payload.json of the LoRaWAN Device Repository."""


def normalized(codec: dict[str, Any], **told: Any) -> tuple[list[Reading], Counter[str]]:
    devices = [{"id": "dev1", "name": "clima-1", "payload": codec}]
    one = decoder(devices=devices)
    readings, reasons, _ = decode(one, chunk("up", up(0, rx_metadata=[{"rssi": -35}], **told)))
    return readings, reasons


def test_what_the_server_normalised_has_fixed_names_and_units_and_times_of_its_own() -> None:
    readings, reasons = normalized({"codec": "normalized"}, **NORMALIZED)
    assert [reading.values() for reading in readings] == [
        {
            "temperature_celsius": 23.75,
            "humidity_ratio": 0.915,
            "pressure_hectopascals": 1003.4,
            "illuminance_lux": 12,
            "wind_speed_metres_per_second": 1.5,
            "wind_direction_degrees": 270,
            "battery_volts": 3.61,
            "rssi_dbm": -35,
            "snr_decibels": 0,
        },
        {"latitude_degrees": -3.4653, "longitude_degrees": -72.0867},
    ]
    assert readings[0].age_ms > readings[1].age_ms
    assert reasons == {
        "unmapped_air_co2": 1,
        "unmapped_soil_depth": 1,
        "unmapped_soil_temperature": 1,
        "unmapped_soil_moisture": 1,
        "no_values": 1,
    }


def test_further_measurements_are_mapped_by_the_settings() -> None:
    readings, _ = normalized({"codec": "normalized", "map": {"soil.temperature": "temperature_celsius"}}, **NORMALIZED)
    assert readings[1].values() == {"temperature_celsius": 21.5}


def test_normalised_values_stand_in_where_the_server_told_none_as_decoded() -> None:
    readings, _ = normalized({"codec": "server_object"}, decoded_payload=None, **NORMALIZED)
    assert readings[0].values()["temperature_celsius"] == 23.75
    readings, _ = normalized({"codec": "server_object"}, decoded_payload={"temperature": 5}, **NORMALIZED)
    assert [reading.values()["temperature_celsius"] for reading in readings] == [5]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (None, "no_normalized"),
        ([], "no_normalized"),
        ({"air": {}}, "bad_object"),
        ([7], "bad_object"),
        ([{"air": {"temperature": 20}}] * 65, "too_many_groups"),
        ([{"air": {"temperature": 20}, "time": "2031-01-01T00:00:00Z"}], "implausible_time"),
        ([{"air": {"temperature": "warm"}}], "no_values"),
        ([{"air": {"temperature": None}}], "absent_temperature_celsius"),
    ],
)
def test_what_is_no_list_of_measurements_gives_a_reason(told: Any, reason: str) -> None:
    _, reasons = normalized({"codec": "normalized"}, normalized_payload=told)
    assert reasons[reason] == 1
