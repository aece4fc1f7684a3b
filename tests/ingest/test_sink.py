"""Journal messages to points in a real InfluxDB: all kinds, once in effect, nothing dropped in silence."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.parts.servers import InfluxDB
from firmware_bridge.readings import QUANTITIES, Kind
from gateway.contract.entries import TimeQuality
from gateway.contract.ranges import RangeSet
from gateway.contract.rows import MAX_TIME_MS
from ingest import schema
from ingest.clock import HeadquartersClock
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
from tests.support.failing_front import FailingFront, Fault
from tests.support.influx2_front import Influx2Front

pytestmark = pytest.mark.slow

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def front(shared_influx: InfluxDB) -> Iterator[FailingFront]:
    with FailingFront(shared_influx.port) as failing:
        yield failing


@pytest.fixture
def sink(front: FailingFront, registry: Registry, bucket: str) -> Iterator[InfluxSink]:
    made = InfluxSink(writer_for(InfluxSettings(dialect="v1", url=front.url)), bucket, registry)
    yield made
    made.close()


def count(influx: InfluxDB, bucket: str, measurement: str = "environment") -> int:
    series = influx.query(bucket, f'SELECT count("{schema.SEQUENCE}") FROM "{measurement}"')
    return int(series[0]["values"][0][1]) if series else 0


def stored(influx: InfluxDB, bucket: str) -> list[int]:
    """The sequence numbers of all environment points, each as often as there is one."""
    always = "time >= '1970-01-01' AND time < '2262-01-01'"  # else later than now is left out
    series = influx.query(bucket, f'SELECT "{schema.SEQUENCE}" FROM "environment" WHERE {always}')
    return sorted(int(row[1]) for row in series[0]["values"])


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


def test_times_that_cannot_be_open_no_shards_and_their_message_is_kept_whole(
    sink: InfluxSink, shared_influx: InfluxDB, bucket: str
) -> None:
    good = [entry(n) for n in range(1, 4)]
    edges = [
        entry(4, time_ms=NOON_MS - 400 * DAY_MS),
        entry(5, time_ms=NOON_MS + DAY_MS),
        entry(6, time_ms=NOON_MS - 399 * DAY_MS, quality=TimeQuality.UNTRUSTED),
    ]
    at_boot = [entry(7, time_ms=5_000, quality=TimeQuality.UNTRUSTED)]
    beyond = [entry(8, time_ms=NOON_MS - 400 * DAY_MS - 1), entry(9, time_ms=NOON_MS + DAY_MS + 1)]
    spread = [entry(4000 + n, time_ms=MAX_TIME_MS - n * (MAX_TIME_MS - NOON_MS) // 4000) for n in range(3000)]
    mixed = message(good + edges + at_boot + beyond + spread, number=7)
    (letter,) = sink.write([mixed, message([entry(10)], number=8)])
    assert (letter.stage, letter.reason, letter.message_id) == ("influxdb", "implausible_time", 7)
    assert (letter.payload, letter.topic) == (mixed.payload, mixed.topic)
    assert "entries not written: 3003, of 1970-01-01 to 2248-09-26," in letter.detail
    assert stored(shared_influx, bucket) == [1, 2, 3, 4, 5, 6, 10]
    (shards,) = (s for s in shared_influx.query("", "SHOW SHARDS") if s["name"] == bucket)
    assert len(shards["values"]) <= 4
    again = message([entry(1), *at_boot], number=9, fresh=RangeSet([(1, 1)]))
    assert sink.write([again]) == []  # what is not fresh was told of when it was


def test_what_a_post_without_any_clock_sent_is_stored_when_it_came_with_bounds_that_reach_back(
    sink: InfluxSink, shared_influx: InfluxDB, bucket: str
) -> None:
    new_post = NOON_MS - 600 * DAY_MS  # "not before": all that it knew
    alert = entry(1, time_ms=new_post, quality=TimeQuality.UNTRUSTED, uncertainty_ms=MAX_TIME_MS)
    sure_of_itself = entry(2, time_ms=new_post, quality=TimeQuality.NTP, uncertainty_ms=MAX_TIME_MS)
    too_narrow = entry(3, time_ms=new_post, quality=TimeQuality.UNTRUSTED, uncertainty_ms=DAY_MS)
    sent = message([alert, sure_of_itself, too_narrow])
    for _ in range(2):  # written again, it is the same point
        (letter,) = sink.write([sent])
        assert (letter.reason, letter.detail.partition(",")[0]) == ("implausible_time", "entries not written: 2")
    assert stored(shared_influx, bucket) == [1]
    (series,) = shared_influx.query(bucket, f'SELECT "{schema.TIME_UNCERTAINTY}" FROM environment')
    ((time_ns, bound_s),) = series["values"]
    assert time_ns // 1_000_000 == sent.received_ms
    assert bound_s * 1000 >= sent.received_ms - new_post


def test_once_older_times_are_believed_a_letter_driven_again_stores_just_those(
    front: FailingFront, shared_influx: InfluxDB, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    def write_on(believe_days_back: int) -> list[str]:
        settings = InfluxSettings(dialect="v1", url=front.url)
        sink = InfluxSink(writer_for(settings), bucket, registry, believe_days_back=believe_days_back)
        reader = JournalReader(path, sink.name)
        reader.open()
        messages = reader.next()
        letters = sink.write(messages)
        reader.done(messages, letters)
        reader.close()
        sink.close()
        return [letter.reason for letter in letters]

    path = tmp_path / "journal.db"
    sent = message([entry(1), entry(2, time_ms=NOON_MS - 500 * DAY_MS), entry(3, time_ms=NOON_MS - 501 * DAY_MS)])
    with opened(path) as journal:
        journal.append([Arrival(sent.topic, sent.payload, sent.received_ms)])
        assert write_on(400) == ["implausible_time"]
        assert stored(shared_influx, bucket) == [1]
        assert redrive_letters(path, "implausible_time") == 1
        assert write_on(501) == []
    assert stored(shared_influx, bucket) == [1, 2, 3]


def test_what_came_while_headquarters_clock_was_wrong_is_judged_by_the_present(
    front: FailingFront, shared_influx: InfluxDB, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    now_ms = NOON_MS + 3650 * DAY_MS

    def write_all() -> list[str]:
        reader.open()
        messages = reader.next()
        letters = sink.write(messages)
        reader.done(messages, letters)
        reader.close()
        return [letter.reason for letter in letters]

    clock = HeadquartersClock(now_ms=lambda: now_ms, is_synchronised=lambda: False)
    sink = InfluxSink(writer_for(InfluxSettings(dialect="v1", url=front.url)), bucket, registry, clock=clock)
    path = tmp_path / "journal.db"
    reader = JournalReader(path, sink.name)
    first, second = (message([entry(1)]), message([entry(2), entry(3, time_ms=5_000, quality=TimeQuality.UNTRUSTED)]))
    with opened(path) as journal:
        journal.append([Arrival(first.topic, first.payload, now_ms)])  # ten years ahead
        assert write_all() == ["implausible_time"]
        journal.append([Arrival(second.topic, second.payload, now_ms)])
        now_ms = NOON_MS  # it is set right while a message waits
        assert write_all() == ["implausible_time"]
        assert stored(shared_influx, bucket) == [2]
        assert redrive_letters(path, "implausible_time") == 2
        assert write_all() == ["implausible_time"]  # of 1970, now as then
    assert stored(shared_influx, bucket) == [1, 2]
    sink.close()


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


def test_nothing_is_judged_while_headquarters_has_no_time(
    front: FailingFront, shared_influx: InfluxDB, bucket: str, registry: Registry
) -> None:
    now_ms = 86_400_000  # a battery is empty
    clock = HeadquartersClock(now_ms=lambda: now_ms, is_synchronised=lambda: False)
    sink = InfluxSink(writer_for(InfluxSettings(dialect="v1", url=front.url)), bucket, registry, clock=clock)
    with pytest.raises(RetryLater, match=r"says 1970-01-02 00:00 UTC, before Vigía exists.*timedatectl"):
        sink.write([message([entry(1)])])
    with pytest.raises(RetryLater):
        sink.write_tallies({("influxdb", "x"): 1}, 0)
    assert sum(front.seen.values()) == 0
    now_ms = NOON_MS
    assert sink.write([message([entry(1)])]) == []
    assert stored(shared_influx, bucket) == [1]
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
