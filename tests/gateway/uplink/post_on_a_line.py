"""A post's uplink on a real broker, and a headquarters that stores and receipts: for the tests of this folder and of
the link as a whole."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.clock.clock import Clock
from gateway.contract import topics
from gateway.contract.batches import decode_entries, decode_head
from gateway.contract.entries import Entry
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import encode_receipt
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox
from gateway.settings import ClockSettings
from gateway.uplink.freight import Freight
from gateway.uplink.schedule import Schedule
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.uplink import Uplink
from tests.support.mqtt_peer import MqttPeer

STATION = "puesto-yaguas"
CLOCK = Clock("system")


def environment(number: int, sensor: str = "rio") -> Reading:
    return make_reading(Kind.ENVIRONMENT, sensor, {"temperature_celsius": 20 + number % 3000 / 100})


def chainsaw(sensor: str = "norte") -> Reading:
    return make_reading(Kind.ACOUSTIC_DETECTION, sensor, {"confidence_ratio": 0.9}, label="chainsaw")


def accept(outbox: Outbox, lane: Lane, *readings: Reading) -> None:
    outbox.accept([Accepted(lane, CLOCK.now(), reading) for reading in readings])
    outbox.commit()


@contextmanager
def outbox_in(directory: Path) -> Iterator[Outbox]:
    outbox = Outbox(directory / "outbox.db", max_bytes=2**26, memory_bytes=2**22, clock=CLOCK)
    outbox.open()
    try:
        yield outbox
    finally:
        outbox.close()


@contextmanager
def running(
    outbox: Outbox, port: int, *, schedule: Schedule | None = None, freights: Sequence[Freight] = (), **settings: Any
) -> Iterator[Uplink]:
    """Its settings are for tests: no lingering, plain TCP."""
    lingers = {"linger_detection_s": 0, "linger_reading_s": 0, "linger_health_s": 0}
    told = {"host": "127.0.0.1", "port": port, "tls": False, "receipt_timeout_s": 30, **lingers, **settings}
    uplink = Uplink(
        STATION,
        outbox,
        UplinkSettings.model_validate(told),
        ClockSettings(),
        CLOCK,
        software="test",
        zone=dt.UTC,
        freights=freights,
        schedule=schedule,
        seed=1,
    )
    outbox.tell_news_to(uplink.wake)
    stop = threading.Event()
    thread = threading.Thread(target=uplink.run, args=(stop,))
    thread.start()
    try:
        yield uplink
    finally:
        stop.set()
        thread.join(15)
    assert not thread.is_alive()


class Headquarters(MqttPeer):
    """Keeps what comes, in order, and receipts it at once. up: what it takes."""

    def __init__(self, port: int, up: str = topics.ALL_UP) -> None:
        super().__init__(port, up, topics.ALL_STATES)
        self.entries: list[tuple[Lane, Entry]] = []
        self.other: list[tuple[str, bytes]] = []
        self._stored: dict[bytes, RangeSet] = {}
        self.receipts = True

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        super()._on_message(client, data, message)
        if "/up/" not in message.topic or bytes(message.payload).startswith(b"freight"):
            self.other.append((message.topic, bytes(message.payload)))
            return
        payload = bytes(message.payload)
        lane = topics.parse_up(message.topic).lane
        entries = decode_entries(payload)[1]
        self.entries += [(lane, entry) for entry in entries]
        stored = self._stored.setdefault(decode_head(payload).epoch, RangeSet())
        stored.update(RangeSet.of(entry.sequence for entry in entries))
        if self.receipts:
            client.publish(topics.receipt(STATION), encode_receipt(self._stored), 1)

    def of(self, lane: Lane) -> list[Entry]:
        """What came in a lane."""
        return [entry for which, entry in list(self.entries) if which is lane]
