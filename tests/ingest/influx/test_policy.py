"""Everything that can be stored is stored; every line that cannot is named; the work is bounded."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator

import pytest

from deploy.parts.servers import InfluxDB
from ingest.errors import RetryLater
from ingest.influx.policy import BATCH_LINES, MOST_REQUESTS, TOO_MANY, write_all
from ingest.influx.settings import InfluxSettings
from ingest.influx.writer_v1 import WriterV1
from tests.support.failing_front import FailingFront, Fault

pytestmark = pytest.mark.slow


@pytest.fixture
def writer(front: FailingFront) -> Iterator[WriterV1]:
    made = WriterV1(InfluxSettings(dialect="v1", url=front.url, timeout_s=60))
    yield made
    made.close()


def good(number: int) -> str:
    return f"m,t=a f={number} {number}"


def stored(influx: InfluxDB, bucket: str) -> set[int]:
    series = influx.query(bucket, "SELECT f FROM m")
    return {row[0] for row in series[0]["values"]} if series else set()


class Refusals(dict[str, str]):
    def __call__(self, line: str, reason: str, detail: str) -> None:
        assert line not in self, "refused twice"
        assert detail
        self[line] = reason


def test_many_lines_go_in_few_requests(
    writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    refused = Refusals()
    write_all(writer, bucket, [good(n) for n in range(2 * BATCH_LINES + 1)], refused)
    assert len(stored(shared_influx, bucket)) == 2 * BATCH_LINES + 1
    assert front.seen == {None: 3}
    assert not refused


def test_nothing_is_no_request(writer: WriterV1, front: FailingFront, bucket: str) -> None:
    write_all(writer, bucket, [], Refusals())
    assert not front.seen


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_only_the_lines_that_the_database_refuses_are_refused(
    count: int, writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str, seed: int
) -> None:
    shared_influx.write(bucket, "m,t=a f=1 999999")
    lines = [good(n) for n in range(1000)]
    bad = {lines[n]: n for n in random.Random(seed).sample(range(1000), count)}
    wrong = {line: f"m,t=a f=1i {n}" if n % 2 else f"m,t=a {n}" for line, n in bad.items()}
    refused = Refusals()
    write_all(writer, bucket, [wrong.get(line, line) for line in lines], refused)
    assert refused.keys() == set(wrong.values())
    assert set(refused.values()) <= {"field_type_conflict", "parse_error"}
    assert stored(shared_influx, bucket) == set(range(1000)) - set(bad.values()) | {999999}
    assert front.seen[None] <= 2 + 2 * count * (1 + math.log2(1000 / count))


def test_refused_lines_without_number_cost_bounded_work_and_no_other_post_a_line(
    writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    """Every other line of a post is bad; those of forty others, that lie among them, are not: all of these are stored,
    and none is called refused."""
    shared_influx.write(bucket, "m,station=h f=1 999999")
    others = {n: f"m,station=p{n % 40} f={n} {n}" for n in range(0, BATCH_LINES, 2)}
    bad = {n: f"m,station=h f={n}i {n}" for n in range(1, BATCH_LINES, 4)}
    good_ones = {n: f"m,station=h f={n} {n}" for n in range(3, BATCH_LINES, 4)}
    refused = Refusals()
    write_all(writer, bucket, [line for _, line in sorted((others | bad | good_ones).items())], refused)
    assert refused.keys() >= set(bad.values()), "not stored, and named"
    assert stored(shared_influx, bucket) >= others.keys()
    assert not set(others.values()) & refused.keys()
    assert stored(shared_influx, bucket) | {n for n, line in good_ones.items() if line in refused} >= good_ones.keys()
    assert TOO_MANY in refused.values()
    assert front.seen[None] <= 2 + MOST_REQUESTS + 1


def test_of_lines_on_both_sides_of_the_retention_only_those_beyond_it_are_refused(
    writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    shared_influx.query("", f'CREATE RETENTION POLICY "short" ON "{bucket}" DURATION 1h REPLICATION 1 DEFAULT')
    now = time.time_ns()
    lines = [f"m,station=p{n % 7} f={n} {n if n % 2 else now + n}" for n in range(BATCH_LINES)]
    refused = Refusals()
    write_all(writer, bucket, lines, refused)
    assert refused == dict.fromkeys(lines[1::2], "beyond_retention")
    assert len(stored(shared_influx, bucket)) == BATCH_LINES // 2
    assert front.seen[None] <= 2 + 2 * math.ceil(math.log2(BATCH_LINES))


def test_what_is_beyond_the_retention_among_fields_of_another_type_costs_no_true_line(
    writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    shared_influx.query("", f'CREATE RETENTION POLICY "short" ON "{bucket}" DURATION 1h REPLICATION 1 DEFAULT')
    now = time.time_ns()
    shared_influx.write(bucket, f"m,station=p1 f=1 {now - 1}")
    kinds = (("{}", now), ("{}", 0), ('"{}"', now))
    lines = [f"m,station=p{n % 2} f={kinds[n % 3][0].format(n)} {kinds[n % 3][1] + n}" for n in range(1200)]
    refused = Refusals()
    write_all(writer, bucket, lines, refused)
    assert refused == dict.fromkeys(lines[1::3], "beyond_retention") | dict.fromkeys(lines[2::3], "field_type_conflict")
    assert front.seen[None] <= 200


def test_a_stretch_beyond_the_retention_costs_few_requests(
    writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    shared_influx.query("", f'CREATE RETENTION POLICY "short" ON "{bucket}" DURATION 1h REPLICATION 1 DEFAULT')
    refused = Refusals()
    write_all(writer, bucket, [good(n) for n in range(BATCH_LINES)], refused)
    assert len(refused) == BATCH_LINES
    assert set(refused.values()) == {"beyond_retention"}
    assert front.seen == {None: 2}


@pytest.mark.parametrize("fault", [Fault.PARTIAL, Fault.TYPE_CONFLICT, Fault.TOO_LARGE])
def test_a_refusal_that_passes_refuses_nothing(
    fault: Fault, writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    front.fail(fault)
    refused = Refusals()
    write_all(writer, bucket, [good(n) for n in range(100)], refused)
    assert stored(shared_influx, bucket) == set(range(100))
    assert not refused


def test_too_large_a_batch_is_halved(shared_influx: InfluxDB, bucket: str, writer: WriterV1) -> None:
    lines = [f'm,t=a f={n},pad="{"x" * 60_000}" {n}' for n in range(500)]  # 30 MB; 25 is the most
    refused = Refusals()
    write_all(writer, bucket, lines, refused)
    assert stored(shared_influx, bucket) == set(range(500))
    assert not refused


def test_a_single_line_that_is_too_large_is_refused(writer: WriterV1, front: FailingFront, bucket: str) -> None:
    front.always(Fault.TOO_LARGE)
    refused = Refusals()
    write_all(writer, bucket, [good(1)], refused)
    assert refused == {good(1): "too_large"}


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.RESET_AFTER])
def test_an_outage_on_the_way_loses_nothing(
    fault: Fault, writer: WriterV1, front: FailingFront, shared_influx: InfluxDB, bucket: str
) -> None:
    lines = [good(n) for n in range(100)] + ["m,t=a"]
    front.fail(Fault.TYPE_CONFLICT, Fault.TYPE_CONFLICT, fault)
    with pytest.raises(RetryLater):
        write_all(writer, bucket, lines, Refusals())
    refused = Refusals()
    write_all(writer, bucket, lines, refused)
    assert stored(shared_influx, bucket) == set(range(100))
    assert list(refused) == ["m,t=a"]
