"""One post's measurements as entries for its outbox: sensors that tell four values once a minute, with the cycles and
the noise of the simulator's day at a post."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from firmware_bridge.readings import Kind, make_reading
from firmware_bridge.simulator.scenario import Cycle
from gateway.clock.clock import Clock
from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox

_CYCLES: Final = {
    "temperature_celsius": Cycle(middle=26.5, swing=4.5, peak_hour=14, noise=0.2),
    "humidity_ratio": Cycle(middle=0.86, swing=0.12, peak_hour=4, noise=0.01),
    "pressure_hectopascals": Cycle(middle=1003, swing=1.5, peak_hour=10, noise=0.1),
    "battery_volts": Cycle(middle=3.95, swing=0.12, peak_hour=15, noise=0.01),
}
_EVERY_MS: Final = 60_000
_JITTER_MS: Final = 2_000
_SYNCHRONISED_EVERY_MS: Final = 2_048_000
_DRIFT_AS_RECKONED: Final = 2_000  # the kernel reckons with 500 ppm: a millisecond more in two seconds
_PUT_AT_ONCE: Final = 10_000


def day(sensors: int, readings: int, *, first_ms: int, seed: int = 7) -> Iterator[Accepted]:
    """So many readings in order of time, from `first_ms` (Unix time) on. A sensor tells once a minute, from a phase of
    its own, up to 2 s late (its own clock, the air, the line); the post's clock is set by NTP every half hour or so."""
    voices = [_voice(f"clima-{n:02d}", first_ms, Random(f"{seed}/{n}")) for n in range(sensors)]
    for number, item in enumerate(heapq.merge(*voices, key=lambda item: item.moment.wall_ms)):
        if number == readings:
            return
        yield item


def _voice(sensor: str, first_ms: int, chance: Random) -> Iterator[Accepted]:
    offsets = {name: chance.gauss(0, cycle.swing / 4) for name, cycle in _CYCLES.items()}
    due_ms = first_ms + chance.randrange(_EVERY_MS)
    while True:
        at_ms = due_ms + chance.randrange(_JITTER_MS)
        hour = at_ms / 3_600_000 % 24
        values = {name: c.at(hour, chance.gauss(0, 1)) + offsets[name] for name, c in _CYCLES.items()}
        values["humidity_ratio"] = min(1.0, values["humidity_ratio"])
        error_ms = at_ms % _SYNCHRONISED_EVERY_MS // _DRIFT_AS_RECKONED
        moment = Moment(0, at_ms, TimeQuality.NTP, 1 << error_ms.bit_length())  # as the gateway rounds
        yield Accepted(Lane.READING, moment, make_reading(Kind.ENVIRONMENT, sensor, values))
        due_ms += _EVERY_MS


def fill(path: Path, items: Iterator[Accepted]) -> int:
    """Put readings into the outbox at a path, as a gateway that had no link would have; how many."""
    outbox = Outbox(path, max_bytes=2**30, memory_bytes=2**28, clock=Clock("system"))
    outbox.open()
    count = 0
    try:
        some: list[Accepted] = []
        for item in items:
            some.append(item)
            count += 1
            if len(some) == _PUT_AT_ONCE:
                outbox.accept(some)
                outbox.commit()
                some = []
        outbox.accept(some)
    finally:
        outbox.close()
    return count
