"""The subscriber on a real broker, among posts that behave and posts that do not."""

from __future__ import annotations

import json
import random
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard

from deploy.parts.relay import Relay
from deploy.parts.servers import Mosquitto
from gateway.contract import topics
from gateway.contract.batches import encode_batch
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import decode_receipt
from gateway.contract.states import StationState, encode_state
from gateway.contract.topics import Lane
from ingest.subscriber import subscriber as module
from tests.ingest.journal.arrivals import STATION, arrival, headed, rows
from tests.ingest.messages import EPOCH, entry
from tests.ingest.subscriber.conftest import Running, StartSubscriber
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

UP = topics.up(STATION, Lane.READING)
RECEIPT = topics.receipt(STATION)
pytestmark = pytest.mark.slow


def payload(*sequences: int) -> bytes:
    return arrival(sequences).payload


def receipted(peer: MqttPeer) -> RangeSet:
    """All that receipts have named so far."""
    held = RangeSet()
    for receipt in peer.payloads(RECEIPT):
        held.update(decode_receipt(receipt).get(EPOCH, RangeSet()))
    return held


def letters(running: Running) -> Counter[str]:
    return Counter(str(reason) for (reason,) in rows(running.journal.path, "SELECT reason FROM dead_letter"))


def wait_received(running: Running, count: int) -> None:
    wait_until(
        f"{count} messages have come; {running.subscriber.counts}",
        lambda: running.subscriber.counts["received_messages"] >= count,
    )


# the usual


