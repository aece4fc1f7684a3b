"""What a post at the broker says, and what it is told."""

from __future__ import annotations

from collections import Counter

from gateway.contract import topics
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import decode_receipt
from gateway.contract.topics import Lane
from tests.ingest.journal.arrivals import STATION, arrival, rows
from tests.ingest.messages import EPOCH
from tests.ingest.subscriber.conftest import Running
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

UP = topics.up(STATION, Lane.READING)
RECEIPT = topics.receipt(STATION)


def payload(*sequences: int) -> bytes:
    return arrival(sequences).payload


def receipted(peer: MqttPeer) -> RangeSet:
    """All that receipts have named so far."""
    held = RangeSet()
    for receipt in peer.payloads(RECEIPT):
        held.update(decode_receipt(receipt).get(EPOCH, RangeSet()))
    return held


def letters(running: Running) -> Counter[str]:
    return Counter(str(reason) for (reason,) in rows(running.journal.path, "SELECT reason FROM dead_letter"))


def wait_received(running: Running, count: int) -> None:
    wait_until(
        f"{count} messages have come; {running.subscriber.counts}",
        lambda: running.subscriber.counts["received_messages"] >= count,
    )
