"""A connection ends when it is told to, whatever became of the link."""

from __future__ import annotations

import os
import queue
import signal
import time

import pytest

from deploy.parts.servers import Mosquitto
from gateway.contract.states import STOPPED, StationState
from gateway.uplink.session import Connected, Event, Session
from gateway.uplink.settings import UplinkSettings

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
