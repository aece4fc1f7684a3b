"""From the fields of somebody else's decoder to the catalogue's quantities. The names are data: well_known.toml."""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from firmware_bridge.payloads.grouping import Collector, unmapped_reason
from firmware_bridge.payloads.sibling_units import converts, plain, sibling_units
from firmware_bridge.payloads.targets import Put, Target, putter
from firmware_bridge.payloads.units import UNIT_NAMES, UnitError, conversion
from firmware_bridge.readings import QUANTITIES

MAX_FIELDS: Final = 512
MAX_DEPTH: Final = 16
MAX_LISTED: Final = 64
OTHERS: Final = "others"
"""Stands for the names of unknown fields beyond the first 64 that one device had."""

_PATIENCE: Final = 20
"""Payloads after which a name of the settings that no field had is told: a device may send one thing rarely."""
_MAX_NAME: Final = 64
_MAX_NUMBER: Final = 32
_CHANNEL: Final = re.compile(r"_\d{1,3}$")
_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+,\d{1,2}|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(\S{0,12})\s*")

Value = float | str | bool | None


class UnitBySize(BaseModel):
    """A unit, where the value is not above up_to."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    unit: str
    up_to: float = math.inf


class WellKnown(BaseModel):
    """Names that stand for a quantity, and the unit of such fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    names: list[str]
    unit: str = ""
    units: list[UnitBySize] = Field(default=[])
    doubt: Literal["", "fraction", "whole", "ratio"] = ""


class Vocabulary:
    """What well_known.toml says, ready to be asked."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for a quantity, unit or name that cannot be."""
        tables = tomllib.loads(text)
        self.containers = frozenset(plain(name) for name in tables.pop("containers"))
        self.ignored = frozenset(plain(name) for name in tables.pop("ignored"))
        self.known: dict[str, tuple[str, WellKnown]] = {}
        self._usual: dict[str, str] = {}
        for quantity, entries in TypeAdapter(dict[str, list[WellKnown]]).validate_python(tables).items():
            self._usual[quantity] = entries[0].unit
            for entry in entries:
                for choice in entry.units or [UnitBySize(unit=entry.unit)]:
                    conversion(choice.unit, quantity)
                for name in {plain(name) for name in entry.names}:
                    if name in self.known or name in self.ignored:
                        raise ValueError(f"{name} stands in two places")
                    self.known[name] = (quantity, entry)

    def find(self, field: str) -> tuple[str, WellKnown] | None:
        """The quantity of a field; objects that say nothing about what is in them are passed over."""
        return self.known.get(self._last(field))

    def leaves_unit_open(self, quantity: str, entry: WellKnown) -> bool:
        """Whether such names do not tell the unit themselves, as temp_f does."""
        return bool(entry.doubt or entry.units) or entry.unit == self._usual[quantity]

    def is_ignored(self, field: str) -> bool:
        """Whether a field is known to be no measurement."""
        return self._last(field) in self.ignored

    def _last(self, field: str) -> str:
        parts = field.split(".")
        while len(parts) > 1 and plain(_CHANNEL.sub("", parts[0])) in self.containers:
            del parts[0]
        return plain("".join(parts))


@functools.cache
def vocabulary() -> Vocabulary:
    """The names that come with Vigía."""
    return Vocabulary((files("firmware_bridge.payloads") / "well_known.toml").read_text("utf-8"))


