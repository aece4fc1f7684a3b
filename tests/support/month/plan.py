"""What happens in a month, from a seed: who speaks when, who vouches for the clock, what breaks. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tests.support.month.post import SENSORS

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
DAYS: Final = 30
STEP: Final = 10 * MINUTE
ALERTS_A_DAY: Final = 10
DETECTIONS_A_DAY: Final = 12
ALERT_LABELS: Final = ("chainsaw", "gunshot", "long_tail_motor", "outboard_motor", "voices")
OTHER_LABELS: Final = ("animal", "bird", "peccary", "jaguar")
MAD_WORDS_AN_HOUR: Final = 300
DYING: Final = SENSORS[-1]
_APART: Final = 12 * MINUTE
_SETTLING: Final = 40 * MINUTE


class Event(NamedTuple):
    """at_ms: true Unix time. what: the name of a method of `Month`. args: for it."""

    at_ms: int
    what: str
    args: tuple[Any, ...] = ()


class Plan(NamedTuple):
    """events: in order. dies_ms: when the dying sensor says its last word."""

    start_ms: int
    end_ms: int
    dies_ms: int
    events: list[Event]


def month(seed: int, end_ms: int, *, wild: bool = False) -> Plan:
    """A month that ends then. wild: nobody, or several, may vouch for the clock at any time, and the boots come as they
    will."""
    chance = random.Random(seed)
    end_ms -= end_ms % STEP
    start_ms = end_ms - DAYS * DAY

    def about(day: float) -> int:
        """A time of that day or a few hours beside it, between two regular readings."""
        return (
            start_ms + round(day * DAY) + chance.randrange(-3 * HOUR, 3 * HOUR) // STEP * STEP + chance.randrange(STEP)
        )

    orderly = about(chance.uniform(6, 10) if wild else 9)
    first_cut = about(chance.uniform(12.4, 16) if wild else 16)
    second_cut = about(chance.uniform(17.5, 21) if wild else 20)
    mended = about(27.5)
    fills = about(10.7 if wild else 14.2)
    dies_ms = about(24 if wild else 18)
    rains = [about(3.4 if wild else 6.4), about(25.5 if wild else 24.5)]
    if wild:
        gps, ntp, jumps = ([about(chance.uniform(0.3, 29)) for _ in range(chance.randrange(5))] for _ in range(3))
    else:
        gps, ntp = [about(1), about(11), about(22.3)], [about(3), about(7), about(13), about(26)]
        jumps = [about(5), about(17.2), about(24)]
    boots = [
        Event(orderly, "restart_in_order", (orderly + 20 * MINUTE, 0)),
        Event(first_cut, "power_cut", (first_cut + 3 * HOUR, first_cut)),
        Event(second_cut, "power_cut", (second_cut + 7 * HOUR, 0)),
        Event(mended, "program_is_stopped", (mended + 2 * HOUR,)),
    ]
    events = [
        *boots,
        *(event for at in jumps for event in _jump(at, chance)),
        *(event for at in gps for event in _gps(at, 3 * HOUR)),
        *(event for at in ntp for event in _ntp(at, chance.randrange(3, 7), chance)),
        *(Event(fills + hour * HOUR, "disk_fills") for hour in range(24)),
        *(Event(fills + hour * HOUR + MINUTE, "goes_mad", (SENSORS[3], MAD_WORDS_AN_HOUR)) for hour in range(24)),
        Event(fills + DAY, "disk_has_room"),
        *(Event(at, "rain_then_chainsaw", (chance.choice(SENSORS[:5]),)) for at in rains),
        Event(dies_ms - 2 * HOUR, "battery_is_low"),
        Event(dies_ms + 3 * HOUR, "falls_silent"),
        *(Event(start_ms + day * DAY + 7 * HOUR, "look_at_sensors") for day in range(1, DAYS)),
        *(Event(start_ms + day * DAY, "weather_changes", (chance.randrange(-90, 91),)) for day in range(DAYS)),
    ]
    for number, at_ms in enumerate(range(start_ms + STEP, end_ms, STEP)):
        due = [
            name for i, name in enumerate(SENSORS) if i % 3 == number % 3 and not (name == DYING and at_ms > dies_ms)
        ]
        events.append(Event(at_ms, "readings", (tuple(due),)))
    busy = [start_ms, *rains, *(event.args[0] for event in boots)]
    alerts = _at_random(chance, start_ms, end_ms, ALERTS_A_DAY, [(at - HOUR // 3, at + _SETTLING) for at in busy])
    events += (Event(at, "alert", (chance.choice(SENSORS[:9]), chance.choice(ALERT_LABELS))) for at in alerts)
    others = _at_random(chance, start_ms, end_ms, DETECTIONS_A_DAY, [])
    events += (Event(at, "detection", (chance.choice(SENSORS[:9]), chance.choice(OTHER_LABELS))) for at in others)
    pictures = [(day, "tapir" if day in (8.4, 23) else "person") for day in (2.6, 8.4, 12.2, 18.5, 21.5, 23, 28.8)]
    events += (Event(about(day), "picture", (label,)) for day, label in pictures)
    return Plan(start_ms, end_ms, dies_ms, sorted(events, key=lambda event: event.at_ms))


def first_hours(end_ms: int) -> Plan:
    """The first six hours of a new post, which nobody told the time: readings, and an alert in each of three hours."""
    start_ms = end_ms - 6 * HOUR
    events = [Event(at_ms, "readings", (SENSORS[:3],)) for at_ms in range(start_ms + STEP, end_ms, STEP)]
    events += [
        Event(start_ms + hour * HOUR + MINUTE, "alert", (SENSORS[hour], ALERT_LABELS[hour])) for hour in range(1, 4)
    ]
    return Plan(start_ms, end_ms, end_ms + DAYS * DAY, sorted(events, key=lambda event: event.at_ms))


def _at_random(
    chance: random.Random, start_ms: int, end_ms: int, a_day: int, spared: list[tuple[int, int]]
) -> list[int]:
    """Times, no two within the quiet time of a rule."""
    times = sorted(chance.randrange(start_ms + STEP, end_ms) for _ in range(a_day * DAYS))
    apart = [times[0]] + [b for a, b in pairwise(times) if b - a > _APART]
    return [at for at in apart if not any(low <= at <= high for low, high in spared)]


def _jump(at_ms: int, chance: random.Random) -> Iterator[Event]:
    """Somebody sets the clock a day ahead, and some hours later back."""
    yield Event(at_ms, "wall_clock_is_set", (DAY,))
    yield Event(at_ms + chance.randrange(2, 9) * HOUR, "wall_clock_is_set", (chance.randrange(-300_000, 300_000),))


def _gps(at_ms: int, long_ms: int) -> Iterator[Event]:
    """A GPS sees the sky for some hours."""
    return (Event(at, "gps_speaks") for at in range(at_ms, at_ms + long_ms, STEP))


def _ntp(at_ms: int, hours: int, chance: random.Random) -> Iterator[Event]:
    """Somebody's phone gives the post a network with NTP for some hours."""
    for hour in range(hours):
        yield Event(at_ms + hour * HOUR, "ntp_syncs", (chance.uniform(-1, 1), chance.randrange(2_000)))
    yield Event(at_ms + hours * HOUR, "ntp_is_gone")
