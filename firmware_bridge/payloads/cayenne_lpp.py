"""Cayenne Low Power Payload: records of channel, type and value, big-endian, until the payload ends.

Source: myDevices Cayenne LPP 1.0 (types are IPSO object ids less 3200) and the common extensions to it that the
open-source encoders share (generic, voltage, current, frequency, percentage, altitude, concentration, power, distance,
energy, direction, time, colour, switch).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from firmware_bridge.payloads.grouping import Collector
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.targets import Target, putter
from firmware_bridge.readings import Kind, Rejected

MAX_PAYLOAD_BYTES: Final = 1_024


class Part(NamedTuple):
    """One number of a record."""

    suffix: str  # of the field's name
    bytes: int
    signed: bool
    per_unit: int


class Type(NamedTuple):
    """A data type: its name in fields, and the numbers of a record."""

    name: str
    parts: tuple[Part, ...]
    size: int


def _type(name: str, size: int, per_unit: int = 1, *, signed: bool = False, axes: str = "") -> Type:
    parts = tuple(Part(f".{axis}", size, signed, per_unit) for axis in axes.split()) or (
        Part("", size, signed, per_unit),
    )
    return Type(name, parts, sum(part.bytes for part in parts))


TYPES: Final[dict[int, Type]] = {
    0: _type("digital_in", 1),
    1: _type("digital_out", 1),
    2: _type("analog_in", 2, 100, signed=True),
    3: _type("analog_out", 2, 100, signed=True),
    100: _type("generic", 4),
    101: _type("illuminance", 2),  # lx
    102: _type("presence", 1),
    103: _type("temperature", 2, 10, signed=True),  # Cel
    104: _type("humidity", 1, 2),  # %
    113: _type("accelerometer", 2, 1_000, signed=True, axes="x y z"),  # g
    115: _type("barometer", 2, 10),  # hPa
    116: _type("voltage", 2, 100),  # V
    117: _type("current", 2, 1_000),  # A
    118: _type("frequency", 4),  # Hz
    120: _type("percentage", 1),  # %
    121: _type("altitude", 2, signed=True),  # m
    125: _type("concentration", 2),  # ppm
    128: _type("power", 2),  # W
    130: _type("distance", 4, 1_000),  # m
    131: _type("energy", 4, 1_000),  # kWh
    132: _type("direction", 2),  # deg
    133: _type("unix_time", 4),  # s
    134: _type("gyrometer", 2, 100, signed=True, axes="x y z"),  # deg/s
    135: _type("colour", 1, axes="r g b"),
    136: Type(
        "gps",
        (
            Part(".latitude", 3, True, 10_000),
            Part(".longitude", 3, True, 10_000),
            Part(".altitude", 3, True, 100),
        ),
        9,
    ),
    142: _type("switch", 1),
}

FIELDS: Final = frozenset(type_.name + part.suffix for type_ in TYPES.values() for part in type_.parts)
"""Names of fields, without their channel."""

DEFAULTS: Final[dict[str, Target]] = {
    field: Target(quantity=quantity, unit=unit)
    for field, quantity, unit in (
        ("temperature", "temperature_celsius", ""),
        ("humidity", "humidity_ratio", "%"),
        ("barometer", "pressure_hectopascals", ""),
        ("illuminance", "illuminance_lux", ""),
        ("voltage", "battery_volts", ""),
        ("altitude", "altitude_metres", ""),
        ("distance", "distance_metres", ""),
        ("gps.latitude", "latitude_degrees", ""),
        ("gps.longitude", "longitude_degrees", ""),
        ("gps.altitude", "altitude_metres", ""),
    )
} | {"unix_time": Target(ignore=True)}
"""What a type stands for where it has one channel only."""


class CayenneLppDecoder:
    """A `PayloadDecoder`.

    A type with several channels must be mapped, or its fields are counted. Reasons: empty, too_long, too_short (the
    last record is cut: nothing of the payload is believed), unknown_type (its length is not known, so that what follows
    is lost; what came before is kept), no_values.
    """

    def __init__(self, kind: Kind | None = None, targets: Mapping[str, Target] | None = None) -> None:
        """targets: by field, with its channel (temperature_2) or, for a type with one channel, without."""
        self._kind = kind
        self._map = {name: putter(target) for name, target in (targets or {}).items()}
        self._defaults = {name: putter(target) for name, target in DEFAULTS.items()}

    def decode(self, payload: bytes, port: int | None) -> list[Decoded | Rejected]:
        """See `PayloadDecoder.decode`."""
        if not payload:
            return [Rejected("empty", 1, "a payload of no bytes")]
        if len(payload) > MAX_PAYLOAD_BYTES:
            return [Rejected("too_long", 1, f"{len(payload)} bytes (at most {MAX_PAYLOAD_BYTES})")]
        records: list[tuple[Type, int, int]] = []
        trouble: list[Rejected] = []
        at = 0
        while at < len(payload):
            if at + 2 > len(payload):
                return [Rejected("too_short", 1, "a channel without a type at the end")]
            channel, code = payload[at], payload[at + 1]
            type_ = TYPES.get(code)
            if type_ is None:
                trouble = [Rejected("unknown_type", 1, f"channel {channel} has type {code}")]
                break
            if at + 2 + type_.size > len(payload):
                return [Rejected("too_short", 1, f"channel {channel} ({type_.name}) is cut")]
            records.append((type_, channel, at + 2))
            at += 2 + type_.size
        if not records:
            return [*trouble]
        return self._read(payload, records).decoded(self._kind) + trouble

    def _read(self, payload: bytes, records: list[tuple[Type, int, int]]) -> Collector:
        told = Collector()
        channels = Counter(type_.name for type_, _, _ in records)
        for type_, channel, start in records:
            raws = []
            at = start
            for part in type_.parts:
                raws.append(int.from_bytes(payload[at : at + part.bytes], "big", signed=part.signed) / part.per_unit)
                at += part.bytes
            for part, raw in zip(type_.parts, raws, strict=True):
                plain = type_.name + part.suffix
                named = f"{type_.name}_{channel}{part.suffix}"
                found = self._map.get(named)
                if found is None and channels[type_.name] == 1:
                    found = self._map.get(plain) or self._defaults.get(plain)
                if found is None:
                    told.miss(named)
                else:
                    found(told, raw, named)
        return told
