"""The subscriber on a real broker, among posts that behave: messages, states, and what it knows after a restart."""

from __future__ import annotations

import json

import pytest

from deploy.parts.servers import Mosquitto
from gateway.contract import topics
from gateway.contract.ranges import RangeSet
from gateway.contract.states import StationState, encode_state
from gateway.contract.topics import Lane
from tests.ingest.journal.arrivals import STATION
from tests.ingest.subscriber.conftest import StartSubscriber
from tests.ingest.subscriber.posts import RECEIPT, UP, payload, receipted, wait_received
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


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
