"""What a packet forwarder is told to send: by the one that heard the sensor, and what became of it is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from firmware_bridge.readings import Downlink, DownlinkError
from tests.firmware_bridge.drivers.radio_servers import decode
from tests.firmware_bridge.drivers.semtech_datagrams import (
    EUI,
    OTHER,
    PEER,
    Clock,
    datagram,
    frame,
    packet,
    push,
    server,
)


def test_a_downlink_is_the_documented_packet() -> None:
    clock = Clock()
    post = server(clock=clock)
    with pytest.raises(DownlinkError, match="no_route"):
        post.downlink(Downlink("00a1b2c3", b"x"))
    post.hear(datagram(2), PEER)
    sent, peer = post.downlink(Downlink("00a1b2c3", bytes(range(24))))
    assert peer == PEER
    assert (sent[0], sent[3]) == (2, 3)
    assert json.loads(sent[4:]) == {
        "txpk": {
            "imme": True,
            "freq": 923.3,
            "rfch": 0,
            "powe": 14,
            "modu": "LORA",
            "datr": "SF10BW125",
            "codr": "4/5",
            "ipol": False,
            "size": 24,
            "data": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        }
    }
    token = sent[1:3]
    assert post.hear(datagram(5, token=token), PEER) == (b"", None)
    assert decode(post, datagram(5, token=token))[1] == {"unknown_token": 1}  # told twice
    clock.now += 121
    with pytest.raises(DownlinkError, match="no_route"):
        post.downlink(Downlink("00a1b2c3", b"x"))


def test_version_1_has_no_answer_to_a_downlink() -> None:
    clock = Clock()
    post = server(clock=clock)
    post.hear(datagram(2, version=1), PEER)
    sent, _ = post.downlink(Downlink(EUI.upper(), b"x"))
    assert sent[:4] == b"\x01\x00\x00\x03"
    clock.now += 60
    assert post.rest() is None


def test_the_concentrator_that_heard_the_sensor_speaks_to_it() -> None:
    clock = Clock()
    post = server(clock=clock)
    post.hear(datagram(2), PEER)
    clock.now += 1
    post.hear(datagram(2, eui=OTHER), ("127.0.0.1", 40001))
    assert post.downlink(Downlink("00a1b2c3", b"x"))[1][1] == 40001  # asked last
    post.hear(push(packet(frame(1))), PEER)
    assert post.downlink(Downlink("00a1b2c3", b"x"))[1][1] == 40000  # heard it
    assert post.downlink(Downlink(OTHER, b"x"))[1][1] == 40001  # named


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ({"txpk_ack": {"error": "COLLISION_PACKET"}}, {"tx_collision_packet": 1}),  # Semtech PROTOCOL.TXT 1.4
        ({"txpk_ack": {"error": "TOO_LATE"}}, {"tx_too_late": 1}),
        ({"txpk_ack": {"error": "TX_FREQ"}}, {"tx_freq": 1}),
        ({"txpk_ack": {"error": "MOON"}}, {"tx_other": 1}),
        ({"txpk_ack": {"warn": "TX_POWER", "value": 27}}, {"tx_power_reduced": 1}),
        ({"txpk_ack": {"error": "NONE"}}, {}),
        ({}, {}),
        (b"\0", {}),
        (b"ok", {"not_json": 1}),
    ],
)
def test_what_became_of_a_downlink(body: Any, reasons: dict[str, int]) -> None:
    post = server()
    post.hear(datagram(2), PEER)
    sent, _ = post.downlink(Downlink("00a1b2c3", b"x"))
    assert decode(post, datagram(5, body, token=sent[1:3]))[1] == reasons


def test_an_answer_that_never_comes_is_counted() -> None:
    clock = Clock()
    post = server(clock=clock)
    post.hear(datagram(2), PEER)
    sent = [post.downlink(Downlink("00a1b2c3", b"x"))[0] for _ in range(2)]
    assert post.rest() is None
    clock.now += 11
    rest = post.rest()
    assert rest is not None
    assert {item.reason: item.count for item in rest.rejected} == {"tx_unacknowledged": len({one[1:3] for one in sent})}
    assert post.rest() is None


@pytest.mark.parametrize(
    ("downlink", "settings", "reason"),
    [
        (Downlink("00a1b2c3", b"x"), {"transmit": None}, "no_transmit"),
        (Downlink("00a1b2c3"), {}, "empty"),
        (Downlink("00a1b2c3", bytes(256)), {}, "too_long"),
        (Downlink("99999999", b"x"), {}, "unknown_device"),
        (Downlink(OTHER, b"x"), {}, "no_route"),
    ],
)
def test_a_downlink_that_cannot_be(downlink: Downlink, settings: dict[str, Any], reason: str) -> None:
    post = server(**settings)
    post.hear(datagram(2), PEER)
    with pytest.raises(DownlinkError) as caught:
        post.downlink(downlink)
    assert caught.value.reason == reason
