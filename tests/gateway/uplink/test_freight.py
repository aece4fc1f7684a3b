"""What travels beside the batches: last in line, all of it, and what comes down for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deploy.parts.relay import Relay
from deploy.parts.servers import Mosquitto
from gateway.contract import topics
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox
from gateway.uplink.freight import Freight, FreightMessage
from gateway.uplink.uplink import LinkState
from tests.gateway.uplink.post_on_a_line import STATION, Headquarters, accept, environment, outbox_in, running
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
DOWN = f"{topics.ROOT}/{STATION}/command"
CHUNK = 4000


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path / "outbox") as made:
        yield made


class Pictures:
    """A freight with so many chunks, each given out until the broker has it."""

    def __init__(self, chunks: int, down_topics: Sequence[str] = (DOWN,)) -> None:
        self.waiting = list(range(chunks))
        self.under_way: set[int] = set()
        self.arrived: list[int] = []
        self.heard: list[bytes] = []
        self.links: list[bool] = []
        self.down_topics = down_topics

    def next_message(self, budget_bytes: int) -> FreightMessage | None:
        if not self.waiting or budget_bytes < CHUNK:
            return None
        chunk = self.waiting.pop(0)
        self.under_way.add(chunk)
        head = b"freight %d " % chunk
        return FreightMessage(topics.up(STATION, Lane.MEDIA), head + bytes(CHUNK - len(head)), chunk)

    def acknowledged(self, cookie: int) -> None:
        self.under_way.remove(cookie)
        self.arrived.append(cookie)

    def returned(self, cookie: int) -> None:
        self.under_way.remove(cookie)
        self.waiting.append(cookie)

    def received(self, topic: str, payload: bytes) -> bool:
        if topic not in self.down_topics:
            return False
        self.heard.append(payload)
        return True

    def link_is(self, up: bool) -> None:
        self.links.append(up)


def test_it_comes_after_all_lanes_and_hears_its_topics(mosquitto: Mosquitto, outbox: Outbox) -> None:
    pictures, deaf = Pictures(100), Pictures(0, ())
    freights: list[Freight] = [pictures, deaf]
    accept(outbox, Lane.READING, *(environment(n * 37) for n in range(20_000)))
    with (
        Headquarters(mosquitto.port) as peer,
        running(outbox, mosquitto.port, freights=freights) as uplink,
    ):
        wait_until("every chunk is there", lambda: len(pictures.arrived) == 100)
        heard = [topic for topic, _, _ in peer.heard if "/up/" in topic]
        assert heard.index(topics.up(STATION, Lane.MEDIA)) >= 20_000 // 500 - 1
        with MqttPeer(mosquitto.port) as commander:
            commander.publish(DOWN, b"a picture, please")
        wait_until("the command is heard", lambda: pictures.heard == [b"a picture, please"])
        wait_until("it is reckoned", lambda: uplink.state().sent_today.get("media", 0) > 100 * CHUNK)
        wait_until("so is the command", lambda: uplink.state().received_today.get("freight", 0) > 20)
    assert pictures.links == [True, False]
    assert deaf.heard == []
    assert sorted(pictures.arrived) == list(range(100))


def test_it_is_asked_again_when_it_says_that_there_is_more(mosquitto: Mosquitto, outbox: Outbox) -> None:
    pictures = Pictures(0)
    with Headquarters(mosquitto.port), running(outbox, mosquitto.port, freights=[pictures]) as uplink:
        wait_until("the link is up", lambda: uplink.state().link is LinkState.UP)
        for number in range(3):
            pictures.waiting.append(number)
            uplink.wake({})
            wait_until("it goes", lambda: len(pictures.arrived) == number + 1)  # noqa: B023  waited for at once


def test_its_lanes_budget_holds(mosquitto: Mosquitto, outbox: Outbox) -> None:
    pictures = Pictures(20)
    budget = {"media": 5 * CHUNK}
    with (
        Headquarters(mosquitto.port) as peer,
        running(outbox, mosquitto.port, freights=[pictures], budget_bytes=budget) as uplink,
    ):
        wait_until("four are there", lambda: len(pictures.arrived) == 4)
        accept(outbox, Lane.READING, environment(1))
        wait_until("readings go all the same", lambda: bool(peer.of(Lane.READING)))
        assert len(pictures.arrived) == 4
        wait_until("it is reckoned", lambda: uplink.state().left_today["media"] < CHUNK)


@pytest.mark.expects_warnings
def test_a_link_that_ends_gives_back_what_did_not_arrive(mosquitto: Mosquitto, outbox: Outbox) -> None:
    pictures = Pictures(200)
    relay = Relay(mosquitto.port)
    relay.start()
    with Headquarters(mosquitto.port), running(outbox, relay.port, freights=[pictures]):
        for count in (5, 60, 120):
            wait_until("some are there", lambda: len(pictures.arrived) >= count)  # noqa: B023  waited for at once
            relay.cut()
            wait_until("it is told", lambda: pictures.links[-1] is False)
            assert not pictures.under_way
            relay.mend()
        wait_until("every chunk is there", lambda: len(pictures.arrived) == 200, timeout_s=30)
    relay.stop()
    assert sorted(pictures.arrived) == list(range(200))


@pytest.mark.expects_warnings
def test_headquarters_that_takes_no_pictures_holds_up_no_alert(
    mosquitto: Mosquitto, outbox: Outbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.uplink.uplink._REFUSED_WAIT_S", 3600.0)
    pictures = Pictures(3)
    takes = topics.up(STATION, Lane.ALERT)
    with Headquarters(mosquitto.port, takes) as peer, running(outbox, mosquitto.port, freights=[pictures]):
        wait_until("it is said", lambda: "pictures and clips do not reach headquarters" in caplog.text)
        accept(outbox, Lane.ALERT, environment(1))
        wait_until("the alert is there", lambda: bool(peer.of(Lane.ALERT)))
        assert pictures.arrived == []


@pytest.mark.expects_warnings
def test_a_broker_that_sends_more_than_is_looked_at_fills_no_memory_and_holds_up_no_alert(
    mosquitto: Mosquitto, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    hangs, goes_on = threading.Event(), threading.Event()

    class Slow(Pictures):
        def received(self, topic: str, payload: bytes) -> bool:
            hangs.set()
            return goes_on.wait(30) and super().received(topic, payload)

    slow, sent = Slow(0), 16_000
    with (
        Headquarters(mosquitto.port) as peer,
        MqttPeer(mosquitto.port, DOWN) as flooder,
        running(outbox, mosquitto.port, freights=[slow]),
    ):

        def hears() -> bool:
            flooder.publish(DOWN, b"hello?")
            return hangs.is_set()

        wait_until("the post hears", hears)
        for _ in range(sent):
            flooder.publish(DOWN, bytes(100), qos=0)
        wait_until("the broker has passed it on", lambda: len(flooder.heard) >= sent, timeout_s=60)
        accept(outbox, Lane.ALERT, environment(1))
        goes_on.set()
        wait_until("the alert is there", lambda: bool(peer.of(Lane.ALERT)))
        wait_until("it is counted", lambda: outbox.tallies().get(("uplink", "no_room"), 0) > 0)
        assert len(slow.heard) < sent / 2
    assert sum("more than this post can look at" in record.message for record in caplog.records) == 1
