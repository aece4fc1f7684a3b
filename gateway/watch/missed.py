"""Alerts that the outbox took in and the watch never heard: the post was killed between the two. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from firmware_bridge.readings import Kind, Reading
from gateway.clock.steady import SteadyPoint
from gateway.contract.entries import Entry
from gateway.rules.facts import DETECTIONS, Fact


def missed(entries: Sequence[Entry], facts: Iterable[Fact], stood: SteadyPoint, steady_ms: int) -> list[Fact]:
    """As facts, in order. entries: of the alert lane, as the outbox kept them, oldest first. facts: that the history
    knows from stood on, where the steady time stood with its last commit. steady_ms: now. What is from before stood was
    heard; so was, for all that can be known, what a sensor told as late as that. So was whatever the outbox took in no
    later than a detection whose incident it has: the history may have had no room for long, the wall clock may have
    been ahead."""
    known = {_words(fact.reading) for fact in facts}
    found, raised = [], set()
    for entry in reversed(entries):
        reading, since_ms = entry.reading, entry.time_ms - stood.moment.wall_ms
        if reading.kind == Kind.INCIDENT:
            raised.add((reading.sensor, reading.label))
        elif (reading.sensor, reading.label) in raised:
            break
        elif reading.kind in DETECTIONS and since_ms >= 0 and _words(reading) not in known:
            at_ms = min(stood.steady_ms + since_ms, steady_ms)
            found.append(Fact(at_ms, entry.time_ms, entry.quality, reading))
    return sorted(found, key=lambda fact: fact.steady_ms)


def _words(reading: Reading) -> bytes:
    """What it says, and not when."""
    return msgspec.msgpack.encode(msgspec.structs.replace(reading, age_ms=0))
