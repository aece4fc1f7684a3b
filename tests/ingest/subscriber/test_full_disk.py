"""While the disk takes nothing, nothing is acknowledged, nothing is lost, and no memory fills."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.parts.servers import Mosquitto
from gateway.contract import topics
from gateway.contract.ranges import RangeSet
from gateway.contract.states import StationState, encode_state
from tests.ingest.journal.arrivals import STATION
from tests.ingest.subscriber.conftest import StartSubscriber
from tests.ingest.subscriber.posts import RECEIPT, UP, payload, receipted
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@contextmanager
def no_file_may_grow_beyond(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def wordy_mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that logs every packet: what a client really got and really acknowledged."""
    broker = Mosquitto(tmp_path / "mosquitto", extra="log_type all\n")
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.expects_warnings
def test_while_the_disk_takes_nothing_the_broker_keeps_the_rest(
    wordy_mosquitto: Mosquitto, start: StartSubscriber, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(wordy_mosquitto.port, receive_maximum=10)
    running.wait_connected()

    def packets(words: str) -> int:
        return wordy_mosquitto.log.read_text(errors="replace").count(words)

    with MqttPeer(wordy_mosquitto.port, RECEIPT) as post:
        post.publish(UP, payload(1))
        wait_until("the first is receipted", lambda: receipted(post) == RangeSet([(1, 1)]))
        wait_until("and acknowledged", lambda: packets("Received PUBACK from ingest") == 1)
        with no_file_may_grow_beyond(running.journal.path.with_name("journal.db-wal").stat().st_size):
            for number in range(2, 102):
                post.publish(UP, payload(number) + bytes(10_000))
            wait_until("it is in trouble", lambda: running.subscriber.journal_fault is not None)
            wait_until("the window is full", lambda: packets("Sending PUBLISH to ingest") >= 11)
            assert packets("Sending PUBLISH to ingest") == 11  # 1 and the window of 10; the broker has the other 90
            assert packets("Received PUBACK from ingest") == 1
            assert receipted(post) == RangeSet([(1, 1)])
        wait_until("all of it goes on", lambda: receipted(post) == RangeSet([(1, 101)]))
    assert running.subscriber.journal_fault is None
    assert "nothing is acknowledged until it does" in caplog.text
    assert running.accounts()["journaled_messages"] == 101


@pytest.mark.expects_warnings
def test_a_flood_that_nobody_keeps_back_fills_no_memory(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    """QoS 0 knows no receive maximum: while the disk takes nothing, it is dropped beyond a window, and counted."""
    running = start(mosquitto.port, receive_maximum=20)
    running.wait_connected()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        with no_file_may_grow_beyond(64 * 1024):
            for number in range(1, 301):
                post.publish(UP, payload(number) + bytes(20_000), qos=0)
            wait_until("it is in trouble", lambda: running.subscriber.journal_fault is not None)
            post.publish(topics.state(STATION), encode_state(StationState(STATION, "up")))
            wait_until("it still listens", lambda: STATION in running.subscriber.states)
        wait_until("it goes on", lambda: running.subscriber.journal_fault is None)
        post.publish(UP, payload(1000))
        wait_until("a good one is receipted", lambda: 1000 in receipted(post))
    received = running.accounts()["received_messages"]
    assert received <= 1 + 2 * 20
    assert received + running.subscriber.discards["qos_0_overflow"] == 301
