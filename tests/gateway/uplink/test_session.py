"""A connection ends when it is told to, whatever became of the link."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time

import pytest

from deploy.parts.servers import Mosquitto
from gateway.contract.states import STOPPED, StationState
from gateway.uplink.session import Connected, Event, Lost, Received, Session
from gateway.uplink.settings import UplinkSettings
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
KEEPALIVE_S = 600


@pytest.mark.parametrize("farewell", [None, StationState("p", "down", "test", 1, STOPPED)], ids=["lost", "stopped"])
def test_a_link_that_died_under_a_full_buffer_holds_nobody(mosquitto: Mosquitto, farewell: StationState | None) -> None:
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    settings = UplinkSettings(host="127.0.0.1", port=mosquitto.port, tls=False, keepalive_s=KEEPALIVE_S)
    session = Session("p", settings, events, "test")
    session.connect()
    assert events.get(timeout=10) == Connected()
    os.kill(mosquitto.pid, signal.SIGSTOP)
    try:
        for _ in range(40):
            session.publish("vigia/1/p/up/reading", bytes(250_000))
        begun = time.monotonic()
        session.close(farewell)
        assert time.monotonic() - begun < KEEPALIVE_S / 20
        assert 0 < session.wire().sent < 10_000_000
    finally:
        os.kill(mosquitto.pid, signal.SIGCONT)


def test_a_message_that_nobody_should_send_does_not_come_and_the_next_does(mosquitto: Mosquitto) -> None:
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    settings = UplinkSettings(host="127.0.0.1", port=mosquitto.port, tls=False)
    with MqttPeer(mosquitto.port) as peer:
        peer.publish("vigia/1/p/receipt", bytes(5_000_000), retain=True)
        session = Session("p", settings, events, "test")
        session.connect()
        assert events.get(timeout=10) == Connected()
        session.greet(1)
        came: list[Event] = []

        def small_one_came() -> bool:
            peer.publish("vigia/1/p/receipt", b"small")
            while not events.empty():
                came.append(events.get())
            return any(isinstance(event, Received) for event in came)

        wait_until("the small one", small_one_came, every_s=0.1)
        assert not any(isinstance(event, Lost) for event in came)
        assert {event.payload for event in came if isinstance(event, Received)} == {b"small"}
        session.close()
        peer.publish("vigia/1/p/receipt", b"", retain=True)


def test_a_broker_that_sends_what_it_should_not_loses_the_connection_before_it_is_taken_in() -> None:
    taken = 0

    def hostile(listening: socket.socket) -> None:
        nonlocal taken
        line, _ = listening.accept()
        with line:
            line.recv(4096)
            line.sendall(b"\x20\x03\x00\x00\x00")  # CONNACK
            line.sendall(b"\x30\xff\xff\xff\x7f")  # PUBLISH, 268 MB follow
            try:
                while taken < 268_435_455:
                    taken += line.send(bytes(65536))
            except OSError:
                return

    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        broker = threading.Thread(target=hostile, args=(listening,))
        broker.start()
        settings = UplinkSettings(host="127.0.0.1", port=listening.getsockname()[1], tls=False)
        session = Session("p", settings, events, "test")
        session.connect()
        assert events.get(timeout=10) == Connected()
        lost = events.get(timeout=10)
        assert isinstance(lost, Lost)
        assert "a packet of 268435455 bytes" in lost.reason
        session.close()
        broker.join(30)
    assert taken < 32 * 1024 * 1024  # what the kernel took before it knew
