"""What ingest raises. The class tells the reaction: try again later, or set the data aside for good."""

from __future__ import annotations


class IngestError(Exception):
    """Root of what ingest raises."""


class RetryLater(IngestError):  # noqa: N818  # named for the reaction, as the journal's runner reads it
    """Something is away, busy or wrongly set up; the data is not at fault and must be kept and tried again.

    detail: what is wrong, where and what to do. retry_after_s: how long the other side asked us to wait, if it did.
    """

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class Refused(IngestError):  # noqa: N818  # see above
    """The data itself was refused for good. reason: a counter name; detail: a sentence for a person.

    What was sent may have been stored in part or not at all: whoever catches it finds out by sending less.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class PartialWrite(Refused):
    """Some lines were refused for good, every other line is stored.

    dropped: how many lines at least, as far as the database says; 0 or None where it cannot tell.
    """

    def __init__(self, reason: str, detail: str, dropped: int | None) -> None:
        super().__init__(reason, detail)
        self.dropped = dropped
