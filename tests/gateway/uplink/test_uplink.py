"""The uplink on a real broker, with a plain MQTT client in the place of headquarters."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.parts.relay import Relay
from deploy.parts.servers import Mosquitto
from gateway.contract import topics
from gateway.contract.batches import decode_entries, decode_head
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import encode_receipt
from gateway.contract.states import decode_state
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox
from gateway.uplink.flights import FIRST_LINE_BYTES, LINE_BYTES, Flight, Flights
from gateway.uplink.uplink import LinkState
from tests.gateway.uplink.post_on_a_line import STATION, accept, chainsaw, environment, outbox_in, running
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path / "outbox") as made:
        yield made


def hears(peer: MqttPeer, topic: str, count: int) -> Callable[[], bool]:
    return lambda: sum(len(decode_entries(p)[1]) for p in peer.payloads(topic)) >= count


def test_only_a_receipt_lets_the_outbox_forget(mosquitto: Mosquitto, outbox: Outbox) -> None:
    up = topics.up(STATION, Lane.READING)
    with MqttPeer(mosquitto.port, up) as peer, running(outbox, mosquitto.port):
        accept(outbox, Lane.READING, *(environment(n) for n in range(10)))
        wait_until("the peer hears ten entries", hears(peer, up, 10))
        assert outbox.state().entries == 10  # the broker has acknowledged: that is nothing
        epoch = decode_head(peer.payloads(up)[0]).epoch
        peer.publish(topics.receipt(STATION), encode_receipt({epoch: RangeSet([(1, 4)])}))
        wait_until("four are forgotten", lambda: outbox.state().entries == 6)
        peer.publish(topics.receipt(STATION), encode_receipt({epoch: RangeSet([(1, 10)])}))
        wait_until("all are forgotten", lambda: outbox.state().entries == 0)
    assert outbox.tallies()["outbox", "receipted"] == 10


def test_what_has_no_receipt_is_sent_again_with_the_same_identity_and_time(
    mosquitto: Mosquitto, outbox: Outbox
) -> None:
    up = topics.up(STATION, Lane.READING)
    with MqttPeer(mosquitto.port, up) as peer, running(outbox, mosquitto.port, receipt_timeout_s=1):
        accept(outbox, Lane.READING, environment(1), environment(2))
        wait_until("the same message comes again", lambda: len(peer.payloads(up)) >= 2, timeout_s=10)
    first, again = peer.payloads(up)[:2]
    assert decode_entries(first) == decode_entries(again)


def test_an_alert_goes_before_a_backlog_and_past_a_full_window(mosquitto: Mosquitto, outbox: Outbox) -> None:
    accept(outbox, Lane.READING, *(environment(n) for n in range(100)))
    settings = {"window_messages": 1, "batch_entries": 10, "receipt_timeout_s": 600}
    with (
        MqttPeer(mosquitto.port, topics.ALL_UP) as peer,
        running(outbox, mosquitto.port, **settings) as uplink,
    ):
        wait_until("the window is full", lambda: uplink.state().in_flight == 1)
        accept(outbox, Lane.ALERT, chainsaw())
        wait_until("the alert comes", lambda: bool(peer.payloads(topics.up(STATION, Lane.ALERT))))
        assert len(peer.payloads(topics.up(STATION, Lane.READING))) == 1


@pytest.mark.expects_warnings
def test_when_nobody_listens_it_waits_and_sends_again(
    mosquitto: Mosquitto, outbox: Outbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.uplink.uplink._REFUSED_WAIT_S", 0.5)
    with running(outbox, mosquitto.port):
        accept(outbox, Lane.ALERT, chainsaw())
        wait_until("it says so", lambda: "nobody listens" in caplog.text)
        with MqttPeer(mosquitto.port, topics.ALL_UP) as peer:
            wait_until("it comes to whoever listens now", lambda: bool(peer.heard))
    assert outbox.state().entries == 1


@pytest.mark.expects_warnings
def test_the_last_will_tells_that_a_post_is_gone(mosquitto: Mosquitto, outbox: Outbox) -> None:
    relay = Relay(mosquitto.port)
    relay.start()
    state = topics.state(STATION)
    with MqttPeer(mosquitto.port, state) as peer, running(outbox, relay.port) as uplink:
        wait_until("the post is up", lambda: uplink.state().link is LinkState.UP)
        wait_until("and says so", lambda: [decode_state(p).link for p in peer.payloads(state)] == ["up"])
        relay.cut()
        wait_until("the broker tells its will", lambda: decode_state(peer.payloads(state)[-1]).link == "down")
        wait_until("the uplink knows", lambda: uplink.state().link is not LinkState.UP)
        relay.mend()
        wait_until("it is back", lambda: decode_state(peer.payloads(state)[-1]).link == "up", timeout_s=10)
    with MqttPeer(mosquitto.port, state) as later:
        wait_until("the state is retained", lambda: bool(later.heard))
    assert decode_state(later.payloads(state)[0]).link == "down"  # a farewell at a normal stop
    relay.stop()


@pytest.mark.expects_warnings
def test_a_broker_that_is_away_is_tried_again(tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    broker = Mosquitto(tmp_path / "late")
    caplog.set_level(logging.INFO)
    with running(outbox, broker.port) as uplink:
        accept(outbox, Lane.ALERT, chainsaw())
        wait_until("it says that there is no link", lambda: "no link to" in caplog.text)
        broker.start()
        wait_until("the link comes up", lambda: uplink.state().link is LinkState.UP, timeout_s=10)
    broker.stop()
    assert [r.levelname for r in caplog.records if "no link" in r.message].count("WARNING") == 1


@pytest.mark.expects_warnings
def test_a_receipt_that_makes_no_sense_is_counted_and_forgets_nothing(mosquitto: Mosquitto, outbox: Outbox) -> None:
    up = topics.up(STATION, Lane.ALERT)
    with MqttPeer(mosquitto.port, up) as peer, running(outbox, mosquitto.port):
        accept(outbox, Lane.ALERT, chainsaw())
        wait_until("the alert comes", lambda: bool(peer.heard))
        for garbage in (b"", b"\x01", b"\x02\x01", b"\xff" * 100, encode_receipt({bytes(8): RangeSet([(1, 9)])})):
            peer.publish(topics.receipt(STATION), garbage)
        epoch = decode_head(peer.payloads(up)[0]).epoch
        peer.publish(topics.receipt(STATION), encode_receipt({epoch: RangeSet([(1, 1)])}))
        wait_until("the good one is heeded", lambda: outbox.state().entries == 0)
    assert sum(count for (place, _), count in outbox.tallies().items() if place == "uplink") == 4


def test_a_lone_alert_is_small_on_the_wire(mosquitto: Mosquitto, outbox: Outbox) -> None:
    with MqttPeer(mosquitto.port, topics.ALL_UP) as peer, running(outbox, mosquitto.port) as uplink:
        accept(outbox, Lane.ALERT, chainsaw())
        wait_until("the alert comes", lambda: bool(peer.heard))
        assert 0 < uplink.state().sent_bytes <= 100


def test_a_line_that_carries_nothing_is_given_no_more_than_an_alert_can_overtake(
    mosquitto: Mosquitto, outbox: Outbox
) -> None:
    with (
        MqttPeer(mosquitto.port, topics.ALL_UP) as peer,
        running(outbox, mosquitto.port, window_messages=100) as uplink,
    ):
        wait_until("the link is up", lambda: uplink.state().link is LinkState.UP)
        os.kill(mosquitto.pid, signal.SIGSTOP)
        try:
            accept(outbox, Lane.READING, *(environment(n * 37) for n in range(30_000)))
            wait_until("the line is full", lambda: uplink.state().sent_bytes >= FIRST_LINE_BYTES)
            full = uplink.state()
            assert full.sent_bytes < 2 * LINE_BYTES
            assert full.in_flight < 30_000 / 500
            accept(outbox, Lane.ALERT, chainsaw())
            wait_until("the alert goes all the same", lambda: uplink.state().sent_messages > full.sent_messages)
        finally:
            os.kill(mosquitto.pid, signal.SIGCONT)
        wait_until("all of it comes", hears(peer, topics.up(STATION, Lane.READING), 30_000), timeout_s=60)


def test_alerts_that_are_late_go_before_others_that_are_late() -> None:
    flights = Flights(window=10, timeout_s=1.0)
    for number, lane in enumerate((Lane.READING, Lane.ALERT, Lane.DETECTION), start=1):
        flights.sent(number, Flight(lane, 1, bytes(8), RangeSet([(number, number)]), 1, 0.0, size_bytes=10), 0.0)
    first = flights.next_overdue(5.0, lambda flight: flight.lane is Lane.ALERT)
    assert first is not None
    assert first.lane is Lane.ALERT
    assert flights.next_overdue(5.0, lambda flight: flight.lane is Lane.ALERT) is None
    second = flights.next_overdue(5.0)
    assert second is not None
    assert second.lane is Lane.DETECTION
