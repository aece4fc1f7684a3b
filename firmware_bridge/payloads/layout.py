"""Reads payloads by a declared layout. A layout becomes a list of small functions once; decoding runs them."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from firmware_bridge.payloads.grouping import AGE, KIND_NAMES, Collector
from firmware_bridge.payloads.layout_settings import (
    MAX_REPEATS,
    Condition,
    Layout,
    LayoutField,
    Records,
)
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.targets import Target, putter
from firmware_bridge.payloads.units import UnitError, conversion
from firmware_bridge.readings import Rejected

_STRUCTS: Final = {16: struct.Struct(">e"), 32: struct.Struct(">f"), 64: struct.Struct(">d")}


class _Refused(Exception):  # noqa: N818  not an error of ours: the payload is not what the layout says
    """The payload as a whole is refused: args are reason and detail."""


class _Run:
    """What one decoding knows. at: the next bit; base: the bit from which places are counted; read: the furthest."""

    __slots__ = ("at", "base", "data", "end", "port", "raws", "read", "seen", "told")

    def __init__(self, data: bytes, port: int | None, *, keep: bool) -> None:
        self.data = data
        self.port = port
        self.end = 8 * len(data)
        self.at = self.base = self.read = 0
        self.raws: dict[str, int] = {}
        self.told = Collector()
        self.seen: dict[str, float] | None = {} if keep else None


Step = Callable[[_Run], None]
Raw = Callable[[bytes, int], int]


class LayoutDecoder:
    """A `PayloadDecoder` of a layout.

    A field with a unit and no quantity that `targets` does not map is listed as unknown, as are bytes behind the last
    field (trailing_bytes). Reasons: empty, too_long, too_short, wrong_port, wrong_constant (a field that must equal
    something does not), unknown_type (a record whose key is not in the layout: what follows it is lost, what came
    before is kept), too_many_groups, no_values.
    """

    def __init__(self, layout: Layout, targets: Mapping[str, Target] | None = None) -> None:
        """targets: what named fields stand for here, in place of what the layout says. Raises ValueError for
        one whose field is in a unit that does not convert, where it says neither a unit nor a scale or offset."""
        self._layout = layout
        self._kind = KIND_NAMES.get(layout.kind or "")
        alike = {name.casefold(): target for name, target in (targets or {}).items()}
        mapped = {name: alike[name.casefold()] for name in layout.names() if name.casefold() in alike}
        asked = _asked(layout)
        self._fields = _compile(layout.fields, layout, mapped, asked)
        self._cases = {
            bytes.fromhex(key): _compile(fields, layout, mapped, asked)
            for key, fields in (layout.records.cases if layout.records else {}).items()
        }
        self._group = _compile(layout.repeat.fields, layout, mapped, asked) if layout.repeat else []

    def decode(self, payload: bytes, port: int | None) -> list[Decoded | Rejected]:
        """See `PayloadDecoder.decode`."""
        told, _, trouble = self._decode(payload, port, keep=False)
        return [item for collector in told for item in collector.decoded(self._kind)] + trouble

    def values(self, payload: bytes, port: int | None) -> list[dict[str, float]]:
        """Every named field by name, in its own unit, a dict a reading; what `decode` would refuse gives none."""
        return self._decode(payload, port, keep=True)[1]

    def _decode(
        self, payload: bytes, port: int | None, *, keep: bool
    ) -> tuple[list[Collector], list[dict[str, float]], list[Rejected]]:
        layout = self._layout
        if not payload:
            return [], [], [Rejected("empty", 1, "a payload of no bytes")]
        if len(payload) > layout.maximum_bytes or len(payload) < layout.minimum_bytes:
            reason = "too_long" if len(payload) > layout.maximum_bytes else "too_short"
            return [], [], [Rejected(reason, 1, f"{len(payload)} bytes")]
        if layout.ports and port is not None and port not in layout.ports:
            return [], [], [Rejected("wrong_port", 1, f"port {port}, not of {layout.ports}")]
        run = _Run(payload, port, keep=keep)
        try:
            for step in self._fields:
                step(run)
            if layout.repeat:
                return self._repeat(run)
            trouble = self._records(run, layout.records) if layout.records else []
        except _Refused as refused:
            reason, detail = refused.args
            return [], [], [Rejected(reason, 1, detail)]
        if not trouble and run.read + 7 < run.end:
            run.told.miss("trailing_bytes")
        return [run.told], [run.seen or {}], trouble

    def _records(self, run: _Run, records: Records) -> list[Rejected]:
        data = run.data
        at = (run.at + 7) // 8
        while at < len(data):
            key = data[at : at + records.key_bytes]
            start = at + records.key_bytes + records.length_bytes
            if start > len(data):
                raise _Refused("too_short", "the last record is cut")
            steps = self._cases.get(key)
            until = len(data)
            if records.length_bytes:
                until = start + int.from_bytes(data[start - records.length_bytes : start], self._layout.order)
                if until > len(data):
                    raise _Refused("too_short", f"record {key.hex()} is cut")
            if steps is None:
                run.told.miss(f"record_{key.hex()}")
                if not records.length_bytes:
                    return [Rejected("unknown_type", 1, f"a record of type {key.hex()}")]
                at = until
                continue
            run.at = run.base = run.read = 8 * start
            run.end = 8 * until
            for step in steps:
                step(run)
            run.end = 8 * len(data)
            at = until if records.length_bytes else (run.read + 7) // 8
        run.read = run.end
        return []

    def _repeat(self, run: _Run) -> tuple[list[Collector], list[dict[str, float]], list[Rejected]]:
        repeat = self._layout.repeat
        count = repeat.count if repeat else None
        if repeat and repeat.count_field:
            count = run.raws.get(repeat.count_field, 0)
        told: list[Collector] = []
        seen: list[dict[str, float]] = []
        head, shown, outer, age_s = run.told, run.seen, dict(run.raws), run.told.age_s
        run.at = run.read
        while len(told) < count if count is not None else run.at < run.end:
            if len(told) == MAX_REPEATS:
                return told, seen, [Rejected("too_many_groups", 1, f"more than {MAX_REPEATS} groups")]
            run.base = start = run.at
            if told:  # what the head says goes with the first reading
                run.told = Collector()
                run.told.age_s = age_s
            run.seen = None if shown is None else dict(shown)
            run.raws = dict(outer)
            run.read = run.at
            for step in self._group:
                step(run)
            if run.read == start:
                raise _Refused("too_short", "a group that takes no room")
            run.at = run.read
            told.append(run.told)
            seen.append(run.seen or {})
        if not told:
            told, seen = [head], [shown or {}]
        if run.read + 7 < run.end:
            told[-1].miss("trailing_bytes")
        return told, seen, []


def _asked(layout: Layout) -> frozenset[str]:
    """Names of fields that something refers to."""
    names = {field.when.field for field in layout.every_field() if field.when}
    return frozenset(names | {layout.repeat.count_field} if layout.repeat else names)


def _compile(
    fields: Iterable[LayoutField], layout: Layout, targets: Mapping[str, Target], asked: frozenset[str]
) -> list[Step]:
    return [_step(field, field.order or layout.order, targets, field.name in asked) for field in fields]


def _step(field: LayoutField, order: str, targets: Mapping[str, Target], asked: bool) -> Step:
    """What a field does."""
    bits, name, optional = field.bits, field.name, field.optional
    place = None if field.byte is None and field.bit is None else 8 * (field.byte or 0) + (field.bit or 0)
    extract = _unsigned(bits, order)
    take = _take(field, targets)
    there = _there(field.when) if field.when else None
    must = frozenset(field.equals)

    def step(run: _Run) -> None:
        if there is not None and not there(run):
            return
        start = run.at if place is None else run.base + place
        stop = start + bits
        if stop > run.end:
            if optional:
                return
            raise _Refused("too_short", f"{name or 'a field'} is not there: {len(run.data)} bytes")
        raw = extract(run.data, start)
        run.at = stop
        if stop > run.read:
            run.read = stop
        if must and raw not in must:
            raise _Refused("wrong_constant", f"{name or 'a field'} is {raw}, not of {sorted(must)}")
        if asked:
            run.raws[name] = raw
        if take is not None:
            take(run, raw)

    return step


def _unsigned(bits: int, order: str) -> Raw:
    """Bits from a bit place on as an unsigned number. Places count from a byte's most significant bit in big order,
    from its least significant one in little order."""
    if order == "word_swapped":
        return lambda data, start: _swapped(data[start >> 3 : start + bits >> 3])
    mask = (1 << bits) - 1
    big = order == "big"

    def extract(data: bytes, start: int) -> int:
        first, skipped = start >> 3, start & 7
        past = (start + bits + 7) >> 3
        if big:
            return int.from_bytes(data[first:past], "big") >> (8 * (past - first) - skipped - bits) & mask
        return int.from_bytes(data[first:past], "little") >> skipped & mask

    return extract


def _swapped(words: bytes) -> int:
    """16-bit words, the least significant first, each with its most significant byte first."""
    return int.from_bytes(b"".join(words[at : at + 2] for at in range(len(words) - 2, -1, -2)), "big")


def _there(when: Condition) -> Callable[[_Run], bool]:
    ports, name, equals = frozenset(when.port), when.field, frozenset(when.equals)
    low = -math.inf if when.minimum is None else when.minimum
    high = math.inf if when.maximum is None else when.maximum
    bit, wanted = when.bit, not when.unless

    def holds(run: _Run) -> bool:
        if ports and run.port not in ports:
            return False
        if not name:
            return True
        raw = run.raws.get(name)
        if raw is None or not low <= raw <= high or (equals and raw not in equals):
            return False
        return bit is None or raw >> bit & 1 == 1

    return lambda run: holds(run) is wanted


def _take(field: LayoutField, targets: Mapping[str, Target]) -> Callable[[_Run, int], None] | None:
    """What is done with the raw number; None for nothing."""
    target = targets.get(field.name) if field.name else None
    if target is not None:
        target = _in_its_unit(target, field)
    elif target is None and field.labels:
        target = Target(labels=field.labels)
    elif target is None and field.quantity:
        target = Target(quantity=field.quantity, unit=field.unit)
    if target is None and not field.name:
        return None
    value = _value(field)
    put = None if target is None else putter(target)
    quantity = target.quantity if target is not None else ""
    absent = frozenset(field.absent)
    name = field.name or quantity or "label"
    counted = bool(field.unit)

    def take(run: _Run, raw: int) -> None:
        number = value(raw)
        if number is None or (absent and number[0] in absent):
            if quantity:
                run.told.lack(quantity, "sentinel" if number is not None else "not_a_number")
            return
        if run.seen is not None and field.name:
            run.seen[name] = number[1]
        if put is not None:
            put(run.told, number[1], name)
        elif counted:
            run.told.miss(name)

    return take


def _in_its_unit(target: Target, field: LayoutField) -> Target:
    """A target with its unit. Raises ValueError if the field's cannot be what it stands for."""
    bare = target.scale == 1 and target.offset == 0
    if target.unit or target.quantity in ("", AGE) or not bare:  # scale and offset lead to the quantity's own unit
        return target
    try:
        conversion(field.unit, target.quantity)
    except UnitError as wrong:
        if field.unit == "1":  # a count, such as of pulses of a rain gauge
            return target
        raise ValueError(
            f"map.{field.name}: the layout's field is in {field.unit}: {wrong}; say scale or unit"
        ) from None
    return target.model_copy(update={"unit": field.unit})


def _value(field: LayoutField) -> Callable[[int], tuple[float, float] | None]:
    """From the unsigned number to (the number as its type says, its value); None for what is no number."""
    bits, scale, offset = field.bits, field.scale, field.offset
    factors = tuple(reversed(field.polynomial))
    lookup = {int(raw): value for raw, value in field.lookup.items()}
    top, full = 1 << bits - 1, 1 << bits
    of_type = field.type

    def typed(raw: int) -> float | None:
        if of_type == "signed":
            return raw - full if raw & top else raw
        if of_type == "sign_magnitude":
            return -(raw & top - 1) if raw & top else raw
        if of_type == "float":
            (number,) = _STRUCTS[bits].unpack(raw.to_bytes(bits >> 3, "big"))
            return number if math.isfinite(number) else None
        if of_type == "bcd":
            digits = f"{raw:0{bits >> 2}x}"
            return int(digits) if digits.isdecimal() else None
        return raw

    def value(raw: int) -> tuple[float, float] | None:
        number = typed(raw)
        if number is None:
            return None
        if lookup:
            found = lookup.get(int(number))
            return None if found is None else (number, found)
        if factors:
            total = 0.0
            for factor in factors:
                total = total * number + factor
            return number, total
        return number, number * scale + offset

    return value
