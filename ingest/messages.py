"""What a journal hands to a sink, and what a sink hands back because it can never be stored."""

from __future__ import annotations

import msgspec

from gateway.contract.ranges import RangeSet


class JournalMessage(msgspec.Struct, frozen=True):
    """One uplink message as it stands in the journal.

    id: its number there, ascending. received_ms: Unix time of its arrival. topic, station: as it came, checked by the
    subscriber. payload: the message (`gateway.contract.batches`). fresh: those of its sequence numbers that no earlier
    message of the journal held. territory: where its station was registered when it came, None if it was not: its
    points stand there for ever, wherever the station moves.
    """

    id: int
    received_ms: int
    topic: str
    station: str
    payload: bytes
    fresh: RangeSet
    territory: str | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """What was refused for good, kept with the reason so that a person can mend it and drive it again.

    stage: who refused it (`influxdb`, ...). reason: a counter name. detail: a sentence. payload: the whole message, or
    the one line of line protocol that the database refused. message_id: the journal's number, if it has one.
    """

    stage: str
    reason: str
    detail: str
    topic: str
    payload: bytes
    message_id: int | None
