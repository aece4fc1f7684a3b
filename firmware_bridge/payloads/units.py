"""Foreign units to the catalogue's. Names are those of UCUM (ucum.org) and the common ways of writing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from firmware_bridge.readings import QUANTITIES

Affine = tuple[float, float]
"""(scale, offset): value * scale + offset."""

# unit: (base unit of its dimension, scale, offset)
_UNITS: Final[dict[str, tuple[str, float, float]]] = {}


def _add(base: str, *rows: tuple[str, float] | tuple[str, float, float]) -> None:
    for names, scale, *offset in rows:
        for name in names.split(" "):
            _UNITS[name] = (base, scale, offset[0] if offset else 0.0)


_add("1", ("1 ratio {ratio}", 1.0), ("% pct percent %RH %rh {%}", 0.01), ("[ppth] ‰ permille", 0.001))
_add(
    "Cel",
    ("Cel °C degC C celsius Celsius", 1.0),
    ("[degF] °F degF F fahrenheit Fahrenheit", 5 / 9, -160 / 9),
    ("K kelvin Kelvin", 1.0, -273.15),
)
_add(
    "Pa",
    ("Pa", 1.0),
    ("hPa mbar mBar millibar", 100.0),
    ("kPa", 1_000.0),
    ("MPa", 1_000_000.0),
    ("bar", 100_000.0),
    ("[psi] psi", 6_894.757293168),
    ("mm[Hg] mmHg", 133.322387415),
    ("[in_i'Hg] inHg", 3_386.389),
    ("atm", 101_325.0),
)
_add(
    "m",
    ("m metre meter", 1.0),
    ("dm", 0.1),
    ("cm", 0.01),
    ("mm", 0.001),
    ("um µm", 1e-6),
    ("km", 1_000.0),
    ("[in_i] in inch", 0.0254),
    ("[ft_i] ft feet", 0.3048),
    ("[mi_i] mi", 1_609.344),
)
_add(
    "m/s",
    ("m/s m.s-1 m⋅s⁻¹ mps", 1.0),
    ("km/h kmh kph km.h-1", 1 / 3.6),
    ("[kn_i] kn kt knot knots", 1_852 / 3_600),
    ("[mi_i]/h mph", 0.44704),
    ("[ft_i]/s ft/s", 0.3048),
    ("cm/s", 0.01),
)
_add("V", ("V volt", 1.0), ("mV", 0.001), ("cV", 0.01), ("dV", 0.1), ("uV µV", 1e-6), ("kV", 1_000.0))
_add(
    "s",
    ("s sec seconds", 1.0),
    ("ms", 0.001),
    ("us µs", 1e-6),
    ("min minutes", 60.0),
    ("h hours", 3_600.0),
    ("d days", 86_400.0),
)
_add("deg", ("deg ° degrees", 1.0), ("rad", 57.29577951308232), ("gon", 0.9), ("'", 1 / 60))
_add("lx", ("lx lux", 1.0), ("klx klux", 1_000.0), ("[fc] fc", 10.763910417))
_add("By", ("By B bytes", 1.0), ("kBy kB", 1e3), ("MBy MB", 1e6), ("GBy GB", 1e9), ("KiBy KiB", 1024.0))
_add("dB", ("dB dB[SPL] dBA dB(A) dB[A]", 1.0))
_add("dB[mW]", ("dB[mW] dBm", 1.0))

UNIT_NAMES: Final = frozenset(_UNITS)


class UnitError(ValueError):
    """A unit that is not known, or of another dimension than the quantity."""


def conversion(unit: str, quantity: str) -> Affine:
    """How to bring a value in `unit` to the unit of a quantity of the catalogue. "": it is in that unit already.

    Raises UnitError.
    """
    target = QUANTITIES[quantity].unit
    if not unit or unit == target:
        return 1.0, 0.0
    if unit not in _UNITS:
        base = _UNITS[target][0] if target in _UNITS else target
        alike = [name for name, (of, *_) in _UNITS.items() if of == base and name != target]
        such = f", such as {', '.join(alike[:8])}" if alike else ""
        raise UnitError(f"the unit {unit!r} is not known; write {target} or one that can be converted to it{such}")
    base, scale, offset = _UNITS[unit]
    to_base, to_scale, to_offset = _UNITS.get(target, (target, 1.0, 0.0))
    if base != to_base:
        raise UnitError(f"{unit!r} cannot be converted to {target}, the unit of {quantity}")
    return scale / to_scale, (offset - to_offset) / to_scale


def converter(unit: str, quantity: str, scale: float = 1.0, offset: float = 0.0) -> Callable[[float], float]:
    """A function from a raw value to the quantity's unit: raw * scale + offset is in `unit`. Raises UnitError."""
    factor, shift = conversion(unit, quantity) if unit else (1.0, 0.0)
    total, base = scale * factor, offset * factor + shift
    if total == 1.0 and base == 0.0:
        return float
    # A division is exact where its reciprocal is not a float (23.4 rather than 23.400000000000002).
    if base == 0.0 and 0 < abs(total) < 1 and float(inverse := round(1 / total)) == 1 / total:
        return lambda raw: raw / inverse
    return lambda raw: raw * total + base
