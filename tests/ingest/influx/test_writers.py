"""Both writers against the real engine: what they send, and what each trouble becomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from deploy.parts.processes import free_port
from deploy.parts.servers import InfluxDB
from ingest.errors import PartialWrite, Refused, RetryLater
from ingest.influx.dialects import writer_for
from ingest.influx.settings import InfluxSettings
from ingest.influx.writer import PointWriter
from tests.support.failing_front import FailingFront, Fault
from tests.support.influx2_front import Influx2Front

pytestmark = pytest.mark.slow

LINE = b"environment,station=a temperature_celsius=1.5 1748779200000000001"
Make = Callable[..., PointWriter]


@pytest.fixture
def front(shared_influx: InfluxDB, request: pytest.FixtureRequest) -> Iterator[FailingFront]:
    """A front that fails on demand, before the database or before its 2.x front."""
    with Influx2Front(shared_influx.port) as second, FailingFront(shared_influx.port) as failing:
        if request.node.callspec.params["dialect"] != "v1":
            failing.target_port = second.port
        yield failing


@pytest.fixture
def make(front: FailingFront, request: pytest.FixtureRequest) -> Iterator[Make]:
    """A writer of the test's dialect through the failing front."""
    dialect = request.node.callspec.params["dialect"]
    made: list[PointWriter] = []

    def make(**changes: object) -> PointWriter:
        credentials = {} if dialect == "v1" else {"token": "a-token-for-tests"}
        settings = InfluxSettings.model_validate({"dialect": dialect, "url": front.url, **credentials, **changes})
        made.append(writer_for(settings))
        return made[-1]

    yield make
    for writer in made:
        writer.close()


DIALECTS = pytest.mark.parametrize("dialect", ["v1", "v2", "v3"])


@DIALECTS
@pytest.mark.parametrize("gzip", [False, True])
def test_lines_are_stored_to_the_nanosecond(
    dialect: str, gzip: bool, make: Make, shared_influx: InfluxDB, bucket: str
) -> None:
    make(gzip=gzip).write(
        bucket, LINE + "\nenvironment,station=ñ\\ 2 temperature_celsius=2 1748779200000000002".encode()
    )
    (series,) = shared_influx.query(bucket, "SELECT * FROM environment")
    assert series["columns"] == ["time", "station", "temperature_celsius"]
    assert series["values"] == [[1748779200000000001, "a", 1.5], [1748779200000000002, "ñ 2", 2]]


@DIALECTS
@pytest.mark.parametrize(
    ("fault", "said", "wait"),
    [
        (Fault.UNAVAILABLE, "503", 1),
        (Fault.OVERLOADED, "429", 1),
        (Fault.BROKEN, "500", None),
        (Fault.UNAUTHORIZED, "credentials", None),
        (Fault.RESET, "broke", None),
        (Fault.RESET_AFTER, "broke", None),
        (Fault.GARBAGE, "broke", None),
    ],
)
def test_an_outage_means_later_and_then_all_is_well(
    dialect: str, fault: Fault, said: str, wait: float | None, make: Make, front: FailingFront, bucket: str
) -> None:
    writer = make()
    front.fail(fault)
    with pytest.raises(RetryLater, match=said) as caught:
        writer.write(bucket, LINE)
    assert caught.value.retry_after_s == wait
    writer.write(bucket, LINE)
    assert front.seen == {fault: 1, None: 1}  # one request a call: no retries of its own


@DIALECTS
def test_a_database_that_does_not_answer_is_left_in_time(
    dialect: str, make: Make, front: FailingFront, bucket: str
) -> None:
    writer = make(timeout_s=0.2)
    front.always(Fault.TIMEOUT)
    began = time.monotonic()
    with pytest.raises(RetryLater, match="in time"):
        writer.write(bucket, LINE)
    assert time.monotonic() - began < 5
    front.heal()
    writer.write(bucket, LINE)


@DIALECTS
def test_no_database_at_all(dialect: str, make: Make, front: FailingFront, bucket: str) -> None:
    writer = make()
    writer.write(bucket, LINE)
    front.stop()
    with pytest.raises(RetryLater):  # the connection it had is dead
        writer.write(bucket, LINE)
    with pytest.raises(RetryLater, match="is it running"):
        writer.write(bucket, LINE)
    front.start()
    writer.write(bucket, LINE)


@DIALECTS
def test_an_unknown_database_waits_for_a_person(dialect: str, make: Make) -> None:
    with pytest.raises(RetryLater, match="create it"):
        make().write("nowhere", LINE)


@pytest.mark.parametrize("dialect", ["v1"])
def test_the_database_is_made_where_that_is_wanted(dialect: str, make: Make, shared_influx: InfluxDB) -> None:
    writer = make(create_database=True)
    writer.write("made-by-writer", LINE)
    writer.write("made-by-writer", LINE)
    assert len(shared_influx.query("made-by-writer", "SELECT * FROM environment")[0]["values"]) == 1


@pytest.mark.parametrize("dialect", ["v2", "v3"])
def test_a_wrong_token_or_organisation_waits_for_a_person(dialect: str, make: Make, bucket: str) -> None:
    with pytest.raises(RetryLater, match="credentials"):
        make(token="wrong").write(bucket, LINE)
    with pytest.raises(RetryLater, match="organization"):
        make(org="others").write(bucket, LINE)


@DIALECTS
def test_a_type_conflict_is_refused(dialect: str, make: Make, shared_influx: InfluxDB, bucket: str) -> None:
    shared_influx.write(bucket, "environment,station=a temperature_celsius=1i 1748779200000000000")
    with pytest.raises(Refused) as caught:
        make().write(bucket, LINE)
    assert caught.value.reason == "field_type_conflict"


@DIALECTS
def test_beyond_the_retention_is_refused_in_part(
    dialect: str, make: Make, shared_influx: InfluxDB, bucket: str
) -> None:
    shared_influx.query("", f'CREATE RETENTION POLICY "short" ON "{bucket}" DURATION 1h REPLICATION 1 DEFAULT')
    now = time.time_ns()
    with pytest.raises(PartialWrite) as caught:
        make().write(bucket, LINE + f"\nenvironment,station=a temperature_celsius=1.5 {now}".encode())
    assert (caught.value.reason, caught.value.dropped) == ("beyond_retention", 1)
    assert shared_influx.query(bucket, "SELECT * FROM environment")[0]["values"] == [[now, "a", 1.5]]


@DIALECTS
def test_what_is_not_line_protocol_is_refused(dialect: str, make: Make, bucket: str) -> None:
    with pytest.raises(Refused, match="unable to parse") as caught:
        make().write(bucket, b"environment")
    assert caught.value.reason == "parse_error"


@DIALECTS
def test_too_much_at_once_is_said(dialect: str, make: Make, bucket: str) -> None:
    """InfluxDB 1.x takes 25 MB a request (max-body-size)."""
    with pytest.raises(Refused) as caught:
        make().write(bucket, (LINE + b"\n") * (26_000_000 // len(LINE)))
    assert caught.value.reason == "too_large"


def test_too_much_at_once_is_said_by_the_database_itself(shared_influx: InfluxDB, bucket: str) -> None:
    writer = writer_for(InfluxSettings(dialect="v1", url=shared_influx.url))
    with pytest.raises(Refused, match="too_large"):
        writer.write(bucket, (LINE + b"\n") * (26_000_000 // len(LINE)))
    writer.close()


def test_an_address_where_nobody_listens() -> None:
    writer = writer_for(InfluxSettings(dialect="v1", url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(RetryLater, match="is it running"):
        writer.write("vigia", LINE)
    writer.close()
