"""Units that a decoder tells in a field beside the value: temperatureUnit, temperature_unit, or one unit for all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from firmware_bridge.payloads.units import UnitError, conversion

_MAX_UNIT: Final = 32
_NOISE: Final = re.compile(r"[^a-z0-9]+")
_UNIT: Final = re.compile(r"(.*?)units?")


def sibling_units(
    fields: Iterable[tuple[str, object, str]], quantities: Mapping[str, str], quantity_of: Callable[[str], str]
) -> tuple[dict[str, str], frozenset[str]]:
    """(field to the unit that its neighbour tells, the neighbours that told one).

    fields: name, value and unit, as flattened. quantities: the measurements among them, by name. quantity_of: what a
    name stands for, "" for nothing. A lone `unit` is that of the measurements beside it which it can be converted to;
    if it can be to none, that of the only one.
    """
    texts: dict[tuple[str, str], tuple[str, str]] = {}  # (object, what the unit is of): the field, its text
    measured: dict[str, list[str]] = {}
    for name, value, unit in fields:
        inside, _, last = name.rpartition(".")
        if name in quantities:
            if not unit:
                measured.setdefault(inside, []).append(name)
        elif isinstance(value, str) and (told := _UNIT.fullmatch(plain(last))) and _may_be_unit(value):
            texts.setdefault((inside, told[1]), (name, value.strip()))
    by_quantity = {(inside, found): text for (inside, of), text in texts.items() if of and (found := quantity_of(of))}
    units: dict[str, str] = {}
    used: set[str] = set()
    for inside, names in measured.items():
        lone = texts.get((inside, ""))
        for name in names:
            text = texts.get((inside, plain(name.rpartition(".")[2]))) or by_quantity.get((inside, quantities[name]))
            if text is None and lone is not None and (len(names) == 1 or converts(lone[1], quantities[name])):
                text = lone
            if text is not None:
                used.add(text[0])
                units[name] = text[1]
    return units, frozenset(used)


def _may_be_unit(text: str) -> bool:
    return 0 < len(text.strip()) <= _MAX_UNIT and not text.strip().isdigit()  # digits tell which device it is


def converts(unit: str, quantity: str) -> bool:
    """Whether a unit can be brought to a quantity's."""
    try:
        conversion(unit, quantity)
    except UnitError:
        return False
    return True


def plain(name: str) -> str:
    """A name without what makers differ in."""
    return _NOISE.sub("", name.lower())
