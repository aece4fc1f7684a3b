"""A message is acknowledged only when what it gave has been delivered."""

from __future__ import annotations

import threading

import pytest

from deploy.parts.servers import Mosquitto
from firmware_bridge.delivery import Delivery
from firmware_bridge.links.broker_settings import BrokerSettings
from firmware_bridge.links.mqtt_link import MAX_MESSAGE_BYTES, BrokerState, MqttLink
from firmware_bridge.links.mqtt_source import MqttSource
from firmware_bridge.readings import Downlink, DownlinkError, Rejected
from tests.support.mqtt_peer import MqttPeer
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


class Lines:
    """A decoder: each message a rejection with the chunk as its detail."""

    def feed(self, chunk: bytes) -> Delivery | None:
        return Delivery("lines", [], [Rejected(chunk.decode(), 1)], {})


def to_message(downlink: Downlink) -> tuple[str, bytes]:
    return f"down/{downlink.device}", downlink.payload


def opened(mosquitto: Mosquitto) -> tuple[MqttSource, MqttLink]:
    link = MqttLink(BrokerSettings(host="127.0.0.1", port=mosquitto.port, client_id="us"), ["t/#"], name="lines")
    return MqttSource("lines", link, Lines, to_message), link


def test_what_could_not_be_delivered_comes_again(mosquitto: Mosquitto) -> None:
    source, link = opened(mosquitto)
    came: list[str] = []

    def deliver(delivery: Delivery) -> None:
        came.extend(item.reason for item in delivery.rejected)
        if len(came) == 2:
            raise RuntimeError("the disk is on fire")

    failures: list[str] = []

    def run() -> None:
        try:
            source.run(deliver, threading.Event())
        except RuntimeError as failure:
            failures.append(str(failure))

    thread = threading.Thread(target=run)
    thread.start()
    wait_until("connected", lambda: link.state is BrokerState.CONNECTED)
    with MqttPeer(mosquitto.port) as peer:
        for number in range(3):
            peer.publish("t/a", b"%d" % number)
        thread.join(10)
    assert failures == ["the disk is on fire"]
    assert came == ["t/a 0", "t/a 1"]
    with RunningSource(opened(mosquitto)[0]) as running:
        wait_until("the rest", lambda: running.reasons.total() == 2)
    assert running.reasons == {"t/a 1": 1, "t/a 2": 1}


def test_drops_are_delivered_and_downlinks_said(mosquitto: Mosquitto) -> None:
    source, link = opened(mosquitto)
    with pytest.raises(DownlinkError, match="not_connected"):
        source.say(Downlink("a", b"x"))
    with RunningSource(source) as running, MqttPeer(mosquitto.port, "down/#") as peer:
        wait_until("connected", lambda: link.state is BrokerState.CONNECTED)
        assert source.state == link.words
        peer.publish("t/a", b"x" * (MAX_MESSAGE_BYTES + 1))
        wait_until("counted", lambda: running.reasons == {"too_long": 1})
        source.say(Downlink("a", b"x"))
        wait_until("said", lambda: peer.payloads("down/a") == [b"x"])
