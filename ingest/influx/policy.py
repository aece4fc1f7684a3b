"""Everything that can be stored is stored, and each line that cannot is named: the write policy.

A batch of which something is refused is cut in two, again and again, down to the lines at fault. Before it is cut it is
put in the order in which faults lie together: by time where the database says that points are beyond its retention,
which all older ones are; else by post, series and fields, since a type or a limit is that of a field or a series. Posts
are told apart first: what one of them sends is not looked for, and not marked, among the lines of another.

Cost for a batch of n lines of which k stretches, in that order, are refused: one request when k is 0; else two (a type
conflict may be a race of two writers that is over at once), about two for each post, and at most 2k(1 + log2(n/k))
more, whose bodies together are no more than log2(n) times the batch. When the database says that it dropped as many
lines as were sent, all of them are refused without looking further: a retention costs 2 log2(n), however many lines lie
beyond it.

MOST_REQUESTS bounds it whatever k is: a post whose lines are refused one by one must not keep the others' alerts
waiting. By then every half without a fault is stored, and what is left are short stretches with a fault in each, of a
dozen lines of that post where a whole batch is bad: they are refused as they are, with a reason of their own.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Final

from ingest.errors import PartialWrite, Refused
from ingest.influx.writer import PointWriter
from ingest.schema import STATION

BATCH_LINES: Final = 5000
MOST_REQUESTS: Final = 1000
"""For the lines at fault in one batch."""
TOO_MANY: Final = "too_many_refused"
"""The reason of lines that lie beside refused ones, when these are too many to be told apart."""
_BEYOND_RETENTION: Final = "beyond_retention"
_POST: Final = f",{STATION}="

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
    order = itertools.count()
    suspects: list[tuple[int, int, int, list[str], Refused]] = []

    def suspect(part: Sequence[str], why: Refused) -> None:
        if len(part) == 1 or (isinstance(why, PartialWrite) and (why.dropped or 0) >= len(part)):
            for line in part:
                refuse(line, why.reason, why.detail)
            return
        is_of_many = len(set(map(_post_of, part))) > 1
        turn = 0 if is_of_many else 1 if why.reason == _BEYOND_RETENTION else 2  # then the longest
        heapq.heappush(suspects, (turn, -len(part), next(order), list(part), why))

    if refused is not None:
        suspect(batch, refused)
    requests = 0
    while suspects:
        *_, part, why = heapq.heappop(suspects)
        if requests >= MOST_REQUESTS:
            for line in part:
                refuse(line, TOO_MANY, f"one of {len(part)}, of which it refuses some ({why.reason}): {why.detail}")
            continue
        for piece in _cut(part, why):
            requests += 1
            if (error := _try(writer, bucket, piece)) is not None:
                suspect(piece, error)


def _cut(part: list[str], why: Refused) -> tuple[list[str], list[str]]:
    """In two, so that what is at fault lies together: between two posts as near to the middle as can be."""
    half = len(part) // 2
    if why.reason == _BEYOND_RETENTION:
        part.sort(key=_time_of)
        return part[:half], part[half:]
    part.sort(key=lambda line: (_post_of(line), line))
    posts = [_post_of(line) for line in part]
    edges = [at for at in range(1, len(part)) if posts[at] != posts[at - 1]]
    at = min(edges, key=lambda edge: abs(edge - half), default=half)
    return part[:at], part[at:]


def _post_of(line: str) -> str:
    """Whose line it is, as its tag says; a tag's value before it has no comma that is not escaped."""
    return line.partition(_POST)[2].partition(",")[0].partition(" ")[0]


def _time_of(line: str) -> int:
    """Its timestamp; 0 without one."""
    text = line.rpartition(" ")[2]
    return int(text) if len(text) <= 20 and text.removeprefix("-").isdecimal() else 0


def _try(writer: PointWriter, bucket: str, lines: Sequence[str]) -> Refused | None:
    try:
        writer.write(bucket, "\n".join(lines).encode())
    except Refused as refused:
        return refused
    return None
