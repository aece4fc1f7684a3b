"""The ledger of one file's bytes: which of them headquarters has, which are on their way, which come next. Pure.

Bytes are numbered from 1 in ranges, as in `gateway.contract.media`.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.contract.ranges import RangeSet


class Piece(NamedTuple):
    """Where a chunk lies in its file."""

    offset: int
    length: int


class ChunkLedger:
    """size_bytes: of the whole file, 1 or more."""

    def __init__(self, size_bytes: int) -> None:
        self._whole = RangeSet([(1, size_bytes)])
        self._held = RangeSet()
        self._away = RangeSet()

    @property
    def held_bytes(self) -> int:
        """How much headquarters has, by its last word."""
        return len(self._held)

    @property
    def away_bytes(self) -> int:
        """How much is on its way."""
        return len(self._away)

    @property
    def has_unsent(self) -> bool:
        """Whether there is something that is neither there nor on its way."""
        return len(self._held) + len(self._away) < len(self._whole)

    def next(self, longest: int) -> Piece | None:
        """The first bytes that are neither there nor on their way, at most so many; now they are on their way."""
        if not self.has_unsent:
            return None
        first, last = next(iter(self._whole.minus(self._held).minus(self._away)))
        last = min(last, first + longest - 1)
        self._away.add(first, last)
        return Piece(first - 1, last - first + 1)

    def told(self, held: RangeSet) -> bool:
        """Headquarters' word takes the place of its last one; whether it has more than before. What it names beyond
        the file is nothing to us."""
        held = held.minus(held.minus(self._whole))
        grown = bool(held.minus(self._held))
        self._held = held
        self._away = self._away.minus(held)
        return grown

    def lost(self, piece: Piece) -> None:
        """A chunk did not arrive: it comes again."""
        self._away = self._away.minus(RangeSet([(piece.offset + 1, piece.offset + piece.length)]))

    def lost_all(self) -> None:
        """Whatever headquarters has not named by now did not arrive."""
        self._away = RangeSet()
