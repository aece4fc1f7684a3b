"""A connection ends when it is told to, whatever became of the link."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from contextlib import suppress

import pytest

from deploy.parts.servers import Mosquitto
from gateway.contract.states import STOPPED, StationState
from gateway.uplink.events import Connected, Denied, Event, Events, Lost, Received
from gateway.uplink.session import Session
from gateway.uplink.settings import UplinkSettings
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
KEEPALIVE_S = 600
UNASKED = Lost("the broker answers what we did not ask; no honest one does that", refused=True)


@pytest.mark.parametrize("farewell", [None, StationState("p", "down", "test", 1, STOPPED)], ids=["lost", "stopped"])
def test_a_link_that_died_under_a_full_buffer_holds_nobody(mosquitto: Mosquitto, farewell: StationState | None) -> None:
    events = Events()
    settings = UplinkSettings(host="127.0.0.1", port=mosquitto.port, tls=False, keepalive_s=KEEPALIVE_S)
    session = Session("p", settings, events, "test")
    session.connect()
    assert events.get(10) == Connected()
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
    events = Events()
    settings = UplinkSettings(host="127.0.0.1", port=mosquitto.port, tls=False)
    with MqttPeer(mosquitto.port) as peer:
        peer.publish("vigia/1/p/receipt", bytes(5_000_000), retain=True)
        session = Session("p", settings, events, "test")
        session.connect()
        assert events.get(10) == Connected()
        session.greet(1)
        came: list[Event] = []

        def small_one_came() -> bool:
            peer.publish("vigia/1/p/receipt", b"small")
            with suppress(queue.Empty):
                while True:
                    came.append(events.get())
            return any(isinstance(event, Received) for event in came)

        wait_until("the small one", small_one_came, every_s=0.1)
        assert not any(isinstance(event, Lost) for event in came)
        assert {event.payload for event in came if isinstance(event, Received)} == {b"small"}
        session.close()
        peer.publish("vigia/1/p/receipt", b"", retain=True)


def broker_says(line: socket.socket, said: bytes, most_bytes: int) -> int:
    """The same thing again and again, until the other side has enough; how many bytes were taken."""
    taken = 0
    try:
        while taken < most_bytes:
            taken += line.send(said)
    except OSError:
        pass
    return taken


PUBLISH_268_MB = b"\x30\xff\xff\xff\x7f"
TOPIC = b"\x00\x13vigia/1/p/receipt.."


@pytest.mark.parametrize(
    ("begin", "again", "words"),
    [
        (PUBLISH_268_MB, bytes(65536), "sends a packet of 268435455 bytes"),
        (b"", b"\x34\x18" + TOPIC + b"\x00\x01\x00", "sends with QoS 2"),
        (b"", (b"\x32\x18" + TOPIC + b"\x00\x01\x00") * 1000, "sends on and on, and reads nothing"),
    ],
    ids=["huge", "qos2", "unread"],
)
def test_a_broker_that_sends_what_it_should_not_loses_the_connection_before_it_is_taken_in(
    begin: bytes, again: bytes, words: str
) -> None:
    taken: list[int] = []

    def hostile(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line:
            line.recv(4096)
            line.sendall(b"\x20\x03\x00\x00\x00" + begin)  # CONNACK
            taken.append(broker_says(line, again, 268_435_455))

    events = Events()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        broker = threading.Thread(target=hostile, args=(listening,))
        broker.start()
        settings = UplinkSettings(host="127.0.0.1", port=listening.getsockname()[1], tls=False)
        session = Session("p", settings, events, "test")
        session.connect()
        assert events.get(10) == Connected()
        while not isinstance(event := events.get(60), Lost):
            assert isinstance(event, Received)
        assert words in event.reason
        session.close()
        broker.join(30)
    assert taken[0] < 32 * 1024 * 1024  # what the kernel took before it knew


def test_a_topic_that_is_no_text_is_one_of_nobody_and_the_next_is_heard() -> None:
    def hostile(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line:
            line.recv(4096)
            line.sendall(b"\x20\x03\x00\x00\x00\x30\x06\x00\x02\xff\xfe\x00!\x30\x18" + TOPIC + b"\x00..")
            while line.recv(4096):
                pass

    events = Events()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        broker = threading.Thread(target=hostile, args=(listening,))
        broker.start()
        settings = UplinkSettings(host="127.0.0.1", port=listening.getsockname()[1], tls=False)
        session = Session("p", settings, events, "test")
        session.connect()
        assert events.get(10) == Connected()
        assert events.get(10) == Received("", b"!")
        assert events.get(10) == Received("vigia/1/p/receipt..", b"..")
        session.close()
        broker.join(30)


def suback(number: int, reason: int) -> bytes:
    return b"\x90\x04" + number.to_bytes(2, "big") + b"\x00" + bytes([reason])


@pytest.mark.parametrize(
    ("said", "events_come"),
    [
        (suback(1, 0x87), [Denied("Not authorized")]),
        (suback(1, 0x80), [Lost("the broker gives us no receipts: Unspecified error", refused=True)]),
        (suback(1, 0x87) * 500, [Denied("Not authorized"), UNASKED]),
        (suback(9, 0x87) * 500, [UNASKED]),
        (suback(1, 0x01) + suback(1, 0x80) * 2, [UNASKED]),
    ],
    ids=["ours", "another reason", "flood", "of nobody", "taken back"],
)
def test_only_the_answer_to_our_own_question_says_that_we_are_refused(said: bytes, events_come: list[Event]) -> None:
    heard = threading.Event()

    def hostile(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line:
            line.recv(4096)
            line.sendall(b"\x20\x03\x00\x00\x00")  # CONNACK
            line.recv(4096)  # what we subscribe to
            with suppress(OSError):
                line.sendall(said)
            heard.wait(30)

    events = Events()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        broker = threading.Thread(target=hostile, args=(listening,))
        broker.start()
        settings = UplinkSettings(host="127.0.0.1", port=listening.getsockname()[1], tls=False)
        session = Session("p", settings, events, "test")
        session.connect()
        assert events.get(10) == Connected()
        session.greet(1)
        assert [events.get(30) for _ in events_come] == events_come
        with pytest.raises(queue.Empty):
            events.get(0.2)
        heard.set()
        session.close()
        broker.join(30)
