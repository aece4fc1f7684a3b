"""What the API needs to know of the running service; `ingest.app` provides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

Labels = tuple[tuple[str, str], ...]
"""Label names and values, such as `(("stage", "subscriber"), ("reason", "bad_topic"))`."""


class SinkStatus(msgspec.Struct, frozen=True):
    """behind: messages in the journal that the sink has not yet dealt with. last_error: why it is waiting, if it is."""

    behind: int
    last_error: str | None = None


class StationLink(msgspec.Struct, frozen=True):
    """link, since_ms, reason, next_ms: from the station's retained state (`gateway.contract.states`). last_received_ms:
    when its last message was journalled.

    reason: why it closed its link itself, "" when it did not. next_ms: when it means to open it again. Times are Unix
    time in milliseconds, None when not known.
    """

    link: Literal["up", "down", "unknown"] = "unknown"
    since_ms: int | None = None
    last_received_ms: int | None = None
    reason: str = ""
    next_ms: int | None = None


class StatusSource(Protocol):
    """A view of the service at this moment. Called from several threads; must answer at once."""

    def broker_connected(self) -> bool:
        """Whether the subscriber is connected and subscribed."""
        ...

    def journal_fault(self) -> str | None:
        """Why the journal takes nothing now, or None when it is in order."""
        ...

    def sinks(self) -> Mapping[str, SinkStatus]:
        """By the sink's name."""
        ...

    def counters(self) -> Mapping[tuple[str, Labels], float]:
        """Ever-growing counts by (name without prefix and `_total`, labels), such as `("discarded", (...))`."""
        ...

    def station_links(self) -> Mapping[str, StationLink]:
        """By the station's name; stations not heard of may be missing."""
        ...