def flatten(data: object) -> Iterator[tuple[str, Value, str]]:
    """(name, value, unit or "") of everything in a JSON value: names of nested objects joined with dots, places in
    lists as numbers. An object that has a `value` is one field, with the `unit` beside it. At most 512, 16 deep; what
    is deeper or more is a field named `others`.
    """
    left = MAX_FIELDS
    stack: list[tuple[str, object, int]] = [("", data, 0)]
    while stack:
        name, value, depth = stack.pop()
        if isinstance(value, Mapping):
            told = value.get("value", value)
            if told is not value and not isinstance(told, Mapping | list) and name:
                unit = value.get("unit")
                left -= 1
                yield name, told, unit if isinstance(unit, str) else ""
                continue
            inside: list[tuple[str, object]] = [(str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            inside = [(str(at), inner) for at, inner in enumerate(value)]
        elif isinstance(value, float | int | str | bool) or value is None:
            left -= 1
            yield name or "value", value, ""
            continue
        else:
            continue
        if depth == MAX_DEPTH or len(inside) + len(stack) > left:
            yield OTHERS, None, ""
            continue
        prefix = f"{name}." if name else ""
        stack += [(prefix + key[:_MAX_NAME], inner, depth + 1) for key, inner in reversed(inside)]


class FieldMapping:
    """What the fields of one device stand for: as its settings say, or else by their well-known names."""

    def __init__(
        self, targets: Mapping[str, Target], *, well_known: bool = True, awaited: Iterable[str] | None = None
    ) -> None:
        """awaited: the names of targets that some field should have; all of them if left out."""
        self._targets = {name: putter(target) for name, target in targets.items()}
        self._alike = _alike(targets)
        self._awaited = set(targets if awaited is None else awaited)
        self._payloads = 0
        self._quantities = {name: target for name, target in targets.items() if target.quantity}
        self._vocabulary = vocabulary() if well_known else Vocabulary("containers = []\nignored = []")
        self._puts: dict[tuple[str, str], Put] = {}
        self._listed: set[str] = set()

    def collect(self, data: object) -> Collector:
        """What a decoder's result says.

        A null is absent. A field told with a channel (temperature_2) stands for what its name says only if no other
        field has that name. Fields that nothing maps, whose unit is not known, or that say again
        what was said, are listed. A unit told in a field beside is heeded; one that cannot be is an ambiguous_unit.
        A name of the settings stands for a field that differs in capitals, or is told so by its counter (data.Level and
        data_level), if no field is called exactly so. One that no field of the first 20 payloads had is unmatched_map.
        """
        told = Collector()
        fields = list(flatten(data))
        declared = self._declared([name for name, _, _ in fields])
        self._await(declared, told)
        others = [name for name, _, _ in fields if name not in declared]
        found = {name: hit for name in others if (hit := self._vocabulary.find(name)) is not None}
        for name, hit in self._by_channel(others, found).items():
            found.setdefault(name, hit)
        beside, heeded = sibling_units(fields, self._open_units(found, declared), self._quantity_of)
        for name, value, unit in fields:
            value, unit = _with_unit(value, unit)
            if not unit and value is not None:
                unit = beside.get(name, "")
                if name in found and unit and not converts(unit, found[name][0]):
                    told.lack(found[name][0], "ambiguous_unit", name)
                    continue
            if name in declared:
                self._put_declared(told, name, declared[name], value, unit)
            elif name in heeded:
                continue
            elif name in found:
                self._put_known(told, name, value, unit, found[name])
            elif not self._vocabulary.is_ignored(name):
                self._miss(told, name)
        return told

    def _declared(self, names: list[str]) -> dict[str, str]:
        """Fields for which the settings say what they stand for, by the name there."""
        there = set(names)
        own: dict[str, str] = {}
        for name in names:
            said = name if name in self._targets else next(filter(None, map(self._alike.get, _forms(name))), "")
            if said and (said == name or said not in there):
                own[name] = said
        return own

    def _await(self, declared: Mapping[str, str], told: Collector) -> None:
        """Strike off what came; after enough payloads, tell once what never did."""
        if self._awaited and self._payloads < _PATIENCE:
            self._awaited.difference_update(declared.values())
            self._payloads += 1
            if self._payloads == _PATIENCE:
                for name in sorted(self._awaited):
                    told.lack("", "unmatched_map", f"map.{name}")

    def _open_units(self, found: Mapping[str, tuple[str, WellKnown]], declared: Mapping[str, str]) -> dict[str, str]:
        """The quantities of the fields for which neither a name nor the settings tell the unit."""
        targets = {name: self._quantities[said] for name, said in declared.items() if said in self._quantities}
        bare = {
            name: target.quantity
            for name, target in targets.items()
            if target.quantity in QUANTITIES and not target.unit and target.scale == 1 and target.offset == 0
        }
        known = {name: hit[0] for name, hit in found.items() if self._vocabulary.leaves_unit_open(*hit)}
        return bare | known

    def _quantity_of(self, name: str) -> str:
        hit = self._vocabulary.find(name)
        return hit[0] if hit is not None else ""

    def _by_channel(
        self, names: list[str], found: Mapping[str, tuple[str, WellKnown]]
    ) -> dict[str, tuple[str, WellKnown]]:
        """Fields with a channel that is the only one of its name."""
        by_name: dict[str, list[str]] = {}
        for name in names:
            if name not in found and _CHANNEL.search(name):
                by_name.setdefault(_CHANNEL.sub("", name), []).append(name)
        lone = {name: fields[0] for name, fields in by_name.items() if len(fields) == 1}
        taken = {hit[0] for hit in found.values()}
        hits = ((field, self._vocabulary.find(name)) for name, field in lone.items())
        return {field: hit for field, hit in hits if hit is not None and hit[0] not in taken}

    def _put_declared(self, told: Collector, name: str, said: str, value: Value, unit: str) -> None:
        target = self._quantities.get(said)
        if target is None:
            if value is not None:
                self._targets[said](told, _text(value), name)
            return
        number = _number(value)
        if number is None:
            if target.quantity in QUANTITIES:
                told.lack(target.quantity, "sentinel" if value is None else "not_a_number")
            elif value is not None:
                self._miss(told, name)
        elif unit and not target.unit and unit in UNIT_NAMES and target.quantity in QUANTITIES:
            self._put(told, target.quantity, unit, number * target.scale + target.offset, name)
        else:
            self._targets[said](told, number, name)

    def _put_known(self, told: Collector, name: str, value: Value, unit: str, hit: tuple[str, WellKnown]) -> None:
        quantity, entry = hit
        number = _number(value)
        if number is None or isinstance(value, bool):
            told.lack(quantity, "sentinel" if value is None else "not_a_number")
        elif unit:
            self._put(told, quantity, unit, number, name)
        elif _in_doubt(number, entry.doubt):
            told.lack(quantity, "ambiguous_unit", name)
        else:
            choices = entry.units or [UnitBySize(unit=entry.unit)]
            fitting = next((choice.unit for choice in choices if abs(number) <= choice.up_to), choices[-1].unit)
            self._put(told, quantity, fitting, number, name)

    def _put(self, told: Collector, quantity: str, unit: str, value: float, name: str) -> None:
        put = self._puts.get((quantity, unit))
        if put is None:
            try:
                conversion(unit, quantity)
            except UnitError:
                self._miss(told, name)
                return
            put = self._puts[quantity, unit] = putter(Target(quantity=quantity, unit=unit))
        put(told, value, name)

    def _miss(self, told: Collector, name: str) -> None:
        if name not in self._listed:
            if len(self._listed) >= MAX_LISTED:
                name = OTHERS
            else:
                self._listed.add(name)
        told.miss(name)


def _forms(name: str) -> tuple[str, str]:
    """A name as it is told apart from others without its capitals, and as its counter tells it."""
    return name.casefold(), unmapped_reason(name)


def _alike(names: Iterable[str]) -> dict[str, str]:
    """The names of the settings by their forms, where they alone have one."""
    by_form: dict[str, set[str]] = {}
    for name in names:
        for form in _forms(name):
            by_form.setdefault(form, set()).add(name)
    return {form: one for form, (one, *more) in by_form.items() if not more}


def _with_unit(value: Value, unit: str) -> tuple[Value, str]:
    """A text such as "23.4", "23,4" or "1500 mm", which decoders make of numbers, as number and unit. One such as
    "1,234" is none: thousands or thousandths?"""
    if isinstance(value, str) and len(value) <= _MAX_NUMBER:
        told = _NUMBER.fullmatch(value)
        if told is not None and (not told[2] or told[2] in UNIT_NAMES):
            return float(told[1].replace(",", ".")), unit or told[2]
    return value, unit


def _number(value: Value) -> float | None:
    """A finite number; None for what is none."""
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return None
    return number if math.isfinite(number) else None


def _in_doubt(number: float, doubt: str) -> bool:
    """Whether a number could as well be in another unit. A zero is one in any."""
    match doubt:
        case "fraction":
            return number != int(number)
        case "whole":
            return number != 0 and number == int(number)
        case "ratio":
            return 0 < number <= 1
        case _:
            return False


def _text(value: float | str | bool) -> float | str:
    """As labels are looked up: true and false as JavaScript writes them."""
    return str(value).lower() if isinstance(value, bool) else value
