"""The bytes that the uplink says it has cost, against a relay that counted them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.parts.servers import Mosquitto
from deploy.pki import authority
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox
from gateway.uplink.meter import HEADERS, RECEIVED, SENT
from gateway.uplink.spending import TODAY
from gateway.uplink.uplink import LinkState, Uplink
from tests.gateway.uplink.post_on_a_line import (
    STATION,
    Headquarters,
    accept,
    chainsaw,
    environment,
    outbox_in,
    running,
)
from tests.gateway.uplink.test_refusals import broker as tls_broker
from tests.support.thin_line import ThinLine
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path / "outbox") as made:
        yield made


def total(outbox: Outbox, place: str) -> int:
    """All that a counter of the outbox says, TCP/IP headers not in."""
    return sum(n for (where, name), n in outbox.tallies().items() if where == place and name != HEADERS)


def test_counters_agree_with_a_relay_that_counted(mosquitto: Mosquitto, outbox: Outbox) -> None:
    with ThinLine(mosquitto.port) as line:
        with Headquarters(mosquitto.port) as peer, running(outbox, line.port, batch_entries=50):
            accept(outbox, Lane.ALERT, chainsaw())
            accept(outbox, Lane.READING, *(environment(n) for n in range(5000)))
            wait_until("all is there and receipted", lambda: outbox.state().entries == 0)
            assert len(peer.of(Lane.READING)) == 5000
        assert total(outbox, SENT) == pytest.approx(line.bytes_up, rel=0.01)
        assert total(outbox, RECEIVED) == pytest.approx(line.bytes_down, rel=0.01)
    tallies = outbox.tallies()
    assert 50 < tallies[SENT, "alert"] < 120
    assert tallies[SENT, "reading"] > 10 * tallies[SENT, "alert"]
    assert tallies[SENT, HEADERS] > 52 * 10
    assert tallies[TODAY[SENT], "reading"] == tallies[SENT, "reading"]


def test_encryption_counts_as_the_links_own(tmp_path: Path, outbox: Outbox) -> None:
    pki = tmp_path / "pki"
    authority.create_authority(pki)
    authority.issue_server(pki, ["localhost"])
    authority.issue_station(pki, STATION)
    files = {
        "ca_file": pki / "ca.crt",
        "cert_file": pki / "current" / f"{STATION}.crt",
        "key_file": pki / "current" / f"{STATION}.key",
    }
    with tls_broker(pki, tmp_path / "broker") as port, ThinLine(port) as line:
        with running(outbox, line.port, host="localhost", tls=True, **files) as uplink:
            wait_until("the link is up", lambda: uplink.state().link is LinkState.UP)
        assert line.bytes_up > 1000
        assert total(outbox, SENT) == pytest.approx(line.bytes_up, rel=0.01)
        assert total(outbox, RECEIVED) == pytest.approx(line.bytes_down, rel=0.01)


@pytest.mark.expects_warnings
def test_a_handshake_that_fails_costs_too(tmp_path: Path, outbox: Outbox) -> None:
    pki = tmp_path / "pki"
    authority.create_authority(pki)
    authority.issue_server(pki, ["elsewhere"])
    authority.issue_station(pki, STATION)
    files = {
        "ca_file": pki / "ca.crt",
        "cert_file": pki / "current" / f"{STATION}.crt",
        "key_file": pki / "current" / f"{STATION}.key",
    }
    with tls_broker(pki, tmp_path / "broker") as port, ThinLine(port) as line:
        with running(outbox, line.port, host="localhost", tls=True, **files) as uplink:
            wait_until("it does not believe the broker", lambda: "does not prove" in uplink.state().trouble)
        assert line.bytes_up > 100
        assert total(outbox, SENT) == pytest.approx(line.bytes_up, rel=0.01)
        assert total(outbox, RECEIVED) == pytest.approx(line.bytes_down, rel=0.01)


def spent_today(uplink: Uplink, lane: Lane) -> int:
    return uplink.state().sent_today.get(lane.slug, 0)


def test_a_budget_that_is_spent_keeps_the_rest_for_tomorrow_and_stops_no_alert(
    mosquitto: Mosquitto, outbox: Outbox
) -> None:
    limit = 3000
    with Headquarters(mosquitto.port) as peer:
        with running(outbox, mosquitto.port, budget_bytes={"reading": limit}, batch_entries=100) as uplink:
            accept(outbox, Lane.READING, *(environment(n * 37) for n in range(5000)))
            wait_until("it is nearly spent", lambda: spent_today(uplink, Lane.READING) > 0.9 * limit)
            accept(outbox, Lane.ALERT, chainsaw())
            accept(outbox, Lane.DETECTION, chainsaw())
            wait_until("other lanes go", lambda: bool(peer.of(Lane.ALERT) and peer.of(Lane.DETECTION)))
            went = len(peer.of(Lane.READING))
            wait_until("all that went is receipted", lambda: outbox.state().entries == 5000 - went)
            assert spent_today(uplink, Lane.READING) <= limit
            wait_until("it is told", lambda: uplink.state().left_today == {"reading": 0})
        with running(outbox, mosquitto.port, budget_bytes={"reading": limit}) as uplink:  # a restart is no new day
            accept(outbox, Lane.ALERT, chainsaw())
            wait_until("an alert goes", lambda: len(peer.of(Lane.ALERT)) == 2)
            assert len(peer.of(Lane.READING)) <= went + 20
            assert spent_today(uplink, Lane.READING) <= limit


def test_when_everything_is_spent_the_link_closes_and_alerts_open_it(mosquitto: Mosquitto, outbox: Outbox) -> None:
    chance = random.Random(1)
    with (
        Headquarters(mosquitto.port) as peer,
        running(outbox, mosquitto.port, budget_bytes={"total": 20_000}) as uplink,
    ):
        accept(outbox, Lane.READING, *(environment(chance.randrange(3000)) for _ in range(20_000)))
        wait_until("it closes", lambda: uplink.state().link is LinkState.CLOSED, timeout_s=30)
        assert uplink.state().left_today == {"total": 0}
        assert 0 < len(peer.of(Lane.READING)) < 20_000
        accept(outbox, Lane.ALERT, chainsaw())
        wait_until("the alert is there", lambda: len(peer.of(Lane.ALERT)) == 1)
        wait_until("it closes again", lambda: uplink.state().link is LinkState.CLOSED, timeout_s=30)
