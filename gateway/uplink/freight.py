"""What travels beside the outbox's batches: whoever has messages of lowest priority to send, or hears messages that
come down for it. Pictures in chunks are one, commands from headquarters (which only hear) another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class FreightMessage(NamedTuple):
    """One message to send, QoS 1. topic: within the station's own branch, such as `topics.up(station, Lane.MEDIA)`.
    cookie: whatever its freight wants to know it by; the uplink only gives it back."""

    topic: str
    payload: bytes
    cookie: int


class Freight(Protocol):
    """Given to `Uplink(freights=[...])`. Every method is called from the uplink's thread, must return at once (reading
    some kilobytes from disk is at once) and raises nothing but a GatewayError, which starts the whole uplink anew.

    Whoever gets something new to send calls `Uplink.wake({})`, from any thread; without it the uplink asks again
    within a second.
    """

    @property
    def down_topics(self) -> Sequence[str]:
        """Topics to subscribe to at every connect, without wildcards, such as vigia/1/<station>/command."""

    def next_message(self, budget_bytes: int) -> FreightMessage | None:
        """The next message, its payload at most so many bytes, or None. Asked only while the link is up, all lanes of
        the outbox have nothing due, the line is clear, the window has room and lane media's budget of the day has
        something left. What is given out here is sent, and followed by exactly one of `acknowledged` and `returned`."""

    def acknowledged(self, cookie: int) -> None:
        """The broker has it, in memory: it is not stored before headquarters says so, by a message of its own."""

    def returned(self, cookie: int) -> None:
        """It is not on its way any more: the link ended before the broker had it, or nobody listens at headquarters, or
        the broker refuses it. Give it out again whenever you like; the uplink has its own pause after a refusal."""

    def received(self, topic: str, payload: bytes) -> bool:
        """A message came down on one of `down_topics` (of any freight). True when it was for this freight: no other is
        asked then. It may come twice. It is acknowledged to the broker already: keep what must not be lost."""

    def link_is(self, up: bool) -> None:
        """The link to the broker came up (before anything is asked) or ended (after what was under way is returned)."""
