"""What The Things Stack makes of a payload where the maker's decoder has a `normalizeUplink`: a list of measurements
whose names and units are fixed.

Source: LoRaWAN Device Repository, lib/payload.json ("Payload definitions"); The Things Stack, "Payload Formatters".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from firmware_bridge.lorawan.events import parse_part
from firmware_bridge.lorawan.server_times import epoch_seconds
from firmware_bridge.payloads.mapping import FieldMapping
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.targets import FieldMap, Target
from firmware_bridge.readings import Rejected

MAX_MEASUREMENTS: Final = 64
FIELDS: Final = {
    "air.temperature": Target(quantity="temperature_celsius", unit="Cel"),
    "air.relativeHumidity": Target(quantity="humidity_ratio", unit="%"),
    "air.pressure": Target(quantity="pressure_hectopascals", unit="hPa"),
    "air.lightIntensity": Target(quantity="illuminance_lux", unit="lx"),
    "air.location": Target(ignore=True),  # indoor or outdoor
    "wind.speed": Target(quantity="wind_speed_metres_per_second", unit="m/s"),
    "wind.direction": Target(quantity="wind_direction_degrees", unit="deg"),
    "water.temperature.current": Target(quantity="water_temperature_celsius", unit="Cel"),
    "position.latitude": Target(quantity="latitude_degrees", unit="deg"),
    "position.longitude": Target(quantity="longitude_degrees", unit="deg"),
    "battery": Target(quantity="battery_volts", unit="V"),
}
"""What is measured in soil, carbon dioxide and sums of rain stand for no quantity: they are counted by name."""

_TIME: Final = "time"
_LIST: Final = msgspec.json.Decoder(list[dict[str, object]] | None)


class NormalizedPayload(BaseModel):
    """A payload that the network server has decoded and normalised already."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: Literal["normalized"] = Field(
        description="normalized: the standard measurements that The Things Stack's codec made of the payload."
    )
    map: FieldMap = Field(
        default={},
        description="What further fields stand for, by name, such as soil.temperature; comes before the standard.",
    )


class NormalizedDecoder:
    """Reads measurements. Reasons beside those of mapping: no_normalized (the server has no such codec for the device),
    bad_object, too_many_groups."""

    def __init__(self, targets: FieldMap) -> None:
        said = {name.casefold() for name in targets}
        usual = {name: target for name, target in FIELDS.items() if name.casefold() not in said}
        self._mapping = FieldMapping(usual | targets, well_known=False, awaited=targets)

    def decode(self, told: msgspec.Raw, sent_s: float | None) -> list[Decoded | Rejected]:
        """told: JSON, or nothing. sent_s: when the uplink came, Unix time: what was measured earlier is older."""
        measured: Sequence[dict[str, object]] | Rejected | None = (
            parse_part(_LIST, told, "bad_object") if bytes(told) else None
        )
        if isinstance(measured, Rejected):
            return [measured]
        if not measured:
            return [Rejected("no_normalized", 1, "the network server did not normalise it: has it a codec that can?")]
        items: list[Decoded | Rejected] = []
        for one in measured[:MAX_MEASUREMENTS]:
            items += self._measurement(one, sent_s)
        if len(measured) > MAX_MEASUREMENTS:
            items.append(Rejected("too_many_groups", 1, f"{len(measured)} measurements"))
        return items

    def _measurement(self, one: dict[str, object], sent_s: float | None) -> list[Decoded | Rejected]:
        fields = {name: value for name, value in one.items() if name != _TIME}
        told = self._mapping.collect(fields)
        measured_s = epoch_seconds(str(one.get(_TIME) or ""))
        if measured_s is not None and sent_s is not None:
            told.age_s = sent_s - measured_s
        return told.decoded()
