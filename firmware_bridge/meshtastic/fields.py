"""What the fields of telemetry and positions stand for, by the names that Meshtastic gives them.

The same names come as numbers over a wire and as keys in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware_bridge.payloads.grouping import Collector
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import Kind, Rejected

QUANTITIES: Final = frozenset(
    {
        "battery_ratio",
        "battery_volts",
        "channel_busy_ratio",
        "external_power_flag",
        "uptime_seconds",
        "temperature_celsius",
        "humidity_ratio",
        "pressure_hectopascals",
        "distance_metres",
        "illuminance_lux",
        "wind_direction_degrees",
        "wind_speed_metres_per_second",
        "latitude_degrees",
        "longitude_degrees",
        "altitude_metres",
        "horizontal_error_metres",
        "rssi_dbm",
        "snr_decibels",
    }
)

_ENVIRONMENT: Final = {
    "temperature": ("temperature_celsius", 1.0),
    "relative_humidity": ("humidity_ratio", 100.0),
    "barometric_pressure": ("pressure_hectopascals", 1.0),
    "distance": ("distance_metres", 1000.0),
    "lux": ("illuminance_lux", 1.0),
    "wind_direction": ("wind_direction_degrees", 1.0),
    "wind_speed": ("wind_speed_metres_per_second", 1.0),
}
"""Name to quantity and how many of the field's unit make one of the quantity's. Rain comes as the sum of the last hour
and of the last day, again with every message: no amount since the last one, so it stands for no quantity."""

OTHER_NAMES: Final = frozenset(
    {
        *("gas_resistance", "voltage", "current", "iaq", "white_lux", "ir_lux", "uv_lux", "weight", "wind_gust"),
        *("wind_lull", "radiation", "rainfall_1h", "rainfall_24h", "soil_moisture", "soil_temperature"),
        *("pm10", "pm25", "pm100", "pm10_e", "pm25_e", "pm100_e", "co2"),
        *(f"{what}_ch{channel}" for what in ("voltage", "current") for channel in range(1, 9)),
    }
)
"""Names of telemetry in JSON that stand for no quantity."""

_DEVICE_ONLY: Final = frozenset({"battery_level", "channel_utilization", "air_util_tx", "uptime_seconds"})
_NOT_WANTED: Final = frozenset({"air_util_tx"})  # follows from what the radio sends
_POWERED: Final = 100  # a battery level above this: on external power
_DEGREE: Final = 10_000_000
_METRES_A_DEGREE: Final = 111_320.0
_WHOLE_BITS: Final = 32


def device_metrics(fields: Mapping[str, float]) -> list[Decoded | Rejected]:
    """What a radio says of itself."""
    told = Collector()
    for name, value in fields.items():
        if name == "battery_level":
            if 0 < value < 1:  # a fraction of what is full, or less than one percent
                told.lack("battery_ratio", "ambiguous_unit")
            elif value > _POWERED:
                told.add("external_power_flag", 1, name)
            elif value == 0 and not fields.get("voltage"):
                told.lack("battery_ratio")
            else:
                told.add("battery_ratio", value / 100, name)
        elif name == "voltage":
            if value == 0:
                told.lack("battery_volts")
            else:
                told.add("battery_volts", value, name)
        elif name == "channel_utilization":
            told.add("channel_busy_ratio", value / 100, name)
        elif name == "uptime_seconds":
            told.add("uptime_seconds", value, name)
        elif name not in _NOT_WANTED:
            told.miss(name)
    return told.decoded(Kind.DEVICE_STATUS)


def environment_metrics(fields: Mapping[str, float]) -> list[Decoded | Rejected]:
    """What the sensors on a radio measured. Its voltage and current are those of anything: not the battery's."""
    told = Collector()
    for name, value in fields.items():
        if name in _ENVIRONMENT:
            quantity, a_unit = _ENVIRONMENT[name]
            told.add(quantity, value / a_unit, name)
        else:
            told.miss(name)
    return told.decoded(Kind.ENVIRONMENT)


def telemetry(fields: Mapping[str, float]) -> list[Decoded | Rejected]:
    """Telemetry that does not say of what kind it is, as in JSON. Names that nobody knows are counted together."""
    known = _DEVICE_ONLY | _ENVIRONMENT.keys() | OTHER_NAMES
    named = {name if name in known else "field_other": value for name, value in fields.items()}
    return device_metrics(named) if _DEVICE_ONLY & named.keys() else environment_metrics(named)


def position(fields: Mapping[str, float]) -> list[Decoded | Rejected]:
    """A position. latitude_i, longitude_i: 1e-7 degrees; both 0 or missing mean no fix. altitude: metres.

    precision_bits: how many bits of a coordinate the sender left in place; what it hid becomes the horizontal error, as
    does gps_accuracy (millimetres) times PDOP (hundredths).
    """
    latitude, longitude = fields.get("latitude_i"), fields.get("longitude_i")
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return [Rejected("no_fix", 1, "a position without coordinates")]
    told = Collector()
    told.add("latitude_degrees", latitude / _DEGREE, "latitude_i")
    told.add("longitude_degrees", longitude / _DEGREE, "longitude_i")
    if "altitude" in fields:
        told.add("altitude_metres", fields["altitude"], "altitude")
    errors = []
    if 0 < fields.get("precision_bits", 0) < _WHOLE_BITS:
        errors.append(2.0 ** (_WHOLE_BITS - fields["precision_bits"] - 1) / _DEGREE * _METRES_A_DEGREE)
    if fields.get("gps_accuracy", 0) > 0 and fields.get("PDOP", 0) > 0:
        errors.append(fields["gps_accuracy"] / 1000 * fields["PDOP"] / 100)
    if errors:
        told.add("horizontal_error_metres", max(errors), "precision_bits")
    return told.decoded()
