"""Journal messages to points in a real InfluxDB: all kinds, once in effect, nothing dropped in silence."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from deploy.parts.servers import InfluxDB
from firmware_bridge.readings import QUANTITIES, Kind
from gateway.contract.entries import TimeQuality
from gateway.contract.ranges import RangeSet
from ingest import schema
from ingest.errors import RetryLater
from ingest.influx.dialects import writer_for
from ingest.influx.settings import InfluxSettings
from ingest.journal.journal import Arrival
from ingest.journal.letters import redrive_letters
from ingest.journal.reader import JournalReader
from ingest.journal.series import SeriesBook
from ingest.messages import JournalMessage
from ingest.registry import Registry
from ingest.sink import InfluxSink
from tests.ingest.conftest import REGISTRY
from tests.ingest.journal.arrivals import opened
from tests.ingest.messages import EPOCH, LABELS, NOON_MS, VALUES, entry, message
from tests.ingest.points import count
from tests.support.failing_front import FailingFront, Fault
from tests.support.influx2_front import Influx2Front

pytestmark = pytest.mark.slow

DAY_MS = 24 * 3600 * 1000


@pytest.mark.parametrize("dialect", ["v1", "v2", "v3"])
def test_every_kind_comes_back_as_it_was_sent(
    dialect: str, shared_influx: InfluxDB, bucket: str, registry: Registry
) -> None:
    entries = [
        entry(n, kind, sensor="x ,=\"'ñ 日", quality=n if n < 6 else 77, uncertainty_ms=250 * (n % 2))
        for n, kind in enumerate(Kind, start=1)
    ]
    with Influx2Front(shared_influx.port) as second:
        reach = {"url": shared_influx.url} if dialect == "v1" else {"url": second.url, "token": second.token}
        settings = InfluxSettings.model_validate({"dialect": dialect, **reach})
        sink = InfluxSink(writer_for(settings), bucket, registry)
        assert sink.write([message(entries)]) == []
        sink.close()
    for n, (e, kind) in enumerate(zip(entries, Kind, strict=True), start=1):
        (series,) = shared_influx.query(bucket, f'SELECT * FROM "{schema.MEASUREMENTS[kind]}"')
        (row,) = (dict(zip(series["columns"], values, strict=True)) for values in series["values"])
        uncertainty = {schema.TIME_UNCERTAINTY: 0.25} if n % 2 else {}
        label = {schema.LABEL: LABELS[kind]} if kind in LABELS else {}
        assert row == {
            "time": schema.point_time_ns(e.time_ms, EPOCH, n),
            schema.STATION: "boca-yaguas",
            schema.TERRITORY: "yaguas",
            schema.SENSOR: "x ,=\"'ñ 日",
            schema.TIME_QUALITY: TimeQuality(n).slug if n < 6 else "quality_77",
            schema.SEQUENCE: n,
            **{name: QUANTITIES[name].from_steps(QUANTITIES[name].to_steps(v)) for name, v in VALUES[kind].items()},
            **uncertainty,
            **label,
        }


def test_replay_changes_nothing(sink: InfluxSink, shared_influx: InfluxDB, bucket: str, seed: int) -> None:
    messages = [message([entry(n) for n in range(first, first + 50)], number=first) for first in range(1, 501, 50)]
    shuffled = messages * 3
    random.Random(seed).shuffle(shuffled)
    assert sink.write(messages) == []
    assert sink.write(shuffled) == []
    assert count(shared_influx, bucket) == 500


def test_entries_of_one_instant_and_sensor_do_not_collide(
    sink: InfluxSink, shared_influx: InfluxDB, bucket: str
) -> None:
    sink.write([message([entry(n, time_ms=1_748_779_200_000) for n in range(1, 4097)])])
    assert count(shared_influx, bucket) == 4096


def test_only_fresh_entries_are_written(sink: InfluxSink, shared_influx: InfluxDB, bucket: str) -> None:
    kinds = [Kind.ENVIRONMENT, Kind.POSITION]
    sink.write([message([entry(n, kinds[n % 2]) for n in range(1, 21)], fresh=RangeSet([(3, 4), (20, 20)]))])
    for kind, wanted in ((Kind.POSITION, [3]), (Kind.ENVIRONMENT, [4, 20])):
        (series,) = shared_influx.query(bucket, f'SELECT "{schema.SEQUENCE}" FROM "{kind.slug}"')
        assert [row[1] for row in series["values"]] == wanted
    assert sink.write([message([entry(1)], fresh=RangeSet())]) == []


def test_a_message_driven_again_after_its_station_moved_writes_the_same_points(
    front: FailingFront, shared_influx: InfluxDB, bucket: str, tmp_path: Path
) -> None:
    def write_all() -> list[str]:
        reader = JournalReader(path, sink.name, registry.territory_of)
        reader.open()
        messages = reader.next()
        letters = sink.write(messages)
        reader.done(messages, letters)
        reader.close()
        return [letter.reason for letter in letters]

    def move(**territories: str) -> None:
        stations = (
            f'[[stations]]\nname = "{station}"\nterritory = "{territory}"\ntitle = "x"\n'
            for station, territory in territories.items()
        )
        listed.write_text(REGISTRY.split("[[stations]]")[0] + "".join(stations))

    listed, path = tmp_path / "registry.toml", tmp_path / "journal.db"
    move(boca="yaguas")
    moments = iter(range(0, 10_000, 2))
    registry = Registry(listed, clock=lambda: float(next(moments)))
    sink = InfluxSink(writer_for(InfluxSettings(dialect="v1", url=front.url)), bucket, registry)
    old = entry(2, time_ms=NOON_MS - 500 * DAY_MS)  # so that each message leaves a letter
    with opened(path, registry.territory_of) as journal:
        for station in ("boca", "late"):  # one is not registered when it comes
            sent = message([entry(1), old], station=station)
            journal.append([Arrival(sent.topic, sent.payload, sent.received_ms)])
        assert sorted(write_all()) == ["implausible_time", "unknown_station"]
        move(boca="yaguas", late="ampiyacu")
        assert redrive_letters(path, "unknown_station") == 1
        assert write_all() == ["implausible_time"]
        move(boca="ampiyacu", late="yaguas")
        for pruned in (False, True):
            if pruned:
                journal.prune(time.time_ns() // 1_000_000 + DAY_MS)
            assert redrive_letters(path, "implausible_time") == 2
            assert write_all() == ["implausible_time"] * 2
        assert count(shared_influx, bucket) == 2
        sent = message([entry(3)], station="boca")
        journal.append([Arrival(sent.topic, sent.payload, sent.received_ms)])
        assert write_all() == []
    series = shared_influx.query(bucket, 'SELECT "sequence" FROM "environment" GROUP BY "station", "territory"')
    where = {(one["tags"]["station"], one["tags"]["territory"]): len(one["values"]) for one in series}
    assert where == {("boca", "yaguas"): 1, ("boca", "ampiyacu"): 1, ("late", "ampiyacu"): 1}
    sink.close()


def test_a_station_that_makes_up_names_fills_its_own_share_and_no_more(
    front: FailingFront, shared_influx: InfluxDB, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    def sink_of(most: int) -> tuple[InfluxSink, SeriesBook]:
        series = SeriesBook(tmp_path / "journal.db", most)
        series.open()
        return InfluxSink(
            writer_for(InfluxSettings(dialect="v1", url=front.url)), bucket, registry, series=series
        ), series

    sink, series = sink_of(20)
    assert sink.write([message([entry(n) for n in range(1, 11)])]) == []
    flood = message([entry(n, sensor=f"made up {n}") for n in range(100, 400)] + [entry(500)], number=2)
    (letter,) = sink.write([flood])
    assert (letter.reason, letter.payload) == ("too_many_series", flood.payload)
    assert "not written: 281 more, such as 'made up" in letter.detail
    assert "raise [influx] series_per_station" in letter.detail
    assert count(shared_influx, bucket) == 30  # its first 20 series, of which one was there
    assert sink.write([message([entry(1)], station="puesto-dos", number=3)]) == []
    series.close()
    sink, series = sink_of(400)
    assert sink.write([flood]) == []
    assert count(shared_influx, bucket) == 10 + 301 + 1
    series.close()
    sink.close()


def test_messages_share_requests(sink: InfluxSink, front: FailingFront, shared_influx: InfluxDB, bucket: str) -> None:
    messages = [message([entry(n) for n in range(i * 100 + 1, i * 100 + 101)], number=i) for i in range(120)]
    assert sink.write(messages) == []
    assert front.seen[None] == 3  # 12,000 lines
    assert count(shared_influx, bucket) == 12_000


def test_a_station_that_nobody_registered_is_kept_and_can_be_driven_again(
    front: FailingFront, bucket: str, shared_influx: InfluxDB, tmp_path: Path
) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(REGISTRY)
    moments = iter(range(0, 1000, 2))
    registry = Registry(path, clock=lambda: float(next(moments)))
    sink = InfluxSink(writer_for(InfluxSettings(dialect="v1", url=front.url)), bucket, registry)
    stranger = message([entry(1)], station="forastero", number=9)
    (letter,) = sink.write([stranger, message([entry(1)], number=10)])
    assert (letter.stage, letter.reason, letter.message_id) == ("influxdb", "unknown_station", 9)
    assert (letter.payload, letter.topic) == (stranger.payload, stranger.topic)
    assert count(shared_influx, bucket) == 1
    path.write_text(REGISTRY + '[[stations]]\nname = "forastero"\nterritory = "yaguas"\ntitle = "Nuevo"\n')
    assert sink.write([stranger]) == []
    assert count(shared_influx, bucket) == 2
    sink.close()


def test_a_body_that_cannot_be_read_is_a_dead_letter(sink: InfluxSink, shared_influx: InfluxDB, bucket: str) -> None:
    whole = message([entry(n) for n in range(1, 9)], number=1)
    cut = JournalMessage(2, 0, whole.topic, whole.station, whole.payload[:-3], whole.fresh)
    future = JournalMessage(3, 0, whole.topic, whole.station, b"\x09" + whole.payload[1:], whole.fresh)
    foreign = JournalMessage(4, 0, whole.topic, "puesto-dos", whole.payload, whole.fresh)
    letters = sink.write([cut, future, foreign, whole])
    assert [(d.message_id, d.reason) for d in letters] == [
        (2, letters[0].reason),
        (3, "unknown_version"),
        (4, "wrong_station"),
    ]
    assert letters[0].payload == cut.payload
    assert count(shared_influx, bucket) == 8


def test_a_line_that_the_database_refuses_is_a_dead_letter_and_all_else_is_stored(
    sink: InfluxSink, shared_influx: InfluxDB, bucket: str
) -> None:
    """Someone wrote an integer into the field before us, on the same day: that field is theirs in that shard."""
    shared_influx.write(bucket, "environment,station=other rainfall_millimetres=1i 1748779200000000000")
    dry = {"temperature_celsius": 21.5}
    messages = [
        message([entry(n, values=dry) for n in range(1, 6)], number=1),
        message([entry(6, values=dry), entry(7), entry(8, values=dry)], number=2),
    ]
    (letter,) = sink.write(messages)
    assert (letter.reason, letter.message_id, letter.topic) == ("field_type_conflict", 2, messages[1].topic)
    assert b"rainfall_millimetres=0,sequence=7," in letter.payload
    assert count(shared_influx, bucket) == 7


@pytest.mark.parametrize(
    "fault", [Fault.UNAVAILABLE, Fault.RESET, Fault.RESET_AFTER, Fault.UNAUTHORIZED, Fault.GARBAGE]
)
def test_while_the_database_is_away_nothing_is_decided(
    fault: Fault, sink: InfluxSink, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    messages = [message([entry(n) for n in range(1, 51)]), message([entry(1)], station="forastero", number=2)]
    front.always(fault)
    for _ in range(3):
        with pytest.raises(RetryLater):
            sink.write(messages)
    front.heal()
    assert [d.reason for d in sink.write(messages)] == ["unknown_station"]
    assert count(shared_influx, bucket) == 50


def test_half_accepted_is_wholly_stored(
    sink: InfluxSink, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    front.fail(Fault.PARTIAL)
    assert sink.write([message([entry(n) for n in range(1, 51)])]) == []
    assert count(shared_influx, bucket) == 50


def test_what_headquarters_discarded_is_a_point(sink: InfluxSink, shared_influx: InfluxDB, bucket: str) -> None:
    sink.write_tallies({("subscriber", "bad_topic"): 3}, 1_748_779_200_000_000_000)
    sink.write_tallies({}, 0)
    (series,) = shared_influx.query(bucket, 'SELECT * FROM "tally"')
    assert dict(zip(series["columns"], series["values"][0], strict=True)) == {
        "time": 1_748_779_200_000_000_000,
        "discarded_total": 3,
        "label": "bad_topic",
        "sensor": "subscriber",
        "station": schema.HEADQUARTERS,
    }
