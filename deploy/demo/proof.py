"""Is what the posts accepted stored exactly once? Pure: counters of outboxes and points of InfluxDB in, a verdict out.

The identity of an entry is (station, epoch, sequence). A point carries the sequence as a field and, in the last six
digits of its time, sequence + epoch modulo 10**6 (`ingest.schema.point_time_ns`): their difference tells the epochs of
a station apart (two of a station's few epochs look alike once in a million). In each epoch sequences count from 1
without a gap, so that a loss and a double cannot hide each other, as they could in a comparison of sums.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_EPOCH_DIGITS: Final = 10**6


class Account(NamedTuple):
    """What a post's outbox says after its gateway has stopped.

    sent: whole frames that its sensors put on the line. heard: those of them that the gateway accepted. own: reports of
    the gateway about itself, accepted too. evicted: accepted, then given up for lack of room. waiting: not receipted.
    starts: how often the gateway was started; each start is an epoch.
    """

    station: str
    sent: int
    heard: int
    own: int
    evicted: int
    waiting: int
    starts: int

    @property
    def accepted(self) -> int:
        """All that the gateway answers for."""
        return self.heard + self.own


class Point(NamedTuple):
    """A point as InfluxDB has it."""

    station: str
    time_ns: int
    sequence: int


class Verdict(NamedTuple):
    """About one post. points: all of it in InfluxDB. lost: accepted, neither evicted nor stored. double: points beyond
    the first of an identity. unknown: identities that the post never gave. faults: in words; empty when all is well."""

    account: Account
    points: int
    epochs: int
    lost: int
    double: int
    unknown: int
    faults: tuple[str, ...]


class Proof(NamedTuple):
    """About all posts. strangers: points of stations that nobody answers for, by station."""

    verdicts: tuple[Verdict, ...]
    strangers: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether everything accepted is stored once and nothing else is."""
        return not self.strangers and not any(verdict.faults for verdict in self.verdicts)


def prove(accounts: Sequence[Account], points: Iterable[Point]) -> Proof:
    """Compare, identity by identity."""
    by_station: defaultdict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_station[point.station].append(point)
    verdicts = tuple(_judge(account, by_station.pop(account.station, [])) for account in accounts)
    return Proof(verdicts, {station: len(found) for station, found in by_station.items()})


def _judge(account: Account, points: list[Point]) -> Verdict:
    epochs: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for point in points:
        epochs[(point.time_ns - point.sequence) % _EPOCH_DIGITS][point.sequence] += 1
    identities = sum(len(sequences) for sequences in epochs.values())
    gaps = sum(len(set(range(1, max(sequences) + 1)) - set(sequences)) for sequences in epochs.values())
    expected = account.accepted - account.evicted
    lost = max(0, expected - identities, gaps - account.evicted)
    double = len(points) - identities
    unknown = identities - (expected - lost)
    faults = []
    if lost:
        faults.append(f"{lost} lost: accepted and not in InfluxDB")
    if double:
        faults.append(f"{double} double: the same entry as another point")
    if unknown:
        faults.append(f"{unknown} in InfluxDB that the post never accepted")
    if len(epochs) > account.starts:
        faults.append(f"{len(epochs)} epochs of {account.starts} starts of the gateway")
    if account.waiting:
        faults.append(f"{account.waiting} still wait in the outbox")
    if account.heard > account.sent:
        faults.append(f"{account.heard} frames accepted, but only {account.sent} sent: some were accepted twice")
    return Verdict(account, len(points), len(epochs), lost, double, unknown, tuple(faults))
