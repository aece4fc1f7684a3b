"""From what a payload codec said to what a source delivers: readings, and every loss counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from firmware_bridge.delivery import ReplayState, Tally
from firmware_bridge.payloads.grouping import told_of, unmapped_reason
from firmware_bridge.payloads.payload import Decoded, PayloadDecoder, ReplayingDecoder
from firmware_bridge.readings import MAX_NAME_BYTES, Reading, ReadingError, Rejected, make_reading

MAX_AGE_S: Final = 31 * 86_400
"""What a broker kept for us over a month is not told any more: nothing older is believed."""
NEVER_SET_BEFORE_S: Final = 1_577_836_800
"""2020, in Unix time: a clock that tells an earlier time was never set, and says nothing about an age."""


def to_readings(
    items: Iterable[Decoded | Rejected],
    sensor: str,
    tally: Tally,
    *,
    received: Mapping[str, float] | None = None,
    age_s: float = 0.0,
) -> list[Reading]:
    """The readings of one payload; what is lost is added to the tally.

    received: what the receiver measured (rssi_dbm, snr_decibels); it goes with the first reading. age_s: how long ago
    the payload was received, added to what the device tells.
    Reasons: those of the codec and of `make_reading`, out_of_range, absent_<quantity>, unmapped_<field>,
    implausible_time: an age that is below 0 or not a number, which becomes 0; a reading of more than `MAX_AGE_S` ago,
    which is left out, for it would be taken for one of now.
    """
    readings: list[Reading] = []
    beside = received or {}
    for item in items:
        if isinstance(item, Rejected):
            tally.add(item.reason, item.detail, item.count)
            continue
        for absence in item.absent:
            sentinel = absence.reason == "sentinel"
            tally.add(f"absent_{absence.quantity}"[:MAX_NAME_BYTES] if sentinel else absence.reason, told_of(absence))
        for field in item.unknown:
            tally.add(unmapped_reason(field), f"{sensor}: nothing maps {field} to a quantity")
        ages = [one for one in (item.age_s, age_s) if one >= 0]  # not NaN
        age = sum(ages)
        if len(ages) < 2 or age > MAX_AGE_S:
            tally.add("implausible_time", f"{sensor}: {_wrong_age(item.age_s, age_s)}")
        if age > MAX_AGE_S:
            continue
        reading = _reading(item, sensor, {**item.values, **beside}, age, tally)
        if reading is not None:
            readings.append(reading)
            beside = {}
    return readings


def _wrong_age(age_s: float, sent_s: float) -> str:
    """What is wrong with an age: that of the measurement when it was sent, or how long ago it was sent."""
    if not sent_s >= 0:
        return "sent at no time that can be" if math.isnan(sent_s) else f"sent {-sent_s:g} s in the future"
    if not age_s >= 0:
        return f"an age of {age_s:g} s when it was sent"
    return f"{(age_s + sent_s) / 86_400:.0f} days old"


def _reading(item: Decoded, sensor: str, values: dict[str, float], age_s: float, tally: Tally) -> Reading | None:
    """The reading without the values that may not enter; None if nothing is left."""
    try:
        return make_reading(item.kind, sensor, values, label=item.label, age_s=age_s)
    except ReadingError as refused:
        if refused.reason not in ("out_of_range", "unknown_quantity"):
            tally.add(refused.reason, refused.detail)
            return None
    good = {}
    for name, value in values.items():
        try:
            make_reading(item.kind, sensor, {name: value}, label=item.label)
        except ReadingError as refused:
            tally.add(refused.reason, refused.detail)
        else:
            good[name] = value
    if not good:
        tally.add("no_values", f"{sensor}: {item.kind.slug} without any value")
        return None
    return make_reading(item.kind, sensor, good, label=item.label, age_s=age_s)


def take_replay(decoder: PayloadDecoder) -> dict[str, ReplayState]:
    """The replay states that the decoder changed, to be delivered with its readings; empty for most codecs."""
    return decoder.take_replay() if isinstance(decoder, ReplayingDecoder) else {}
