"""What goes into the rules, and what comes out."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.readings import Kind, Reading

DETECTIONS: Final = frozenset({int(Kind.ACOUSTIC_DETECTION), int(Kind.CAMERA_DETECTION)})
"""Kinds of readings: something was heard or seen."""
NOT_SENSORS: Final = frozenset(
    {int(Kind.STATION_HEALTH), int(Kind.TALLY), int(Kind.INCIDENT), int(Kind.PATROL), int(Kind.COMMAND_ANSWER)}
)
"""Kinds of readings: what no sensor says."""


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that the post knows: a reading of a sensor, or what a person did (kinds PATROL and INCIDENT).

    steady_ms: the post's own steady time: milliseconds, never goes back, goes on over restarts; windows are measured in
    it. wall_ms: Unix time as far as the post knows it, for hours of the day. quality: who vouches for wall_ms
    (`gateway.contract.entries.TimeQuality`). within_ms: the true time is within so much of wall_ms; None where nobody
    knows, as of what was heard before a restart.
    """

    steady_ms: int
    wall_ms: int
    quality: int
    reading: Reading
    within_ms: int | None = None


class Step(IntEnum):
    """What happened to an incident; the value is the quantity incident_step."""

    RAISED = 1
    GROWN = 2
    ACKNOWLEDGED = 3
    CLOSED = 4
    HELD_BACK = 5  # a rule matched and a suppression held the warning back


class Passage(msgspec.Struct, frozen=True):
    """A boat on a river. direction: upstream or downstream. speed_metres_per_second: over ground, along the river.
    arrivals: name of a sensor, or "" for the post itself, and the Unix time in milliseconds when it is expected.
    """

    river: str
    direction: str
    speed_metres_per_second: float
    arrivals: tuple[tuple[str, int], ...] = ()


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What somebody wrote about an incident, or only who saw to it. at_ms: Unix time. words: "Rosa: fuimos a ver"."""

    at_ms: int
    words: str


_MOST_NOTES: Final = 50
"""Of an incident; earlier ones are in the history and at headquarters."""


def with_note(notes: tuple[Note, ...], note: Note) -> tuple[Note, ...]:
    """These and one more: the last 50."""
    return (*notes, note)[-_MOST_NOTES:]


class Incident(msgspec.Struct, frozen=True):
    """Something that rangers should know of.

    number: ascending at this post. rule: its name, or storm for many incidents of one label. level: alert or notice.
    label: what it is, as in `LABELS`, or silence for a sensor that is not heard. sensors: in the order of their first
    word. first and last: steady and Unix time in milliseconds of its first and last reading. first_within_ms: the true
    time of the first is within so much of first_ms, as far as the post's clock goes; None where nobody knows. count:
    readings in it; of a storm, incidents. confidence: the best, None where none was told. passage: of a boat. state:
    open, acknowledged, closed. note: the last of whoever acknowledged it; notes: the last 50, oldest first.
    suppressed_by: why nobody is warned, "" when they are. found_by: the rules that found it, the first of them first;
    of a storm, itself.
    """

    number: int
    rule: str
    level: str
    label: str
    sensors: tuple[str, ...]
    first_steady_ms: int
    last_steady_ms: int
    first_ms: int
    last_ms: int
    count: int
    confidence: float | None = None
    passage: Passage | None = None
    state: str = "open"
    note: str = ""
    suppressed_by: str = ""
    notes: tuple[Note, ...] = ()
    found_by: tuple[str, ...] = ()
    first_within_ms: int | None = None


class Change(NamedTuple):
    """One step of one incident, as it stands after it."""

    step: Step
    incident: Incident
