"""PUBLISHED. Sets of sequence numbers as ascending, disjoint ranges: small for what is nearly contiguous."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.contract.topics import ContractError

MAX_SEQUENCE: Final = 2**48 - 1
MAX_RANGES: Final = 4096
"""More ranges than this in one encoded set are refused before anything is built."""

_MAX_VARINT_BYTES: Final = 7  # 48 bits in groups of 7
MAX_WIDE_VARINT_BYTES: Final = 9  # 63 bits: a zigzag number of 62 bits and its sign


class RangeSet:
    """A set of sequence numbers (1 to 2**48 - 1), kept as [first, last] pairs with a gap between any two."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> RangeSet:
        """From numbers in any order. Raises ValueError for one that is not a sequence number."""
        made = cls()
        firsts, lasts = made._firsts, made._lasts
        previous = -1
        for number in sorted(numbers):
            if number == previous + 1 and lasts:
                lasts[-1] = number
            elif number < 1:
                raise ValueError(f"{number} is not a sequence number")
            elif number != previous:
                firsts.append(number)
                lasts.append(number)
            previous = number
        if previous > MAX_SEQUENCE:
            raise ValueError(f"{previous} is not a sequence number")
        return made

    def add(self, first: int, last: int) -> None:
        """Put first to last (both in) into the set. Raises ValueError when they are not 1 <= first <= last."""
        if not 1 <= first <= last <= MAX_SEQUENCE:
            raise ValueError(f"{first} to {last} is not a range of sequence numbers")
        firsts, lasts = self._firsts, self._lasts
        if not lasts or first > lasts[-1] + 1:  # the usual case: at the end
            firsts.append(first)
            lasts.append(last)
            return
        low = bisect_right(lasts, first - 2)  # the first range that touches or follows
        high = bisect_right(firsts, last + 1)  # one past the last range that touches
        if low < high:
            first = min(first, firsts[low])
            last = max(last, lasts[high - 1])
        firsts[low:high] = [first]
        lasts[low:high] = [last]

    def update(self, other: RangeSet) -> None:
        """Put all of another set into this one."""
        for first, last in other:
            self.add(first, last)

    def minus(self, other: RangeSet) -> RangeSet:
        """What is in this set and not in the other."""
        rest = RangeSet()
        for first, last in self:
            at = first
            i = bisect_right(other._lasts, first - 1)
            while i < len(other._firsts) and other._firsts[i] <= last:
                if at < other._firsts[i]:
                    rest.add(at, other._firsts[i] - 1)
                at = other._lasts[i] + 1
                i += 1
            if at <= last:
                rest.add(at, last)
        return rest

    def covering(self, other: RangeSet) -> RangeSet:
        """The whole ranges of this set that hold any number of the other: short to send, true to say."""
        cover = RangeSet()
        for first, last in other:
            low = bisect_right(self._lasts, first - 1)
            high = bisect_right(self._firsts, last)
            for i in range(low, high):
                cover.add(self._firsts[i], self._lasts[i])
        return cover

    def __contains__(self, number: int) -> bool:
        i = bisect_right(self._firsts, number) - 1
        return i >= 0 and number <= self._lasts[i]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def numbers(self) -> Iterator[int]:
        """Every number, ascending."""
        for first, last in self:
            yield from range(first, last + 1)

    def count_ranges(self) -> int:
        """How many ranges (not numbers) it takes."""
        return len(self._firsts)

    def __len__(self) -> int:
        """How many numbers (not ranges) are in the set."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and self._firsts == other._firsts and self._lasts == other._lasts

    def __repr__(self) -> str:
        return f"RangeSet({list(self)})"

    __hash__ = None  # type: ignore[assignment]  # it changes

    def encode(self) -> bytes:
        """Count, then for each range the gap before it and its length less one, all LEB128 varints."""
        out = bytearray(encode_varint(len(self._firsts)))
        after = 0
        for first, last in self:
            out += encode_varint(first - after)
            out += encode_varint(last - first)
            after = last
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes, at: int = 0, *, limit: int = MAX_RANGES) -> tuple[RangeSet, int]:
        """The set that begins at an offset, and the offset after it. Raises ContractError(bad_ranges)."""
        count, at = decode_varint(data, at)
        if count > limit or count * 2 > len(data) - at:
            raise ContractError("bad_ranges", f"{count} ranges in {len(data) - at} bytes (at most {limit})")
        made = cls()
        after = 0
        for index in range(count):
            gap, at = decode_varint(data, at)
            length, at = decode_varint(data, at)
            first = after + gap
            after = first + length
            if gap < (2 if index else 1) or after > MAX_SEQUENCE:
                raise ContractError("bad_ranges", f"range {index} ({first} to {after}) is out of order or bounds")
            made._firsts.append(first)
            made._lasts.append(after)
        return made, at


def encode_varint(number: int) -> bytes:
    """LEB128, unsigned. Raises ValueError for a negative number."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def decode_varint(data: bytes, at: int, max_bytes: int = _MAX_VARINT_BYTES) -> tuple[int, int]:
    """The number at an offset, and the offset after it. Raises ContractError(truncated or bad_varint)."""
    number = 0
    for i in range(max_bytes):
        if at + i >= len(data):
            raise ContractError("truncated", f"a number is cut off at byte {at + i}")
        byte = data[at + i]
        number |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return number, at + i + 1
    raise ContractError("bad_varint", f"a number of more than {max_bytes} bytes at byte {at}")
