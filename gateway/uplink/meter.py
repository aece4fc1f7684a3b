"""Whose bytes went over one connection: each lane's messages as encoded, the rest as the kernel counted it. Pure.

A message counts for its lane when the broker has acknowledged it, so that what never left is not counted. The rest is
the link's own: connecting, encryption, receipts, acknowledgements, keep-alive, what TCP sent twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from gateway.uplink.wire import Wire

SENT: Final = "sent_bytes"
RECEIVED: Final = "received_bytes"
"""Places of the counters; each kind of traffic is a name: a lane's slug, FREIGHT, LINK, HEADERS."""
LINK: Final = "link"
HEADERS: Final = "headers"
FREIGHT: Final = "freight"
"""What came down for a freight, such as commands. What freights send counts for lane media."""

Spent = Counter[tuple[str, str]]
"""Bytes by (place, name)."""


def publish_bytes(topic: str, payload_bytes: int) -> int:
    """The size of an MQTT 5 PUBLISH of QoS 1 without properties (section 3.3)."""
    rest = 2 + len(topic.encode()) + 2 + 1 + payload_bytes
    return 1 + (1 if rest < 128 else 2 if rest < 16_384 else 3 if rest < 2_097_152 else 4) + rest


class Meter:
    """One connection's. What `take` gives out only rises."""

    def __init__(self) -> None:
        self._under_way: dict[int, tuple[str, int]] = {}
        self._now: Spent = Counter()  # attributed so far
        self._told: Spent = Counter()
        self._wire = Wire()

    def handed(self, message_id: int, name: str, size: int) -> None:
        """A message was given to the connection."""
        self._under_way[message_id] = (name, size)

    def acknowledged(self, message_id: int) -> None:
        """The broker has it, so that all of it went."""
        name, size = self._under_way.pop(message_id, ("", 0))
        if size:
            self._now[SENT, name] += size

    def came(self, name: str, size: int) -> None:
        """A message came down for somebody else than the link itself."""
        self._now[RECEIVED, name] += size

    def measured(self, wire: Wire) -> None:
        """What the connection has carried in all, by now."""
        self._wire = wire

    def not_taken(self, name: str = "") -> int:
        """Bytes of one lane, or of all, that are on their way or have arrived, and that `take` has not told of yet."""
        on_the_way = sum(size for whose, size in list(self._under_way.values()) if not name or whose == name)
        arrived = [
            n - self._told[key]
            for key, n in list(self._now.items())
            if key[0] == SENT and key[1] not in (LINK, HEADERS) and (not name or key[1] == name)
        ]
        return on_the_way + sum(arrived)

    def ended(self) -> None:
        """No acknowledgement will come any more: of what was under way, as much went as the kernel sent."""
        rest = self._wire.sent - self._sum(SENT) - self._told[SENT, LINK]
        for name, size in self._under_way.values():
            went = max(0, min(size, rest))
            rest -= went
            if went:
                self._now[SENT, name] += went
        self._under_way.clear()

    def take(self) -> Spent:
        """What was spent since the last take."""
        pending = sum(size for _, size in self._under_way.values())
        self._raise(SENT, LINK, self._wire.sent - self._sum(SENT) - pending)
        self._raise(RECEIVED, LINK, self._wire.received - self._sum(RECEIVED))
        self._raise(SENT, HEADERS, self._wire.headers_sent)
        self._raise(RECEIVED, HEADERS, self._wire.headers_received)
        since = self._now - self._told
        self._told = self._now.copy()
        return since

    def _raise(self, place: str, name: str, total: int) -> None:
        if total > self._now[place, name]:
            self._now[place, name] = total

    def _sum(self, place: str) -> int:
        """What is attributed to others than the link."""
        return sum(n for (where, name), n in self._now.items() if where == place and name not in (LINK, HEADERS))
