"""What tests of those who hear radios for us share: LoRaWAN servers and packet forwarders."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st

from firmware_bridge.delivery import Decoder, Delivery, ReplayState
from firmware_bridge.readings import Kind, Reading, make_reading

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)


def decode(into: Decoder, *chunks: bytes) -> tuple[list[Reading], Counter[str], dict[str, ReplayState]]:
    """Readings, how often each reason, and what is to be remembered of the counters."""
    readings: list[Reading] = []
    reasons: Counter[str] = Counter()
    replay: dict[str, ReplayState] = {}
    for one in chunks:
        delivery = into.feed(one)
        if delivery is not None:
            assert delivery.readings or delivery.rejected or delivery.replay
            readings += delivery.readings
            reasons.update({item.reason: item.count for item in delivery.rejected})
            replay |= delivery.replay
    return readings, reasons, replay


def check(delivery: Delivery | None) -> None:
    """That it says something, and nothing that cannot be kept."""
    if delivery is not None:
        assert delivery.readings or delivery.rejected or delivery.replay
        assert all(0 < len(item.reason) <= 32 and item.count > 0 for item in delivery.rejected)
        for reading in delivery.readings:
            make_reading(
                Kind(reading.kind), reading.sensor, reading.values(), label=reading.label, age_s=reading.age_ms / 1000
            )
