"""The columnar body of a batch: many entries, column by column, each integer as narrow as its column allows.

    strings   count, then each: length, UTF-8          sensor names and labels
    shapes    count, then each: kind, count, codes     which quantities, in order
    columns   id 1, then the column; any order; unknown ids are skipped (their length is told)
    notes     a column too: for each of the few entries that have one, its index in sorted order, length, UTF-8

A shape is a kind and its quantity codes. Entries are numbered in sequence order; "sorted order" is by shape, then
sensor, then sequence (stable), so that a sensor's successive values lie beside each other and differ little. A column
is `length | transform 1 | width 1 | first values | byte planes`: the list, or its first or second differences, zigzag
coded at the narrowest width of 0, 1, 2, 4 or 8 bytes, lowest bytes of all numbers first.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from itertools import accumulate, chain
from operator import sub
from typing import Final

from firmware_bridge.readings import KINDS, Kind
from gateway.contract.entries import MAX_ENTRIES, Entry, Group, TimeQuality
from gateway.contract.ranges import MAX_WIDE_VARINT_BYTES, decode_varint, encode_varint
from gateway.contract.rows import MAX_STEPS, check_codes, check_time, checked_name, checked_note
from gateway.contract.topics import ContractError


class _Column(IntEnum):
    """Column ids. Values come last and once: every code of every shape in turn."""

    SHAPE = 1
    SENSOR = 2
    LABEL = 3
    TIME = 4
    QUALITY = 5
    UNCERTAINTY = 6
    TIME_SORTED = 7
    NOTES = 8
    VALUES = 16


def encode_columns(entries: Sequence[Entry]) -> bytes:
    """The body of entries in ascending sequence order. Raises ContractError for what `decode_columns`
    would refuse."""
    shape_index: dict[tuple[int, tuple[int, ...]], int] = {}
    string_index: dict[str, int] = {}
    shapes: list[int] = []
    sensors: list[int] = []
    labels: list[int] = []
    for entry in entries:
        reading = entry.reading
        shapes.append(shape_index.setdefault((reading.kind, reading.codes), len(shape_index)))
        sensors.append(string_index.setdefault(reading.sensor, len(string_index)))
        labels.append(string_index.setdefault(reading.label, len(string_index)) + 1 if reading.label else 0)
    order = _sorted_order(shapes, sensors)
    times = [entry.time_ms for entry in entries]
    qualities = [entries[i].quality for i in order]
    uncertainties = [entries[i].uncertainty_ms for i in order]
    check_time(min(times), max(times), min(qualities), max(qualities), min(uncertainties), max(uncertainties))
    out = bytearray(encode_varint(len(string_index)))
    for text in string_index:
        raw = text.encode(errors="surrogatepass")
        checked_name(raw, len(raw))
        out += encode_varint(len(raw)) + raw
    out += encode_varint(len(shape_index))
    for kind, codes in shape_index:
        if kind not in KINDS:
            raise ContractError("unknown_kind", f"kind {kind}")
        check_codes(codes, len(codes))
        out += bytes((kind,)) + encode_varint(len(codes)) + bytes(codes)
    if len(shape_index) > 1:
        out += _section(_Column.SHAPE, _pack(shapes, (0,)))
    if any(sensors):
        out += _section(_Column.SENSOR, _pack(sensors, (0, 1)))
    if any(labels):
        out += _section(_Column.LABEL, _pack([labels[i] for i in order], (0,)))
    in_sequence = _pack(times, (1,))
    in_order = _pack([times[i] for i in order], (1, 2)) if len(times) > 2 else in_sequence
    if len(in_order) < len(in_sequence):
        out += _section(_Column.TIME_SORTED, in_order)
    else:
        out += _section(_Column.TIME, in_sequence)
    out += _section(_Column.QUALITY, _pack(qualities, (0,)))
    if any(uncertainties):
        out += _section(_Column.UNCERTAINTY, _pack(uncertainties, (0, 1)))
    values = bytearray()
    ordered = [entries[i].reading for i in order]
    if notes := _pack_notes([reading.note for reading in ordered]):
        out += _section(_Column.NOTES, notes)
    start = 0
    counts = Counter(shapes)
    for number, (_kind, codes) in enumerate(shape_index):
        count = counts[number]
        for position in range(len(codes)):
            values += _pack([r.steps[position] for r in ordered[start : start + count]], (0, 1))
        start += count
    out += _section(_Column.VALUES, bytes(values))
    return bytes(out)


def _pack_notes(notes: list[str]) -> bytes:
    packed = bytearray()
    for index, note in enumerate(notes):
        if note:
            raw = note.encode(errors="surrogatepass")
            checked_note(raw, len(raw))
            packed += encode_varint(index) + encode_varint(len(raw)) + raw
    return bytes(packed)


def _unpack_notes(packed: bytes, count: int) -> dict[int, str]:
    notes: dict[int, str] = {}
    at = 0
    while at < len(packed):
        index, at = decode_varint(packed, at)
        length, at = decode_varint(packed, at)
        if index >= count or index in notes:
            raise ContractError("bad_body", f"a note of entry {index} (of {count}), which is not there or has one")
        notes[index] = checked_note(packed[at : at + length], length)
        at += length
    return notes


def _sorted_order(shapes: list[int], sensors: list[int]) -> list[int]:
    keys = [shape << 16 | sensor for shape, sensor in zip(shapes, sensors, strict=True)]
    return sorted(range(len(keys)), key=keys.__getitem__)


def _section(column: _Column, packed: bytes) -> bytes:
    return bytes((column,)) + encode_varint(len(packed)) + packed


def _pack(numbers: list[int], transforms: tuple[int, ...]) -> bytes:
    """The shortest of some transforms: 0 as they are, 1 first differences, 2 second differences."""
    if numbers and not -MAX_STEPS < min(numbers) <= max(numbers) < MAX_STEPS:
        raise ContractError("bad_steps", "a value of more than 62 bits")
    shortest = min((_transformed(numbers, transform) for transform in transforms), key=len)
    return shortest.pack()


class _Transformed:
    """A column about to be packed: how long it will be is known before its numbers are coded, so that of some
    transforms only the shortest is."""

    __slots__ = ("_head", "_rest", "_width")

    def __init__(self, head: bytes, rest: list[int], width: int) -> None:
        self._head = head
        self._rest = rest
        self._width = width

    def __len__(self) -> int:
        return len(self._head) + self._width * len(self._rest)

    def pack(self) -> bytes:
        """Head and byte planes."""
        width = self._width
        if width == 0:
            return self._head
        coded = [n << 1 if n >= 0 else ~(n << 1) for n in self._rest]
        if width == 1:
            return self._head + bytes(coded)
        raw = array(_TYPECODES[width], coded).tobytes()
        return self._head + b"".join(raw[plane::width] for plane in range(width))


def _transformed(numbers: list[int], transform: int) -> _Transformed:
    firsts: list[int] = []
    rest = numbers
    for _ in range(min(transform, len(numbers))):
        firsts.append(rest[0])
        rest = list(map(sub, rest[1:], rest))
    low, high = min(rest, default=0), max(rest, default=0)
    if transform == 0 and numbers and low == high:
        firsts, rest, transform, low, high = [numbers[0]], numbers[1:], 1, 0, 0
    widest = max(high << 1, ~(low << 1))
    width = next(w for w in (0, 1, 2, 4, 8) if widest < 1 << 8 * w)
    head = bytes((transform, width)) + b"".join(encode_varint(n << 1 if n >= 0 else ~(n << 1)) for n in firsts)
    return _Transformed(head, rest, width)


_TYPECODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


def decode_columns(body: bytes, sequences: list[int]) -> list[Group]:
    """The entries of a body, shape by shape. Raises ContractError or IndexError for what does not hold together."""
    strings, at = _decode_strings(body)
    shapes, at = _decode_shapes(body, at)
    sections = _decode_sections(body, at)
    count = len(sequences)
    nothing = [0] * count
    shape_of = _column(sections, _Column.SHAPE, count) or nothing
    sensor_of = _column(sections, _Column.SENSOR, count) or nothing
    if not all(0 <= s < len(shapes) for s in set(shape_of)) or not all(0 <= s < len(strings) for s in set(sensor_of)):
        raise ContractError("bad_body", "an entry names a shape or sensor that is not in its table")
    order = _sorted_order(shape_of, sensor_of)
    label_of = _column(sections, _Column.LABEL, count) or nothing
    if not all(0 <= label <= len(strings) for label in set(label_of)):
        raise ContractError("bad_body", "an entry names a label that is not in its table")
    times = _column(sections, _Column.TIME_SORTED, count)
    if times is None:
        in_sequence = _column(sections, _Column.TIME, count)
        if in_sequence is None:
            raise ContractError("bad_body", "no time column")
        times = [in_sequence[i] for i in order]
    qualities = _column(sections, _Column.QUALITY, count) or [int(TimeQuality.UNTRUSTED)] * count
    uncertainties = _column(sections, _Column.UNCERTAINTY, count) or nothing
    check_time(min(times), max(times), min(qualities), max(qualities), min(uncertainties), max(uncertainties))
    notes = _unpack_notes(sections.get(_Column.NOTES, b""), count)
    names = ["", *strings]
    values = sections.get(_Column.VALUES, b"")
    groups: list[Group] = []
    start = at = 0
    counts = Counter(shape_of)
    for number, (kind, codes) in enumerate(shapes):
        stop = start + counts[number]
        if stop == start:
            raise ContractError("bad_body", f"no entry has shape {number}")
        columns = []
        for _ in codes:
            column, at = _unpack(values, at, stop - start)
            columns.append(column)
        here = order[start:stop]
        groups.append(
            Group(
                kind=kind,
                codes=codes,
                sequences=[sequences[i] for i in here],
                times_ms=times[start:stop],
                qualities=qualities[start:stop],
                uncertainties_ms=uncertainties[start:stop],
                sensors=[strings[sensor_of[i]] for i in here],
                labels=[names[label] for label in label_of[start:stop]],
                columns=columns,
                notes={index - start: note for index, note in notes.items() if start <= index < stop},
            )
        )
        start = stop
    return groups


def _decode_strings(body: bytes) -> tuple[list[str], int]:
    count, at = decode_varint(body, 0)
    if count > 2 * MAX_ENTRIES or count > len(body):
        raise ContractError("bad_body", f"{count} strings")
    strings = []
    for _ in range(count):
        length, at = decode_varint(body, at)
        strings.append(checked_name(body[at : at + length], length))
        at += length
    return strings, at


def _decode_shapes(body: bytes, at: int) -> tuple[list[tuple[Kind, tuple[int, ...]]], int]:
    count, at = decode_varint(body, at)
    if not 1 <= count <= MAX_ENTRIES:
        raise ContractError("bad_body", f"{count} shapes (1 to {MAX_ENTRIES})")
    shapes = []
    for _ in range(count):
        kind = body[at]
        length, at = decode_varint(body, at + 1)
        codes = tuple(body[at : at + length])
        at += length
        if kind not in KINDS:
            raise ContractError("unknown_kind", f"kind {kind}")
        check_codes(codes, length)
        shapes.append((Kind(kind), codes))
    return shapes, at


def _decode_sections(body: bytes, at: int) -> dict[int, bytes]:
    sections: dict[int, bytes] = {}
    while at < len(body):
        column = body[at]
        length, at = decode_varint(body, at + 1)
        if column in sections or at + length > len(body):
            raise ContractError("bad_body", f"column {column} is told twice or cut off")
        sections[column] = body[at : at + length]
        at += length
    return sections


def _column(sections: dict[int, bytes], column: _Column, count: int) -> list[int] | None:
    packed = sections.get(column)
    return None if packed is None else _unpack(packed, 0, count)[0]


def _unpack(packed: bytes, at: int, count: int) -> tuple[list[int], int]:
    transform, width = packed[at], packed[at + 1]
    if transform > 2 or width not in (0, 1, 2, 4, 8):
        raise ContractError("bad_body", f"a column of transform {transform} and width {width}")
    at += 2
    firsts = []
    for _ in range(min(transform, count)):
        coded, at = decode_varint(packed, at, MAX_WIDE_VARINT_BYTES)
        firsts.append(coded >> 1 if not coded & 1 else ~(coded >> 1))
    left = count - len(firsts)
    end = at + left * width
    if end > len(packed):
        raise ContractError("truncated", "a column is cut off")
    if width == 0:
        numbers = [0] * left
    else:
        planes = packed[at:end]
        raw = bytearray(len(planes))
        for plane in range(width):
            raw[plane::width] = planes[plane * left : (plane + 1) * left]
        numbers = [n >> 1 if not n & 1 else ~(n >> 1) for n in array(_TYPECODES[width], bytes(raw))]
    for first in reversed(firsts):
        numbers = list(accumulate(chain((first,), numbers)))
    if (transform or width == 8) and numbers and not -MAX_STEPS < min(numbers) <= max(numbers) < MAX_STEPS:
        raise ContractError("bad_body", "a column runs out of bounds")
    return numbers, end
