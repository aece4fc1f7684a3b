"""Lines equal influxdb-client's own, for every text and number."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client import Point

from firmware_bridge.readings import QUANTITIES, Kind, Reading, is_name
from gateway.contract.batches import decode_groups, decode_head, encode_batch
from gateway.contract.entries import Entry, entries_of
from ingest import schema
from ingest.line_protocol import escape_measurement, escape_tag, float_text, group_lines, tally_lines
from tests.ingest.messages import EPOCH, LABELS, VALUES, entry

AWKWARD = st.text(
    st.one_of(st.sampled_from(" ,=\\\"'\n\r\t#ñ日🦜\x00\u2028"), st.characters(exclude_categories=["Cs"]))
)
PRINTABLE = st.text(
    st.one_of(st.sampled_from(" ,=\\\"'#ñ日🦜"), st.characters(categories=["L", "N", "P", "S"])), min_size=1, max_size=8
).filter(is_name)


def theirs(measurement: str, tags: dict[str, str], fields: Mapping[str, float | str], time_ns: int) -> str:
    point = Point(measurement).time(time_ns)
    for name, value in tags.items():
        point.tag(name, value)
    for name, number in fields.items():
        point.field(name, number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a measurement that begins with #: ours never do
        return str(point.to_line_protocol())


@given(measurement=AWKWARD, tag=AWKWARD.filter(bool), value=st.floats(allow_nan=False, allow_infinity=False))
def test_escaping_and_numbers_equal_influxdb_clients(measurement: str, tag: str, value: float) -> None:
    line = f"{escape_measurement(measurement)},t={escape_tag(tag)} f={float_text(value)} 1"
    assert line == theirs(measurement, {"t": tag}, {"f": value}, 1)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_as_the_same_float(value: float) -> None:
    assert float(float_text(value)) == value


@pytest.mark.parametrize(("one", "other"), [("a\nb", "a\\nb"), ("a\rb", "a\\rb"), ("a\tb", "a\\tb"), ("a\\", "a ")])
def test_where_the_escaping_loses_something(one: str, other: str) -> None:
    """Known, and shared with influxdb-client: these two are one to the database."""
    assert escape_tag(one) == escape_tag(other)


codes = st.lists(st.sampled_from(sorted(q.code for q in QUANTITIES.values())), min_size=1, max_size=5, unique=True)
steps = st.integers(-(2**47), 2**47)  # what a varint of the wire carries


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    shape = tuple(sorted(draw(codes)))
    made = []
    for sequence in sorted(draw(st.sets(st.integers(1, 2**48 - 1), min_size=1, max_size=8))):
        reading = Reading(
            draw(st.sampled_from(list(Kind))),
            draw(PRINTABLE),
            draw(st.one_of(st.just(""), PRINTABLE)),
            shape,
            tuple(draw(st.lists(steps, min_size=len(shape), max_size=len(shape)))),
            note=draw(st.one_of(st.just(""), PRINTABLE)),
        )
        made.append(
            Entry(
                sequence,
                draw(st.integers(0, 2**43 - 1)),
                draw(st.integers(1, 255)),
                draw(st.one_of(st.just(0), st.integers(0, 2**40))),
                reading,
            )
        )
    return made


@given(entries=entries(), epoch=st.binary(min_size=8, max_size=8))
def test_lines_equal_points_made_from_the_schema(entries: list[Entry], epoch: bytes) -> None:
    message = encode_batch("boca-yaguas", epoch, entries)
    for group in decode_groups(message, decode_head(message)):
        lines = group_lines(group, territory="yaguas", station="boca-yaguas", epoch=epoch)
        wanted = []
        for e in entries_of([group]):
            fields: dict[str, float | str] = {**e.reading.values(), schema.SEQUENCE: float(e.sequence)}
            if e.reading.note:
                fields[schema.NOTE] = e.reading.note
            if e.uncertainty_ms:
                fields[schema.TIME_UNCERTAINTY] = e.uncertainty_ms / 1000
            slugs = {1: "gps", 2: "ntp", 3: "recovered", 4: "system", 5: "untrusted"}
            tags = {
                schema.LABEL: e.reading.label,
                schema.SENSOR: e.reading.sensor,
                schema.STATION: "boca-yaguas",
                schema.TERRITORY: "yaguas",
                schema.TIME_QUALITY: slugs.get(e.quality, f"quality_{e.quality}"),
            }
            time_ns = schema.point_time_ns(e.time_ms, epoch, e.sequence)
            assert time_ns < 2**63
            wanted.append(theirs(schema.MEASUREMENTS[Kind(e.reading.kind)], tags, fields, time_ns))
        assert lines == wanted


def test_what_a_line_says() -> None:
    message = encode_batch(
        "boca-yaguas", EPOCH, [entry(7, Kind.ACOUSTIC_DETECTION, sensor="audio 01", uncertainty_ms=1500)]
    )
    (group,) = decode_groups(message, decode_head(message))
    assert group_lines(group, territory="yaguas", station="boca-yaguas", epoch=EPOCH) == [
        (
            "acoustic_detection,label=chainsaw,sensor=audio\\ 01,station=boca-yaguas,territory=yaguas,time_quality=gps"
            " confidence_ratio=0.925,duration_seconds=12,sequence=7,sound_level_decibels=71.5"
            ",time_uncertainty_seconds=1.5"
            f" {schema.point_time_ns(1_748_779_207_000, EPOCH, 7)}"
        )
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_tag_and_field_is_in_the_schema(kind: Kind) -> None:
    message = encode_batch("boca-yaguas", EPOCH, [entry(1, kind, uncertainty_ms=1)])
    (group,) = decode_groups(message, decode_head(message))
    (line,) = group_lines(group, territory="yaguas", station="boca-yaguas", epoch=EPOCH)
    head, fields, _time = line.split(" ")
    tags = [tag.split("=")[0] for tag in head.split(",")[1:]]
    assert tags == [tag for tag in schema.TAGS if tag != schema.LABEL or kind in LABELS]
    assert {field.split("=")[0] for field in fields.split(",")} == {
        *VALUES[kind],
        schema.SEQUENCE,
        schema.TIME_UNCERTAINTY,
    }
    assert {field.split("=")[0] for field in fields.split(",")} <= set(schema.FIELDS)
    assert all(math.isfinite(float(field.split("=")[1])) for field in fields.split(","))


def test_what_headquarters_discarded_becomes_tallies() -> None:
    assert tally_lines({("subscriber", "bad_topic"): 3, ("influxdb", "parse error"): 0}, 17) == [
        "tally,label=parse\\ error,sensor=influxdb,station=headquarters discarded_total=0 17",
        "tally,label=bad_topic,sensor=subscriber,station=headquarters discarded_total=3 17",
    ]
