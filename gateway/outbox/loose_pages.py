"""Entries read from the bare pages of a damaged SQLite file, when nothing leads to them any more. Pure: bytes in.

Format: sqlite.org/fileformat2.html. Table `entry` is WITHOUT ROWID: its rows are the cells of index b-tree pages (1.6).

    page: type 1 (2 interior, 10 leaf) | freeblock 2 | cells 2 | content 2 | fragments 1 | [last child 4] | pointers
    cell: [left child 4] | payload length, varint | record: header length | serial types | values (2.1)

What is found may be stale (a page that was freed keeps its cells) or not a row of ours at all: the checksum of each row
and the caller decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import Final

from gateway.outbox.rows import Row

_CELL_OFFSET: Final = {2: 12, 10: 8}  # page type: size of its header
_LEFT_CHILD: Final = {2: 4, 10: 0}
_INT_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_COLUMNS: Final = len(Row._fields)
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24


def pages_of_file(file: bytes | mmap, size: int) -> Iterator[bytes]:
    """Each whole page of a database file."""
    for at in range(0, len(file) - size + 1, size):
        yield file[at : at + size]


def pages_of_log(log: bytes | mmap, size: int) -> Iterator[bytes]:
    """The page of each frame of a write-ahead log that belongs to its present use (equal salts), latest first."""
    step = _FRAME_HEADER + size
    for at in reversed(range(_LOG_HEADER, len(log) - step + 1, step)):
        if log[at + 8 : at + 16] == log[16:24]:
            yield log[at + _FRAME_HEADER : at + step]


def rows_of_page(page: bytes) -> Iterator[Row]:
    """What looks like an entry in a page; nothing from a page of another kind. Never raises for its content."""
    kind = page[0]
    if kind not in _CELL_OFFSET:
        return
    first = _CELL_OFFSET[kind]
    for number in range(int.from_bytes(page[3:5], "big")):
        pointer = page[first + 2 * number : first + 2 * number + 2]
        if len(pointer) < 2:
            return
        try:
            values = _record(page, int.from_bytes(pointer, "big") + _LEFT_CHILD[kind])
        except IndexError:
            continue
        if len(values) == _COLUMNS:
            yield Row._make(values)


def _record(page: bytes, at: int) -> tuple[object, ...]:
    """The values of a record that lies whole within its page. Raises IndexError for one that does not."""
    length, at = _varint(page, at)
    if at + length > len(page):
        raise IndexError("it goes on in an overflow page")
    header, types_at = _varint(page, at)
    value_at = at + header
    values: list[object] = []
    while types_at < at + header and len(values) <= _COLUMNS:
        serial, types_at = _varint(page, types_at)
        value, value_at = _value(page, value_at, serial)
        values.append(value)
    return tuple(values)


def _value(page: bytes, at: int, serial: int) -> tuple[object, int]:
    if serial in _INT_BYTES:
        size = _INT_BYTES[serial]
        return int.from_bytes(page[at : at + size], "big", signed=True), at + size
    if serial in (8, 9):
        return serial - 8, at
    if serial >= 12 and not serial & 1:
        size = (serial - 12) // 2
        return page[at : at + size], at + size
    return None, at  # NULL, and what no column of ours holds


def _varint(page: bytes, at: int) -> tuple[int, int]:
    number = 0
    for i in range(9):
        byte = page[at + i]
        if i == 8:
            return number << 8 | byte, at + 9
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + i + 1
    raise IndexError  # not reached
