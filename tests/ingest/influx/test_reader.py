"""Stored readings read back; nothing that a caller says becomes part of the question."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.parts.processes import free_port
from deploy.parts.servers import InfluxDB
from firmware_bridge.readings import Kind
from ingest import schema
from ingest.errors import RetryLater
from ingest.influx.reader import MAX_ROWS, Filter, InfluxReader, Position, StoredReading
from ingest.influx.settings import InfluxSettings
from ingest.influx.statements import quote_identifier, quote_literal, where
from ingest.influx.writer_v1 import WriterV1
from ingest.registry import Registry
from ingest.sink import InfluxSink
from tests.ingest.messages import EPOCH, NOON_MS, entry, message
from tests.support.failing_front import FailingFront
from tests.support.influx2_front import Influx2Front

pytestmark = pytest.mark.slow

NOON_NS = NOON_MS * 1_000_000
HOUR_NS = 3_600_000_000_000
ATTACKS = [
    "x' OR 'a'='a",
    "x\\' OR 1=1 --",
    'x\'; DROP DATABASE "vigia"; --',
    "' OR time > 0 --",
    "\\",
    "\\'",
    "'\\",
    "/.*/",
    "$x",
    "*",
    "a\nb' OR 'a'='a",
    "''",
    '"',
]


@pytest.fixture
def reader(shared_influx: InfluxDB, bucket: str) -> Iterator[InfluxReader]:
    made = InfluxReader(InfluxSettings(dialect="v1", url=shared_influx.url, bucket=bucket))
    yield made
    made.close()


@pytest.fixture
def sink(shared_influx: InfluxDB, bucket: str, registry: Registry) -> Iterator[InfluxSink]:
    made = InfluxSink(WriterV1(InfluxSettings(dialect="v1", url=shared_influx.url)), bucket, registry)
    yield made
    made.close()


def test_a_reading_comes_back_whole(reader: InfluxReader, sink: InfluxSink) -> None:
    sink.write([message([entry(9, Kind.ACOUSTIC_DETECTION, sensor="audio-01", uncertainty_ms=250)])])
    page, more = reader.between(Filter(), NOON_NS, NOON_NS + HOUR_NS, limit=10)
    assert more is None
    assert page == [
        StoredReading(
            kind=Kind.ACOUSTIC_DETECTION,
            time_ns=schema.point_time_ns(NOON_MS + 9000, EPOCH, 9),
            station="boca-yaguas",
            sensor="audio-01",
            territory="yaguas",
            label="chainsaw",
            time_quality="gps",
            time_uncertainty_seconds=0.25,
            sequence=9,
            values={"confidence_ratio": 0.925, "sound_level_decibels": 71.5, "duration_seconds": 12.0},
        )
    ]


NOTE = 'Don Teófilo: "dos botes", 5 % sin luz \\ vuelve, a las 6'


def test_a_note_comes_back_as_it_was_written(reader: InfluxReader, sink: InfluxSink) -> None:
    noted = [entry(1, Kind.INCIDENT, note=NOTE), entry(2, Kind.INCIDENT), entry(3, Kind.PATROL, note="\\")]
    sink.write([message(noted)])
    page, _ = reader.between(Filter(), NOON_NS, NOON_NS + HOUR_NS, limit=10)
    assert {reading.sequence: reading.note for reading in page} == {1: NOTE, 2: "", 3: "\\"}
    assert [reading.note for reading in reader.latest(Filter(kind=Kind.PATROL))] == ["\\"]


def test_the_last_of_each_sensor_and_kind(reader: InfluxReader, sink: InfluxSink) -> None:
    kinds = [Kind.ENVIRONMENT, Kind.DEVICE_STATUS, Kind.TALLY]
    sensors = ["a", "b", "c ', d"]
    entries = [entry(n, kinds[n % 3], sensor=sensors[n // 3 % 3], quality=1 + n % 5) for n in range(1, 91)]
    sink.write([message(entries), message(entries[:40], station="puesto-dos", number=2)])
    latest = reader.latest(Filter())
    keys = [(r.kind, r.station, r.sensor) for r in latest]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == 2 * 2 * 3  # tallies are no sensor's
    wanted = {
        (e.reading.kind, e.reading.sensor): e.sequence for e in entries if e.reading.kind != Kind.TALLY
    }  # the last one wins
    assert {(r.kind, r.sensor): r.sequence for r in latest if r.station == "boca-yaguas"} == wanted
    assert [
        r.sequence for r in reader.latest(Filter(kind=Kind.ENVIRONMENT, sensor="c ', d", station="boca-yaguas"))
    ] == [wanted[Kind.ENVIRONMENT, "c ', d"]]
    assert len(reader.latest(Filter(kind=Kind.TALLY))) == 6
    seen = reader.sensors("puesto-dos")
    assert [(s.station, s.sensor, s.kind) for s in seen] == sorted((s.station, s.sensor, s.kind) for s in seen)
    assert len(seen) == 6
    assert max(s.last_time_ns for s in seen) == schema.point_time_ns(NOON_MS + 40_000, EPOCH, 40)


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_hold_every_reading_once(limit: int, reader: InfluxReader, sink: InfluxSink) -> None:
    """Even where two stations and three kinds have readings of the very same nanosecond."""
    kinds = [Kind.ENVIRONMENT, Kind.DEVICE_STATUS, Kind.POSITION]
    for number, station in enumerate(("boca-yaguas", "puesto-dos")):
        for shift, kind in enumerate(kinds):
            epoch = (1_000_000 - shift).to_bytes(8, "big")  # so that sequences shift to shift + 9 share their digits
            entries = [entry(n + shift, kind, time_ms=NOON_MS + n // 3) for n in range(1, 11)]
            assert sink.write([message(entries, station=station, epoch=epoch, number=number)]) == []
    found: list[StoredReading] = []
    after: Position | None = None
    while True:
        page, after = reader.between(Filter(), NOON_NS, NOON_NS + HOUR_NS, limit=limit, after=after)
        found += page
        if after is None:
            break
        assert len(page) == limit
    assert len(found) == len({(r.station, r.kind, r.sequence) for r in found}) == 60
    assert len({r.time_ns for r in found}) == 10
    assert found == sorted(found, key=lambda r: (r.time_ns, r.kind))


def test_a_range_ends_before_its_end(reader: InfluxReader, sink: InfluxSink) -> None:
    sink.write([message([entry(n) for n in range(1, 11)])])
    start, stop = (schema.point_time_ns(NOON_MS + 1000 * n, EPOCH, n) for n in (3, 5))
    assert [r.sequence for r in reader.between(Filter(), start, stop, limit=10)[0]] == [3, 4]


def test_filters(reader: InfluxReader, sink: InfluxSink) -> None:
    labels = ["chainsaw", "rain"]
    entries = [entry(n, Kind.ACOUSTIC_DETECTION, sensor=f"s{n % 3}", label=labels[n % 2]) for n in range(1, 13)]
    sink.write([message(entries)])
    found, _ = reader.between(Filter(label="rain", sensor="s1"), NOON_NS, NOON_NS + HOUR_NS, limit=100)
    assert [r.sequence for r in found] == [1, 7]
    assert reader.between(Filter(station="puesto-dos"), NOON_NS, NOON_NS + HOUR_NS, limit=100) == ([], None)


@pytest.mark.parametrize("limit", [0, -1, MAX_ROWS + 1])
def test_a_page_is_bounded(limit: int, reader: InfluxReader) -> None:
    with pytest.raises(ValueError, match="limit"):
        reader.between(Filter(), 0, 1, limit=limit)
    with pytest.raises(ValueError, match="page"):
        reader.between(Filter(), 0, 1, limit=1, after=Position(0, MAX_ROWS + 1))


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_finds_nothing_and_breaks_nothing(attack: str, reader: InfluxReader, sink: InfluxSink) -> None:
    sink.write([message([entry(n) for n in range(1, 4)])])
    for wanted in (Filter(station=attack), Filter(sensor=attack), Filter(label=attack)):
        assert reader.latest(wanted) == []
        assert reader.between(wanted, NOON_NS, NOON_NS + HOUR_NS, limit=10) == ([], None)
    assert reader.sensors(attack) == []
    assert len(reader.between(Filter(), NOON_NS, NOON_NS + HOUR_NS, limit=10)[0]) == 3


@pytest.mark.parametrize("text", ["a\0b", "a\rb"])
def test_what_influxql_cannot_say_is_not_said(text: str) -> None:
    for quote in (quote_identifier, quote_literal):
        with pytest.raises(ValueError, match="cannot say"):
            quote(text)


@pytest.fixture(scope="module")
def texts(shared_influx: InfluxDB) -> InfluxDB:
    shared_influx.create("texts")
    return shared_influx


@settings(max_examples=150)
@given(text=st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])))
@example(text="a\\nb")
@example(text="a\n\nb")
@example(text="\\'\"\\\\")
def test_a_quoted_value_is_that_value_to_the_database(text: str, texts: InfluxDB) -> None:
    """String fields are stored without loss, so the database itself can say what it understood."""
    stored = text.replace("\\", "\\\\").replace('"', '\\"')
    texts.query("texts", "DROP MEASUREMENT q")
    texts.write("texts", f'q v="{stored}",n=1 1\nq v="other{stored}",n=2 2')
    found = texts.query("texts", f"SELECT n FROM q{where({'v': text})}")
    assert [series["values"] for series in found] == [[[1, 1]]]


@settings(max_examples=60)
@given(name=st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), min_size=1))
def test_a_quoted_name_is_a_name_to_the_database(name: str, texts: InfluxDB) -> None:
    texts.query("texts", "DROP MEASUREMENT q")
    texts.write("texts", "q n=1 1")
    (series,) = texts.query("texts", f"SELECT n AS {quote_identifier(name)} FROM q")
    assert series["columns"] == ["time", name]


def test_2x_reads_through_its_1x_query(shared_influx: InfluxDB, bucket: str, sink: InfluxSink) -> None:
    sink.write([message([entry(1)])])
    with Influx2Front(shared_influx.port) as front:
        for token, works in (("a-token-for-tests", True), ("wrong", False)):
            reader = InfluxReader(InfluxSettings(dialect="v2", url=front.url, bucket=bucket, token=token))
            if works:
                assert len(reader.latest(Filter())) == 1
            else:
                with pytest.raises(RetryLater, match="credentials"):
                    reader.latest(Filter())
            reader.close()


def test_trouble_means_later(shared_influx: InfluxDB) -> None:
    for port, bucket, said in ((free_port(), "vigia", "is it running"), (shared_influx.port, "nowhere", "not found")):
        reader = InfluxReader(InfluxSettings(dialect="v1", url=f"http://127.0.0.1:{port}", bucket=bucket))
        with pytest.raises(RetryLater, match=said):
            reader.latest(Filter())
        reader.close()


def test_a_server_that_is_no_influxdb(shared_influx: InfluxDB) -> None:
    with FailingFront(free_port()) as front:  # 502 for all
        reader = InfluxReader(InfluxSettings(dialect="v1", url=front.url))
        with pytest.raises(RetryLater, match="502"):
            reader.sensors()
        reader.close()
