"""What is to be said of which file next. Pure: time comes in as an argument (seconds, any steady clock).

A thumbnail that warns goes before all else, newest first; then questions, which are small; then what a person asked
for, in the order of asking; then other thumbnails; then whole files that go by themselves, one after the other.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from gateway.media.ledger import ChunkLedger


class Step(Enum):
    """What is due for a file."""

    ANNOUNCE = auto()
    ASK = auto()
    SEND = auto()
    WAIT = auto()


@dataclass
class Transfer:
    """A file that headquarters is to be told of or to have. order: the newest highest. wish: its place among what
    people asked for, or 0. is_urgent: its thumbnail warns. due_at: until when it waits: for headquarters' answer, or,
    is_settling, for the clock. tries: how often an answer was waited for in vain. announced_bytes: of an announcement
    that has no answer yet. noted: its rank on the agenda."""

    sha256: str
    size_bytes: int
    order: int
    is_urgent: bool
    wish: int = 0
    step: Step = Step.ASK
    due_at: float = 0.0
    tries: int = 0
    announced_bytes: int = 0
    is_settling: bool = False
    noted: tuple[int, int, int] | None = None
    ledger: ChunkLedger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = ChunkLedger(self.size_bytes)

    @property
    def away_bytes(self) -> int:
        """How much of it is on its way, with no answer yet."""
        return self.announced_bytes + self.ledger.away_bytes

    def rank(self) -> tuple[int, int, int]:
        """The lowest comes first."""
        if self.step is Step.ANNOUNCE:
            return (0 if self.is_urgent else 3), 0, -self.order
        if self.step is Step.ASK:
            return 1, 0, -self.order
        if self.wish:
            return 2, self.wish, 0
        return 4, 0 if self.ledger.held_bytes or self.ledger.away_bytes else 1, -self.order


_Ranked = tuple[tuple[int, int, int], str]


class Agenda:
    """Transfers by sha256, and which is next."""

    def __init__(self) -> None:
        self._transfers: dict[str, Transfer] = {}
        self._heap: list[_Ranked] = []
        self._waiting: set[str] = set()

    def __len__(self) -> int:
        return len(self._transfers)

    def __iter__(self) -> Iterator[Transfer]:
        return iter(list(self._transfers.values()))

    def get(self, sha256: str) -> Transfer | None:
        """The transfer of a file, if there is one."""
        return self._transfers.get(sha256)

    def put(self, transfer: Transfer, step: Step, due_at: float = 0.0) -> None:
        """Take it in, or change what is due for it."""
        transfer.step, transfer.due_at = step, due_at
        self._transfers[transfer.sha256] = transfer
        if step is Step.WAIT:
            self._waiting.add(transfer.sha256)
        else:
            self._waiting.discard(transfer.sha256)
            rank = transfer.rank()
            if transfer.noted != rank:
                transfer.noted = rank
                heapq.heappush(self._heap, (rank, transfer.sha256))

    def drop(self, sha256: str) -> None:
        """Nothing more is due for it."""
        self._transfers.pop(sha256, None)
        self._waiting.discard(sha256)

    def next(self) -> Transfer | None:
        """The transfer whose step comes first; it stays on the agenda."""
        while self._heap:
            rank, sha256 = self._heap[0]
            transfer = self._transfers.get(sha256)
            if transfer is not None and transfer.noted == rank:
                if transfer.step is not Step.WAIT:
                    return transfer
                transfer.noted = None
            heapq.heappop(self._heap)  # what was due when this was noted is done or different
        return None

    def to_ask(self, limit: int, *, any_step: bool = False) -> list[Transfer]:
        """Those of which headquarters is to be asked, most urgent first; with any_step all that do not wait."""
        asking = (t for t in self._transfers.values() if t.step is Step.ASK or (any_step and t.step is not Step.WAIT))
        return heapq.nsmallest(limit, asking, key=Transfer.rank)

    def overdue(self, now: float) -> list[Transfer]:
        """Those whose answer was waited for long enough."""
        return [self._transfers[sha256] for sha256 in self._waiting if self._transfers[sha256].due_at <= now]

    def away(self) -> list[Transfer]:
        """Those of which something is on its way, with no answer yet."""
        return [transfer for transfer in self._transfers.values() if transfer.away_bytes]
