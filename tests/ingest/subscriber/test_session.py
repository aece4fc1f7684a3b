"""The connection to a broker that sends what no honest one does."""

from __future__ import annotations

import queue
import socket
import threading

from ingest.settings import BrokerSettings
from ingest.subscriber.session import Connected, Event, Received, Session

CONNACK = b"\x20\x03\x00\x00\x00"


def test_a_topic_that_is_no_text_is_one_of_nobody_and_the_next_is_heard() -> None:
    def hostile(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line:
            line.recv(4096)
            line.sendall(CONNACK + b"\x32\x08\x00\x02\xff\xfe\x00\x01\x00!" + b"\x30\x05\x00\x01t\x00.")
            while line.recv(4096):
                pass

    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        broker = threading.Thread(target=hostile, args=(listening,))
        broker.start()
        session = Session(BrokerSettings(host="127.0.0.1", port=listening.getsockname()[1], tls=False), events)
        session.connect()
        assert events.get(timeout=10) == Connected()
        assert events.get(timeout=10) == Received("", b"!", 1, 1)
        assert events.get(timeout=10) == Received("t", b".", 0, 0)
        session.close()
        broker.join(30)
