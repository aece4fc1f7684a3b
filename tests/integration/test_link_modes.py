"""A link that is paid for by the minute: closed when there is nothing to say, open at once for an alert, and the right
things first when it is short. A real broker; hours are scaled to seconds by the schedule."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.parts.servers import Mosquitto
from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.contract import topics
from gateway.contract.states import WINDOW_OVER, StationState, decode_state
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox
from gateway.uplink.schedule import Cycle
from gateway.uplink.uplink import LinkState
from tests.gateway.outbox.boxes import SetClock
from tests.gateway.uplink.post_on_a_line import (
    CLOCK,
    STATION,
    Headquarters,
    accept,
    chainsaw,
    environment,
    outbox_in,
    running,
)
from tests.support.mqtt_peer import MqttPeer
from tests.support.thin_line import ThinLine
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
HOUR_MS = 3_600_000


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path / "outbox") as made:
        yield made


def opens_in(seconds: float, *, every_s: float = 3600, open_s: float = 600) -> Cycle:
    return Cycle(every_s, open_s, CLOCK.now().boot_ms / 1000 + seconds)


def states(peer: MqttPeer) -> list[StationState]:
    return [decode_state(payload) for payload in peer.payloads(topics.state(STATION))]


def test_in_its_hours_it_connects_drains_and_disconnects(mosquitto: Mosquitto, outbox: Outbox) -> None:
    accept(outbox, Lane.READING, *(environment(n * 37) for n in range(3000)))
    with Headquarters(mosquitto.port) as peer, ThinLine(mosquitto.port) as line:
        schedule = opens_in(1, every_s=12, open_s=11)
        with running(outbox, line.port, schedule=schedule, mode="windows") as uplink:
            closed = uplink.state()
            assert closed.link is LinkState.CLOSED
            assert closed.mode == "windows"
            assert closed.next_window_s is not None
            assert 0 <= closed.next_window_s <= 1.1
            wait_until("all is sent", lambda: outbox.state().entries == 0)
            wait_until("it closes long before its hours end", lambda: uplink.state().link is LinkState.CLOSED)
            wait_until("it says why", lambda: [state.link for state in states(peer)] == ["up", "down"])
            assert states(peer)[-1].reason == WINDOW_OVER
            assert (states(peer)[-1].next_ms or 0) > (states(peer)[-1].since_ms or 0)
            cost = line.bytes_up + line.bytes_down
            accept(outbox, Lane.READING, environment(1))
            accept(outbox, Lane.DETECTION, chainsaw())
            wait_until("nearly the next opening", lambda: (uplink.state().next_window_s or 0) < 0.5)
            assert outbox.state().entries == 2
            assert line.bytes_up + line.bytes_down == cost  # closed costs nothing
            wait_until("they go when it opens again", lambda: outbox.state().entries == 0)
        assert line.connections == 2
        assert len(peer.entries) == 3002


def test_an_alert_opens_it_at_once_goes_alone_and_its_receipt_closes_it(mosquitto: Mosquitto, outbox: Outbox) -> None:
    accept(outbox, Lane.READING, *(environment(n) for n in range(100)))
    with (
        Headquarters(mosquitto.port) as peer,
        running(outbox, mosquitto.port, schedule=opens_in(1800), mode="windows") as uplink,
    ):
        assert uplink.state().link is LinkState.CLOSED
        for number in (1, 2):
            accept(outbox, Lane.ALERT, chainsaw())
            wait_until("headquarters has it", lambda: len(peer.of(Lane.ALERT)) == number)  # noqa: B023  waited for
            wait_until("the link is closed again", lambda: uplink.state().link is LinkState.CLOSED)
        assert outbox.state().by_lane == {Lane.READING: 100}
        assert not peer.of(Lane.READING)


@pytest.mark.expects_warnings
def test_an_alert_that_nobody_receipts_closes_the_link_after_a_while_and_is_not_forgotten(
    mosquitto: Mosquitto, outbox: Outbox
) -> None:
    settings = {"mode": "windows", "alert_minutes": 0.1, "receipt_timeout_s": 1}
    with Headquarters(mosquitto.port) as peer:
        peer.receipts = False
        with running(outbox, mosquitto.port, schedule=opens_in(1800), **settings) as uplink:
            accept(outbox, Lane.ALERT, chainsaw())
            wait_until("headquarters hears it", lambda: bool(peer.of(Lane.ALERT)))
            wait_until("it gives up for now", lambda: uplink.state().link is LinkState.CLOSED)
            assert outbox.state().by_lane == {Lane.ALERT: 1}
            peer.receipts = True
            wait_until("it tries again by itself", lambda: outbox.state().entries == 0, timeout_s=30)


def test_an_alert_from_before_a_restart_opens_the_link(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with outbox_in(tmp_path / "outbox") as before:
        accept(before, Lane.ALERT, chainsaw())
    with (
        outbox_in(tmp_path / "outbox") as outbox,
        Headquarters(mosquitto.port),
        running(outbox, mosquitto.port, schedule=opens_in(1800), mode="windows"),
    ):
        wait_until("it is receipted", lambda: outbox.state().entries == 0)


def heard(sensor: str, number: int) -> Reading:
    return make_reading(
        Kind.CAMERA_DETECTION,
        sensor,
        {"confidence_ratio": number / 200, "battery_volts": 3 + number % 7 / 10},
        label="boat",
    )


def test_in_ten_paid_minutes_the_right_things_go_first(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Four days without a link, then a line of 4 kB/s for a few seconds, while the sensors go on: far too short for
    all of it. One camera has gone mad."""
    chance = random.Random(1)
    clock = SetClock()
    outbox = Outbox(tmp_path / "outbox.db", max_bytes=2**27, memory_bytes=2**24, clock=clock)
    outbox.open()
    days = 4
    for day in range(days):
        for hour in range(24):
            items = [
                Accepted(Lane.READING, clock.now(), environment(chance.randrange(3000), f"s{n}")) for n in range(50)
            ]
            items += [Accepted(Lane.DETECTION, clock.now(), heard("loca", chance.randrange(200))) for _ in range(150)]
            items += [Accepted(Lane.DETECTION, clock.now(), heard(f"camara-{day}", hour))]
            items += [Accepted(Lane.ALERT, clock.now(), chainsaw(f"micro-{day}"))] * (hour % 6 == 0)
            outbox.accept(items)
            clock.pass_ms(HOUR_MS)
    outbox.commit()
    waiting = outbox.state().by_lane
    opening = opens_in(1, open_s=6)
    with (
        Headquarters(mosquitto.port) as peer,
        ThinLine(mosquitto.port, bytes_per_s=4000) as line,
        running(outbox, line.port, schedule=opening, mode="windows") as uplink,
    ):
        wait_until("it is open", lambda: uplink.state().link is LinkState.UP)
        wait_until("detections go", lambda: bool(peer.of(Lane.DETECTION)))
        outbox.accept([Accepted(Lane.ALERT, clock.now(), chainsaw("ahora"))])
        wait_until("its time is over", lambda: uplink.state().link is LinkState.CLOSED, timeout_s=40)
    came = [lane for lane, _ in peer.entries]
    assert came[: 4 * days] == [Lane.ALERT] * (4 * days)
    assert [e.reading.sensor for e in peer.of(Lane.ALERT)][-1] == "ahora"
    assert came.index(Lane.DETECTION) == 4 * days
    assert came[4 * days :].index(Lane.ALERT) < waiting[Lane.DETECTION] / 4  # it went past the rest of them
    sensors = [entry.reading.sensor for entry in peer.of(Lane.DETECTION)]
    ages_h = [(clock.wall_ms - entry.time_ms) // HOUR_MS for entry in peer.of(Lane.DETECTION)]
    today = [age for age in ages_h if age <= 24]
    assert ages_h[: len(today)] == today  # the newest day, before all older ones
    assert sensors.count(f"camara-{days - 1}") == 24
    assert sensors.index(f"camara-{days - 1}") < 600  # not behind the mad one's 3,600 of today
    stored = len(peer.entries)
    assert stored < sum(waiting.values())
    assert outbox.state().entries >= sum(waiting.values()) + 1 - stored  # nothing was lost for it
    outbox.close()
