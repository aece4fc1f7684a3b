"""Everything that can be stored is stored, and each line that cannot is named: the write policy.

Cost for a batch of n lines of which k are refused: one request when k is 0; else two (a type conflict may be a race of
two writers that is over at once) and at most 2k(1 + log2(n/k)) more, whose bodies together are no more than log2(n)
times the batch. When the database says that it dropped as many lines as were sent, all of them are refused without
looking further, so a stretch that lies beyond the retention costs a few requests, not two for each of its lines.

MOST_REQUESTS bounds it whatever k is: a post whose lines are refused one by one must not keep the others' alerts
waiting. By then every half without a fault is stored, and what is left are short stretches with a fault in each, of a
dozen lines where a whole batch is bad: they are refused as they are, with a reason of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from ingest.errors import PartialWrite, Refused
from ingest.influx.writer import PointWriter

BATCH_LINES: Final = 5000
MOST_REQUESTS: Final = 1000
"""For the lines at fault in one batch."""
TOO_MANY: Final = "too_many_refused"
"""The reason of lines that lie beside refused ones, when these are too many to be told apart."""

Refuse = Callable[[str, str, str], None]
"""Takes a line that the database refuses for good, the reason (a counter name) and what the database said."""


def write_all(writer: PointWriter, bucket: str, lines: Sequence[str], refuse: Refuse) -> None:
    """Store the lines, at most BATCH_LINES a request; hand each line that is refused for good to `refuse`.

    Raises RetryLater when the database is away: then write all of it again later, which changes nothing for what is
    already stored, and forget what `refuse` was given.
    """
    for start in range(0, len(lines), BATCH_LINES):
        _write_batch(writer, bucket, lines[start : start + BATCH_LINES], refuse)


def _write_batch(writer: PointWriter, bucket: str, batch: Sequence[str], refuse: Refuse) -> None:
    refused = _try(writer, bucket, batch)
    if refused is not None and refused.reason != "too_large":
        refused = _try(writer, bucket, batch)
    suspects = deque([(batch, refused)] if refused is not None else [])  # in the order found: the longest come first
    requests = 0
    while suspects:
        part, why = suspects.popleft()
        if len(part) == 1 or (isinstance(why, PartialWrite) and (why.dropped or 0) >= len(part)):
            for line in part:
                refuse(line, why.reason, why.detail)
            continue
        if requests >= MOST_REQUESTS:
            for line in part:
                refuse(line, TOO_MANY, f"one of {len(part)}, of which it refuses some ({why.reason}): {why.detail}")
            continue
        half = len(part) // 2
        halves = [(piece, _try(writer, bucket, piece)) for piece in (part[:half], part[half:])]
        requests += len(halves)
        suspects += [(piece, error) for piece, error in halves if error is not None]


def _try(writer: PointWriter, bucket: str, lines: Sequence[str]) -> Refused | None:
    try:
        writer.write(bucket, "\n".join(lines).encode())
    except Refused as refused:
        return refused
    return None
