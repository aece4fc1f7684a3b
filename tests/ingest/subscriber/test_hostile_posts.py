"""Posts that do not behave: what they send is set aside with the reason, and the others go on."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from deploy.parts.servers import Mosquitto
from gateway.contract.batches import encode_batch
from gateway.contract.ranges import RangeSet
from tests.ingest.journal.arrivals import STATION, headed
from tests.ingest.messages import EPOCH, entry
from tests.ingest.subscriber.conftest import StartSubscriber
from tests.ingest.subscriber.posts import RECEIPT, UP, letters, payload, receipted, wait_received
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def hostile_payloads(chance: random.Random) -> Iterator[bytes]:
    """What a bad line, a broken gateway or somebody who means it may publish."""
    good = encode_batch(STATION, EPOCH, [entry(number) for number in range(1, 300)])
    yield b""
    for _ in range(60):
        yield chance.randbytes(chance.randint(1, 400))
    for _ in range(30):
        yield good[: chance.randint(1, 15)]
    yield good + bytes(256 * 1024)  # just beyond what a message may be
    yield headed(RangeSet([(1, 5000)])).payload  # more entries than a message may hold
    yield headed(RangeSet([(1, 1)])).payload[:14] + b"\xff" * 20  # a count without end
    yield encode_batch("puesto-dos", EPOCH, [entry(1)])  # in another's name


def test_garbage_is_set_aside_with_the_reason_and_ingest_goes_on(
    mosquitto: Mosquitto, start: StartSubscriber, seed: int
) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    hostile = list(hostile_payloads(random.Random(seed)))
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        for number, bad in enumerate(hostile, start=1):
            post.publish(UP, bad)
            if number % 10 == 0:
                post.publish(UP, payload(1000 + number))
        good = len(hostile) // 10
        wait_until("every good one is receipted", lambda: len(receipted(post)) == good)
        wait_received(running, len(hostile) + good)
    kept = letters(running)
    assert running.accounts()["refused_messages"] == kept.total() == running.subscriber.discards.total() == len(hostile)
    assert kept == running.subscriber.discards
    assert kept["station_mismatch"] >= 1
    assert kept["too_large"] == 1
    assert kept["bad_count"] >= 1
    assert kept["truncated"] > 30


def peak_kib(*, anew: bool = False) -> int:
    """The most memory that this process has held; anew: since now, for earlier tests may have held more (proc(5))."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0])


def test_a_bomb_is_kept_packed(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    """The journal reads heads only; whether a body makes sense is the sinks' affair, and they refuse it by its size."""
    running = start(mosquitto.port)
    running.wait_connected()
    squeeze = zstandard.ZstdCompressor().compressobj(size=200 * 1024 * 1024)
    bomb = b"".join([squeeze.compress(bytes(1024 * 1024)) for _ in range(200)]) + squeeze.flush()
    before_kib = peak_kib(anew=True)
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        head = bytearray(headed(RangeSet([(1, 3)]), body=bomb).payload)
        head[1] = 1
        post.publish(UP, bytes(head))
        wait_until("it is receipted", lambda: receipted(post) == RangeSet([(1, 3)]))
    assert peak_kib() - before_kib < 50 * 1024


def test_what_is_larger_than_we_take_never_comes_and_what_follows_does(
    mosquitto: Mosquitto, start: StartSubscriber
) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        post.publish(UP, bytes(20 * 1024 * 1024))
        post.publish(UP, payload(1))
        wait_until("the good one is receipted", lambda: receipted(post) == RangeSet([(1, 1)]))
    assert running.accounts()["received_messages"] == 1


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        (f"vigia/1/{STATION}/up/gossip", "bad_topic"),
        (f"vigia/1/{STATION}/up/state", "bad_topic"),
        (f"vigia/1/{STATION}/up/", "bad_topic"),
        ("vigia/1//up/reading", "bad_station"),
        ("vigia/1/BOCA/up/reading", "bad_station"),
        ("vigia/1/puesto-dos/up/reading", "station_mismatch"),
        ("vigia/1/" + "x" * 500 + "/up/reading", "bad_station"),
    ],
)
def test_foreign_topics_that_match_the_filter_are_dead_letters(
    mosquitto: Mosquitto, start: StartSubscriber, topic: str, reason: str
) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    with MqttPeer(mosquitto.port, "vigia/1/+/receipt") as post:
        post.publish(topic, payload(1))
        wait_received(running, 1)
        post.publish(UP, payload(2))
        wait_until("the good one is receipted", lambda: receipted(post) == RangeSet([(2, 2)]))
        assert len(post.heard) == 1  # and nothing for the other
    assert letters(running) == {reason: 1}
