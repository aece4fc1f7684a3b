"""One file of one post, as headquarters knows it."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from gateway.contract.media import Answer, Status
from gateway.contract.ranges import RangeSet


class FileState(IntEnum):
    """How far a file has come; the value is stored."""

    ANNOUNCED = 0
    PARTIAL = 1
    WHOLE = 2  # every byte is here; to be verified and stored
    STORED = 3
    REFUSED = 4

    @property
    def slug(self) -> str:
        """As the API tells it."""
        return self.name.lower()


class FileRow(msgspec.Struct):
    """A row of the index, columns in order (`schema/`). id: 0 before it is in the index."""

    id: int
    station: str
    sha256: str
    territory: str
    size_bytes: int
    media_type: str
    sensor: str
    label: str
    time_ms: int
    quality: int
    uncertainty_ms: int
    number: int
    total: int
    notes: dict[str, str]
    received_ms: int
    touched_ms: int
    state: FileState
    ranges: RangeSet
    attempt: int = 0
    failures: int = 0
    reason: str = ""
    name: str = ""

    def begin_anew(self) -> None:
        """What came of it is nothing worth."""
        self.state, self.ranges, self.attempt = FileState.ANNOUNCED, RangeSet(), self.attempt + 1

    def refuse(self, reason: str) -> None:
        """It is not taken."""
        self.begin_anew()
        self.state, self.reason = FileState.REFUSED, reason

    def answer(self) -> Answer:
        """What the post is told of it."""
        if self.state is FileState.STORED:
            return Answer(Status.COMPLETE)
        if self.state is FileState.REFUSED:
            return Answer(Status.REFUSED, reason=self.reason)
        return Answer(Status.HELD, self.ranges)
