"""Hypothesis strategies: any entries that a post could have to send."""

from __future__ import annotations

from hypothesis import strategies as st

from firmware_bridge.readings import KINDS, LABELS, QUANTITIES, Reading, is_name
from gateway.contract.entries import Entry
from gateway.contract.ranges import MAX_SEQUENCE
from gateway.contract.rows import MAX_TIME_MS

_PRINTABLE = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=32
)
names = _PRINTABLE.filter(is_name)
labels = st.just("") | st.sampled_from(sorted(LABELS)) | st.just("unlisted_200") | names
notes = st.just("") | st.text(_PRINTABLE.flatmap(lambda text: st.just(text[0])), max_size=130).filter(
    lambda note: len(note.encode()) <= 400 and note.isprintable()
)
quantities = st.sets(st.sampled_from(sorted(QUANTITIES)), min_size=1, max_size=8) | st.just(set(QUANTITIES))


@st.composite
def readings(draw: st.DrawFn, sensors: st.SearchStrategy[str] = names) -> Reading:
    chosen = sorted((QUANTITIES[name] for name in draw(quantities)), key=lambda quantity: quantity.code)
    steps = tuple(
        draw(st.integers(int(q.minimum * q.per_unit), int(q.maximum * q.per_unit)))
        if draw(st.booleans())
        else int((q.minimum if draw(st.booleans()) else q.maximum) * q.per_unit)
        for q in chosen
    )
    kind = draw(st.sampled_from(sorted(KINDS)))
    return Reading(int(kind), draw(sensors), draw(labels), tuple(q.code for q in chosen), steps, note=draw(notes))


@st.composite
def batches(draw: st.DrawFn, max_size: int = 40) -> list[Entry]:
    """1 to max_size entries, ascending, with gaps."""
    few = st.sampled_from(draw(st.lists(names, min_size=1, max_size=4)))
    readings_ = draw(st.lists(readings(few), min_size=1, max_size=max_size))
    top = MAX_SEQUENCE if draw(st.booleans()) else max_size * 3
    chosen = st.sets(st.integers(1, top), min_size=len(readings_), max_size=len(readings_))
    sequences = sorted(draw(chosen))
    times = st.integers(0, MAX_TIME_MS) if draw(st.booleans()) else st.integers(1_700_000_000_000, 1_700_000_100_000)
    return [
        Entry(sequence, draw(times), draw(st.integers(1, 5)), draw(st.just(0) | st.integers(0, 10**7)), reading)
        for sequence, reading in zip(sequences, readings_, strict=True)
    ]
