"""Which times the sink believes, where it puts what has none, and that it waits while headquarters has none itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.parts.servers import InfluxDB
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
from ingest.registry import Registry
from ingest.sink import InfluxSink
from tests.ingest.journal.arrivals import opened
from tests.ingest.messages import NOON_MS, entry, message
from tests.ingest.points import stored
from tests.support.failing_front import FailingFront

pytestmark = pytest.mark.slow

DAY_MS = 24 * 3600 * 1000


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