def test_what_comes_is_journaled_acknowledged_and_receipted(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        for number in range(1, 101):
            post.publish(UP, payload(number))
        wait_until("all is receipted", lambda: receipted(post) == RangeSet([(1, 100)]))
        post.publish(UP, payload(7))  # the receipt for it was lost, as far as the post knows
        wait_received(running, 101)
    assert running.accounts() == {
        "received_messages": 101,
        "journaled_messages": 100,
        "duplicate_messages": 1,
        "refused_messages": 0,
    }
    assert running.subscriber.last_received_ms.keys() == {STATION}


# hostile posts


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


def test_a_bomb_is_kept_packed(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    """The journal reads heads only; whether a body makes sense is the sinks' affair, and they refuse it by its size."""
    running = start(mosquitto.port)
    running.wait_connected()
    squeeze = zstandard.ZstdCompressor().compressobj(size=200 * 1024 * 1024)
    bomb = b"".join([squeeze.compress(bytes(1024 * 1024)) for _ in range(200)]) + squeeze.flush()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        head = bytearray(headed(RangeSet([(1, 3)]), body=bomb).payload)
        head[1] = 1
        post.publish(UP, bytes(head))
        wait_until("it is receipted", lambda: receipted(post) == RangeSet([(1, 3)]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 50 * 1024


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


def test_states_are_believed_only_on_their_own_topic(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    seen = running.subscriber.states
    up = StationState(STATION, "up", "1.0", 1_700_000_000_000)
    bad = [
        b"",
        b"\xff\xfe",
        b"[" * 900,
        b"{}",
        json.dumps({"station": STATION, "link": "sideways"}).encode(),
        encode_state(StationState("puesto-dos", "up")),
        bytes(200_000),
    ]
    with MqttPeer(mosquitto.port) as post:
        post.publish(topics.state(STATION), encode_state(up), retain=True)
        wait_until("it is known", lambda: seen.get(STATION) == up)
        for content in bad[1:]:
            post.publish(topics.state(STATION), content)
        post.publish("vigia/1/BOCA/state", encode_state(up))
        wait_until("they are counted", lambda: running.subscriber.state_discards.total() == len(bad))
        assert seen == {STATION: up}
        post.publish(topics.state(STATION), b"", retain=True)  # deleted by hand
        wait_until("it is not known any more", lambda: not seen)
    assert running.subscriber.state_discards == {
        "bad_state": 4,
        "station_mismatch": 1,
        "too_large": 1,
        "bad_station": 1,
    }
    assert not running.subscriber.discards
    assert running.accounts()["received_messages"] == 0


def test_what_is_retained_is_sent_at_subscribing_for_states_only(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    """Or a hostile post could have us take the same again at each connection."""
    up = StationState(STATION, "up", "1.0", 1_700_000_000_000)
    with MqttPeer(mosquitto.port) as post:
        post.publish(UP, payload(1), retain=True)
        post.publish(topics.state(STATION), encode_state(up), retain=True)
    with MqttPeer(mosquitto.port, UP) as other:
        wait_until("the broker does keep it", lambda: other.payloads(UP) == [payload(1)])
    running = start(mosquitto.port)
    # The broker sends what it retains subscription by subscription, and states are the later one.
    wait_until("the state has come", lambda: running.subscriber.states == {STATION: up})
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        post.publish(UP, payload(2))
        wait_until("what is new is receipted", lambda: receipted(post) == RangeSet([(2, 2)]))
    assert running.accounts()["received_messages"] == 1


def test_retain_and_another_qos_make_no_difference_to_what_is_new(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        post.publish(UP, payload(1), retain=True)
        post.publish(topics.up(STATION, Lane.ALERT), b"\xff", retain=True)
        post.publish(UP, payload(2), qos=0)
        post.publish(UP, payload(3), qos=2)
        wait_until("they are receipted", lambda: receipted(post) == RangeSet([(1, 3)]))
    assert running.accounts() == {
        "received_messages": 4,
        "journaled_messages": 3,
        "duplicate_messages": 0,
        "refused_messages": 1,
    }


# the disk is full


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


# the broker


@pytest.mark.expects_warnings
def test_started_before_the_broker_it_waits_for_it(tmp_path: Path, start: StartSubscriber) -> None:
    broker = Mosquitto(tmp_path / "mosquitto")
    running = start(broker.port)
    broker.start()
    running.wait_connected()
    with MqttPeer(broker.port, RECEIPT) as post:
        post.publish(UP, payload(1))
        wait_until("it is receipted", lambda: receipted(post) == RangeSet([(1, 1)]))
    broker.stop()


@pytest.mark.expects_warnings
def test_a_broker_that_goes_and_comes_back_without_its_memory_is_subscribed_again(
    mosquitto: Mosquitto, start: StartSubscriber, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    for number in (1, 2):
        mosquitto.kill()
        wait_until("it knows", lambda: not running.subscriber.connected)
        mosquitto.forget()
        mosquitto.start()
        running.wait_connected()
        with MqttPeer(mosquitto.port, RECEIPT) as post:
            post.publish(UP, payload(number))
            wait_until("it is receipted", lambda number=number: number in receipted(post))  # type: ignore[misc]  # bound now
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2  # once for each time it went
    assert all("not subscribed at the broker 127.0.0.1:" in words for words in said)


@pytest.mark.expects_warnings
def test_what_the_broker_kept_while_we_were_away_comes_first(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    running.stop()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        post.publish(UP, payload(1))
        running = start(mosquitto.port)
        wait_until("it is receipted", lambda: receipted(post) == RangeSet([(1, 1)]))


@pytest.mark.expects_warnings
def test_a_link_that_breaks_between_message_and_acknowledgement_loses_nothing(
    mosquitto: Mosquitto, start: StartSubscriber
) -> None:
    relay = Relay(mosquitto.port)
    relay.start()
    running = start(relay.port)
    running.wait_connected()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        for number in range(1, 201):
            post.publish(UP, payload(number))
            if number in (50, 120):
                relay.cut()
            if number in (60, 130):
                relay.mend()
        wait_until("all is receipted", lambda: receipted(post) == RangeSet([(1, 200)]))
    assert running.accounts()["journaled_messages"] == 200
    relay.stop()


@pytest.mark.expects_warnings
def test_a_refused_subscription_is_said_in_words(
    tmp_path: Path, start: StartSubscriber, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("this Mosquitto has no dynamic security plugin, the one that asks at subscribing")
    rules = tmp_path / "rules.json"
    allowed = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    nobody: dict[str, object] = {"groupname": "nobody", "roles": []}
    rules.write_text(
        json.dumps(
            {"defaultACLAccess": allowed, "groups": [nobody], "anonymousGroup": "nobody", "clients": [], "roles": []}
        )
    )
    extra = f"plugin {plugin}\nplugin_opt_config_file {rules}\n"
    broker = Mosquitto(tmp_path / "mosquitto", extra=extra)
    broker.start()
    running = start(broker.port)
    wait_until("it is said", lambda: "our subscription is refused" in caplog.text)
    assert "look at the broker's ACL" in caplog.text
    assert not running.subscriber.connected
    running.stop()
    broker.stop()


@pytest.mark.expects_warnings
def test_a_second_process_of_the_same_name_is_named_as_the_cause(
    mosquitto: Mosquitto, start: StartSubscriber, caplog: pytest.LogCaptureFixture
) -> None:
    start(mosquitto.port).wait_connected()
    start(mosquitto.port, journal="other.db").wait_connected()
    wait_until("it is said", lambda: "has another process client_id 'ingest'?" in caplog.text)


@pytest.mark.expects_warnings
def test_a_broker_that_never_answers_is_given_up(
    start: StartSubscriber, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_WITHIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        running = start(silent.getsockname()[1])
        wait_until("it is said", lambda: "does not answer" in caplog.text)
        assert not running.subscriber.connected
        running.stop()


@pytest.mark.expects_warnings
def test_a_certificate_that_is_not_there_is_named(
    mosquitto: Mosquitto, start: StartSubscriber, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    start(mosquitto.port, tls=True, ca_file=tmp_path / "ca.crt")
    wait_until("it is said", lambda: str(tmp_path / "ca.crt") in caplog.text)


# across a restart


def test_what_is_known_of_a_post_survives_a_restart(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    up = StationState(STATION, "up", "1.0", 1_700_000_000_000)
    running = start(mosquitto.port)
    running.wait_connected()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        post.publish(topics.state(STATION), encode_state(up), retain=True)
        post.publish(UP, payload(1))
        wait_until("it is receipted", lambda: receipted(post) == RangeSet([(1, 1)]))
    before = running.subscriber.last_received_ms
    running.stop()
    again = start(mosquitto.port).subscriber
    wait_until("the link is known", lambda: again.states == {STATION: up})
    assert again.last_received_ms == before
