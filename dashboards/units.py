"""From the catalogue's units (UCUM) to Grafana's unit ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.models import units as grafana

from dashboards.errors import BoardError
from firmware_bridge.readings import QUANTITIES

FROM_NOW: Final = grafana.DateTimeFromNow
COUNT: Final = grafana.NoUnit
MILLISECONDS: Final = grafana.Milliseconds
SECONDS: Final = grafana.Seconds

_BY_UCUM: Final[Mapping[str, str]] = {
    "1": COUNT,
    "By": grafana.BytesIEC,
    "Cel": grafana.Celsius,
    "V": grafana.Volt,
    "dB": grafana.Decibel,
    "dB[mW]": grafana.DecibelMilliWatt,
    "deg": grafana.Degrees,
    "hPa": grafana.Hectopascals,
    "lx": grafana.Lux,
    "m": grafana.Meter,
    "m/s": grafana.MetersPerSecond,
    "mm": grafana.Millimeter,
    "s": grafana.Seconds,
}


def grafana_unit(quantity: str) -> str:
    """Grafana's unit id for a quantity of the catalogue; a ratio (0 to 1) is shown in per cent.

    Raises BoardError when the catalogue has a unit that is not known here.
    """
    if quantity.endswith("_ratio"):
        return grafana.PercentUnit
    unit = QUANTITIES[quantity].unit
    if unit not in _BY_UCUM:
        raise BoardError(f"no Grafana unit for {unit!r} of {quantity}: add it to dashboards/units.py")
    return _BY_UCUM[unit]
