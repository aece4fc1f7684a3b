"""Lane media at a real broker: it comes to the one process that takes pictures, and is acknowledged when it is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.parts.servers import Mosquitto
from gateway.contract import topics
from gateway.contract.batches import encode_batch
from gateway.contract.topics import Lane
from ingest.journal.journal import Journal
from ingest.settings import BrokerSettings
from ingest.subscriber.subscriber import Subscriber
from tests.ingest.messages import EPOCH, entry
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

STATION = "boca-yaguas"
MEDIA = topics.up(STATION, Lane.MEDIA)
pytestmark = pytest.mark.slow


@contextmanager
def subscribed(path: Path, port: int, media: Any, **settings: object) -> Any:
    journal = Journal(path)
    journal.open()
    broker = BrokerSettings.model_validate({"host": "127.0.0.1", "port": port, "tls": False, **settings})
    subscriber = Subscriber(broker, journal, keep_days=30, news=lambda: None, media=media, seed=1)
    stop = threading.Event()
    thread = threading.Thread(target=subscriber.run, args=(stop,))
    thread.start()
    try:
        wait_until("it is subscribed", lambda: subscriber.connected)
        yield subscriber
    finally:
        stop.set()
        thread.join()
        journal.close()


class Taken:
    """Takes pictures; acknowledges when told to."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, topic: str, payload: bytes, acknowledge: Callable[[], None]) -> None:
        assert topic == MEDIA
        self.payloads.append(payload)
        self.waiting.append(acknowledge)


def test_of_several_processes_one_gets_every_picture_and_all_share_the_rest(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    taken = Taken()
    with ExitStack() as running:
        group = {"group": "a-name-that-no-post-knows"}
        one, two = (
            running.enter_context(subscribed(tmp_path / f"{name}.db", mosquitto.port, media, client_id=name, **group))
            for name, media in (("ingest-1", taken), ("ingest-2", None))
        )
        post = running.enter_context(MqttPeer(mosquitto.port))
        sent = [f"{number}".encode() for number in range(30)]
        for number, payload in enumerate(sent, start=1):
            post.publish(MEDIA, payload)
            post.publish(topics.up(STATION, Lane.READING), encode_batch(STATION, EPOCH, [entry(number)]))
        wait_until("all has come", lambda: len(taken.payloads) == 30)
        wait_until(
            "the rest is shared",
            lambda: one.counts["journaled_entries"] + two.counts["journaled_entries"] == 30,
        )
        assert taken.payloads == sent
        assert min(one.counts["journaled_entries"], two.counts["journaled_entries"]) > 5
        assert (one.counts["received_media"], two.counts["received_media"]) == (30, 0)
        assert not +one.discards
        for acknowledge in taken.waiting:
            acknowledge()


def test_what_was_not_acknowledged_comes_again_after_a_restart(mosquitto: Mosquitto, tmp_path: Path) -> None:
    first, again = Taken(), Taken()
    with MqttPeer(mosquitto.port) as post:
        with subscribed(tmp_path / "j.db", mosquitto.port, first):
            for payload in (b"kept", b"not kept"):
                post.publish(MEDIA, payload)
            wait_until("both have come", lambda: len(first.payloads) == 2)
            first.waiting[0]()
            # Something after it, to know that the acknowledgement has left.
            post.publish(topics.up(STATION, Lane.READING), encode_batch(STATION, EPOCH, [entry(1)]))
            wait_until("it is through", lambda: len(first.payloads) == 2)
        first.waiting[1]()  # too late, of a connection that is gone: it does no harm
        with subscribed(tmp_path / "j.db", mosquitto.port, again):
            wait_until("it comes again", lambda: b"not kept" in again.payloads)


def test_a_process_that_takes_no_pictures_lets_them_go(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with subscribed(tmp_path / "j.db", mosquitto.port, None) as subscriber, MqttPeer(mosquitto.port) as post:
        post.publish(MEDIA, b"picture")
        wait_until("it is counted", lambda: subscriber.discards == {"media_not_taken": 1})


def test_who_takes_pictures_no_more_is_not_sent_them_either(mosquitto: Mosquitto, tmp_path: Path) -> None:
    group = {"group": "a-name-that-no-post-knows"}
    with subscribed(tmp_path / "j.db", mosquitto.port, Taken(), **group):
        pass
    with subscribed(tmp_path / "j.db", mosquitto.port, None, **group) as subscriber, MqttPeer(mosquitto.port) as post:
        wait_until("the broker has taken it away", lambda: _reaches_nobody(post), every_s=0.1)
        assert subscriber.connected


def _reaches_nobody(post: MqttPeer) -> bool:
    """MQTT 5: the broker says whether anybody listens (reason 16)."""
    told: list[int] = []
    post._client.on_publish = lambda _client, _data, _mid, reason, _properties: told.append(reason.value)
    post.publish(MEDIA, b"picture")
    wait_until("it is acknowledged", lambda: bool(told))
    return told == [16]
