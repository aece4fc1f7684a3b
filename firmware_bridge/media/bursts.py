"""Pictures of one event, gathered: a burst is one detection."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

_MOST_SHOTS: Final = 100
_MOST_BURSTS: Final = 1_000
LONGEST_BURST_S: Final = 600.0
"""Between two pictures of one event number: the numbers begin anew with each card."""
LONGEST_SERIES_S: Final = 60.0
"""Between two pictures of an n-of-m series without an event number."""


class Shot(NamedTuple, Generic[T]):
    """One picture. event: its event's number; number, of: n of m; each None when not told. taken_s: Unix time by the
    camera's clock, None for unknown."""

    camera: str
    event: int | None
    number: int | None
    of: int | None
    taken_s: float | None
    what: T


class _Burst(Generic[T]):
    def __init__(self, first: Shot[T], clock_s: float, gap_s: float) -> None:
        self.shots = [first]
        self._gap_s = gap_s
        self.last_s = clock_s

    def admits(self, shot: Shot[T]) -> bool:
        """Whether the picture is of this event."""
        first = self.shots[0]
        if (shot.camera, shot.event, shot.of) != (first.camera, first.event, first.of) or len(
            self.shots
        ) >= _MOST_SHOTS:
            return False
        if shot.event is None and (shot.of or 1) < 2:
            return self._follows(shot)
        if shot.number is not None and any(other.number == shot.number for other in self.shots):
            return False
        longest = LONGEST_SERIES_S if shot.event is None else LONGEST_BURST_S
        times = [other.taken_s for other in self.shots if other.taken_s is not None]
        return shot.taken_s is None or not times or min(abs(shot.taken_s - at) for at in times) <= longest

    def _follows(self, shot: Shot[T]) -> bool:
        """Whether a picture that nothing numbers was taken within the gap of another of these."""
        times = [other.taken_s for other in self.shots if other.taken_s is not None]
        return (
            self._gap_s > 0
            and bool(times)
            and shot.taken_s is not None
            and min(abs(shot.taken_s - at) for at in times) <= self._gap_s
        )

    def is_whole(self) -> bool:
        """Whether nothing more can come."""
        first = self.shots[0]
        if first.event is None and (first.of or 1) < 2 and self._gap_s > 0 and first.taken_s is not None:
            return False  # the next may follow
        return len(self.shots) >= (first.of or 1) and (first.of is not None or first.event is None)


class Bursts(Generic[T]):
    """wait_s: how long to wait for further pictures of an event after the last one came. gap_s: pictures of one camera
    that nothing numbers are of one event when they were taken so soon after one another; 0: each is one of its own."""

    def __init__(self, wait_s: float, gap_s: float = 0.0) -> None:
        self._wait_s = wait_s
        self._gap_s = gap_s
        self._open: list[_Burst[T]] = []

    def add(self, shot: Shot[T], clock_s: float) -> None:
        """Put a picture to its event."""
        for burst in self._open:
            if burst.admits(shot):
                burst.shots.append(shot)
                burst.last_s = clock_s
                return
        self._open.append(_Burst(shot, clock_s, self._gap_s))

    def due(self, clock_s: float) -> list[list[Shot[T]]]:
        """Events that are whole or have waited long enough, oldest first; the pictures of each in their order."""
        crowded = len(self._open) - _MOST_BURSTS
        ripe = [
            burst
            for place, burst in enumerate(self._open)
            if burst.is_whole() or clock_s - burst.last_s >= self._wait_s or place < crowded
        ]
        self._open = [burst for burst in self._open if burst not in ripe]
        return [sorted(burst.shots, key=lambda shot: (shot.number or 0, shot.taken_s or 0.0)) for burst in ripe]

    def waiting(self) -> int:
        """How many pictures wait."""
        return sum(len(burst.shots) for burst in self._open)
