"""Foreign units become the catalogue's, or are refused."""

from __future__ import annotations

import pytest

from firmware_bridge.payloads.units import UNIT_NAMES, UnitError, conversion, converter
from firmware_bridge.readings import QUANTITIES


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "expected"),
    [
        (3062, "mV", "battery_volts", 3.062),
        (3.3, "V", "battery_volts", 3.3),
        (88.6, "%", "humidity_ratio", 0.886),
        (100, "%RH", "humidity_ratio", 1),
        (95.96, "kPa", "pressure_hectopascals", 959.6),
        (96412, "Pa", "pressure_hectopascals", 964.12),
        (1013.25, "mbar", "pressure_hectopascals", 1013.25),
        (1, "atm", "pressure_hectopascals", 1013.25),
        (14.7, "[psi]", "pressure_hectopascals", 1013.529),
        (32, "[degF]", "temperature_celsius", 0),
        (-40, "°F", "temperature_celsius", -40),
        (300, "K", "temperature_celsius", 26.85),
        (36, "km/h", "wind_speed_metres_per_second", 10),
        (10, "[kn_i]", "wind_speed_metres_per_second", 5.14444),
        (1234, "mm", "water_level_metres", 1.234),
        (250, "cm", "water_level_metres", 2.5),
        (2.5, "cm", "rainfall_millimetres", 25),
        (1, "[in_i]", "rainfall_millimetres", 25.4),
        (2, "min", "duration_seconds", 120),
        (3.141592653589793, "rad", "wind_direction_degrees", 180),
        (2, "klux", "illuminance_lux", 2000),
        (-97, "dBm", "rssi_dbm", -97),
        (23.4, "", "temperature_celsius", 23.4),
    ],
)
def test_conversion(value: float, unit: str, quantity: str, expected: float) -> None:
    assert converter(unit, quantity)(value) == pytest.approx(expected, rel=1e-6)


def test_scale_and_offset_come_before_the_unit() -> None:
    assert converter("[degF]", "temperature_celsius", scale=0.1, offset=-40)(1172) == pytest.approx(25.111, abs=1e-3)


def test_what_cannot_be_converted_is_refused() -> None:
    with pytest.raises(UnitError, match="cannot be converted to V"):
        conversion("Cel", "battery_volts")
    with pytest.raises(UnitError, match="furlong"):
        conversion("furlong", "distance_metres")


def test_every_unit_of_the_catalogue_is_its_own() -> None:
    for quantity in QUANTITIES.values():
        assert quantity.unit in UNIT_NAMES
        assert converter(quantity.unit, quantity.name)(12.5) == 12.5
