"""Datagrams of packet forwarders: answered as the protocol says, packets told once, what is none has a reason."""

from __future__ import annotations

import json
import socket
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_bridge.drivers.semtech_udp import SAMPLE, Settings, is_lorawan, open_source
from firmware_bridge.lorawan.forwarders import MAX_FORWARDERS
from firmware_bridge.lorawan.packet_forwarder import MAX_DATAGRAM_BYTES, MAX_PACKETS, Heard, read_push
from firmware_bridge.readings import Downlink, DownlinkError, Kind, make_reading
from tests.firmware_bridge.drivers.pages import as_block
from tests.firmware_bridge.drivers.radio_frames import check_page, told
from tests.firmware_bridge.drivers.radio_servers import ANY_JSON, check, decode
from tests.firmware_bridge.drivers.semtech_datagrams import (
    CLIMATE,
    DOCUMENTED,
    EUI,
    HEARD,
    OTHER,
    PEER,
    SETTINGS,
    STAT,
    Clock,
    datagram,
    frame,
    packet,
    push,
    server,
)
from tests.firmware_bridge.links.test_udp_link import free_udp_port
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

ACCEPTED = Golden(
    "PROTOCOL.TXT 1.4, PUSH_DATA; content: Cayenne LPP, one channel",
    Settings.model_validate(SETTINGS),
    (push(packet(CLIMATE)),),
)
REJECTED = Golden("PROTOCOL.TXT 1.4: the packets of its examples", ACCEPTED.settings, (push(*DOCUMENTED),))


def test_packets_of_the_protocols_examples() -> None:
    """Base64 without padding and of two alphabets, FSK, no time."""
    packets, stat = read_push(json.dumps({"rxpk": DOCUMENTED}).encode())
    assert stat is None
    assert packets == [
        Heard(
            bytes.fromhex("f834b808668309d1bee3c78934cdd56a2fb30e9b11ef53e7f423c0f6e08e37ce"),
            -35,
            5.1,
            "2013-03-31T16:21:17.528002Z",
            True,
        ),
        Heard(b"TEST_PACKET_1234", -75, None, "2013-03-31T16:21:17.530974Z", True),
        Heard(bytes.fromhex("cac811978e76c4d2dea7d4b5353220da5a26283c54827dc327b0c4f9bd3402cb"), -38, 5.5, "", True),
    ]


def test_accepted_frame_of_our_own() -> None:
    """Synthetic: the golden body in a frame on the air, by LoRa."""
    readings, reasons, replay = decode(server(), push(packet(frame(1), time="2026-03-01T12:00:05.123456Z")))
    assert readings == [
        make_reading(
            Kind.ACOUSTIC_DETECTION,
            "rio-arriba",
            HEARD.values() | {"rssi_dbm": -97, "snr_decibels": 5.25},
            label="chainsaw",
            age_s=3 + 4.877,
        )
    ]
    assert set(reasons) <= {"absent_sound_level_decibels", "absent_duration_seconds"}
    assert replay["00a1b2c3"][0] == 1


def test_rejected_packets_of_the_protocols_examples() -> None:
    readings, reasons, _ = decode(server(), push(*DOCUMENTED))
    assert not readings
    assert reasons == {"unknown_sender": 3}


def test_payloads_of_others() -> None:
    default = {"name": "clima-2", "payload": {"codec": "cayenne_lpp"}}
    readings, reasons, _ = decode(
        server(default=default), push(packet(CLIMATE), packet(CLIMATE[1:]), packet(b"\xff\xff"))
    )
    assert [(reading.sensor, reading.values()) for reading in readings] == [
        (name, {"temperature_celsius": 27.2, "rssi_dbm": -97, "snr_decibels": 5.25}) for name in ("clima-1", "clima-2")
    ]
    assert sum(reasons.values()) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_answers(version: int) -> None:
    told_of = server()
    answer, delivery = told_of.hear(datagram(0, {"rxpk": []}, version=version), PEER)
    assert (answer, delivery) == (bytes((version,)) + b"\xab\xcd\x01", None)
    answer, delivery = told_of.hear(datagram(2, version=version), PEER)
    assert (answer, delivery) == (bytes((version,)) + b"\xab\xcd\x04", None)
    answer, delivery = told_of.hear(datagram(0, b"not JSON", version=version), PEER)
    assert answer == bytes((version,)) + b"\xab\xcd\x01"  # it came; that it is of no use is counted
    assert delivery is not None


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (b"", "too_short"),
        (datagram(0)[:11], "too_short"),
        (datagram(0, b" " * MAX_DATAGRAM_BYTES), "too_long"),
        (datagram(0, {}, version=0), "bad_version"),
        (datagram(0, {}, version=3), "bad_version"),
        (datagram(1), "bad_kind"),
        (datagram(3, {"txpk": {}}), "bad_kind"),
        (datagram(9), "bad_kind"),
        (datagram(0, eui="ff" * 8), "unknown_gateway"),
        (datagram(0), "not_json"),
        (datagram(0, b'{"rxpk":['), "bad_json"),
        (datagram(0, {"rxpk": 5}), "bad_event"),
        (datagram(0, {"stat": "fine"}), "bad_stat"),
        (push({"rssi": "strong"}), "bad_rxpk"),
        (push(None), "bad_rxpk"),
        (push(packet(CLIMATE, stat=-1)), "bad_crc"),
        (push(packet(CLIMATE, stat=0)), "no_crc"),
        (push(packet(CLIMATE, size=6)), "bad_size"),
        (push(packet(CLIMATE, data="=!=")), "bad_payload"),
        (push(packet(CLIMATE, modu="LR-FHSS")), "unknown_modulation"),
        (push(packet(b"")), "empty_packet"),
        (push(packet(frame(1)[:-1] + b"\0")), "bad_tag"),
        (datagram(5, {"txpk_ack": {"error": "NONE"}}), "unknown_token"),
    ],
)
def test_what_gives_no_reading_has_a_reason(one: bytes, reason: str) -> None:
    readings, reasons, _ = decode(server(), one)
    assert not readings
    assert reasons == {reason: 1}


def test_one_bad_packet_leaves_the_others() -> None:
    readings, reasons, _ = decode(server(), push(packet(frame(1)), {"size": "big"}, packet(CLIMATE)))
    assert len(readings) == 2
    assert reasons["bad_rxpk"] == 1
    many = [packet(bytes((7, 3, 0x67, 0, number))) for number in range(256)] + [packet(CLIMATE)] * 3
    readings, reasons, _ = decode(server(), push(*many))
    assert len(readings) == MAX_PACKETS
    assert reasons == {"too_many_packets": 3}


@pytest.mark.parametrize(
    ("change", "rssi", "snr"),
    [
        ({}, -97, 5.25),
        ({"rssi": -97.0, "lsnr": "5.25"}, -97, 5.25),
        ({"rssi": None, "rssis": -99}, -99, 5.25),
        ({"rssi": -90, "rssis": -99}, -90, 5.25),
        ({"modu": "FSK", "datr": 50000, "lsnr": None}, -97, None),
        ({"modu": None, "datr": None}, -97, 5.25),
        (
            {
                "rssi": None,
                "lsnr": None,
                "rsig": [
                    {"ant": 0, "rssic": -110, "lsnr": -4},
                    {"ant": 1, "rssic": -101, "rssis": -103, "lsnr": 2},
                    {},
                ],
            },
            -101,
            2,
        ),
        ({"rssi": None, "lsnr": None, "rsig": "?"}, None, None),
        ({"rssi": -500}, None, 5.25),
    ],
)
def test_signals(change: dict[str, Any], rssi: float | None, snr: float | None) -> None:
    readings, _, _ = decode(server(), push(packet(CLIMATE, **change)))
    values = readings[0].values()
    assert (values.get("rssi_dbm"), values.get("snr_decibels")) == (rssi, snr)


@pytest.mark.parametrize(
    ("time", "age_ms", "counted"),
    [  # what a datagram tells was heard just now, whatever the concentrator's clock says
        ("2026-03-01T12:00:05.123456Z", 4877, False),
        ("2026-03-01 12:00:05 GMT", 5000, False),
        ("2026-03-01T12:00:11Z", 0, False),  # clocks that agree
        ("2026-03-01T13:00:00Z", 0, True),
        ("2026-02-27T12:00:10Z", 2 * 86_400_000, False),
        ("2026-01-01T12:00:00Z", 0, True),
        ("2013-03-31T16:21:17.528002Z", 0, True),
        ("noon", 0, False),
        (None, 0, False),
    ],
)
def test_times(time: str | None, age_ms: int, counted: bool) -> None:
    readings, reasons, _ = decode(server(), push(packet(CLIMATE, time=time)))
    assert [reading.age_ms for reading in readings] == [age_ms]
    assert reasons == ({"implausible_time": 1} if counted else {})


def test_a_packet_heard_twice_is_one_reading() -> None:
    clock = Clock()
    post = server(clock=clock)
    readings, reasons, _ = decode(
        post,
        push(packet(CLIMATE, lsnr=-3), packet(CLIMATE, lsnr=4), packet(CLIMATE, lsnr=1)),  # on three channels
        push(packet(CLIMATE, lsnr=9), eui=OTHER),  # by another concentrator
    )
    assert [reading.values()["snr_decibels"] for reading in readings] == [4]
    assert reasons == {"duplicate": 3}
    clock.now += 5
    assert len(decode(post, push(packet(CLIMATE)))[0]) == 1  # said again
    _, _, replay = decode(post, push(packet(frame(7))))
    clock.now += 5
    for one in (post, server(replay)):  # our own cannot be said again, not even after a restart
        readings, reasons, _ = decode(one, push(packet(frame(7))))
        assert not readings
        assert reasons == {"duplicate": 1}


def test_our_own_frames_need_no_crc() -> None:
    assert len(decode(server(), push(packet(frame(1), stat=0)))[0]) == 1


@pytest.mark.parametrize(
    ("content", "lorawan"),
    [
        # LoRaWAN specification 1.1: MHDR, then device address, FCtrl, FCnt, MIC at least
        ("00" + "11" * 22, True),  # join request
        ("40 f17dbe49 00 0200 01 954378762b11ff0d", True),  # unconfirmed data up
        ("80 04030201 00 0000 11223344", True),  # confirmed data up, nothing in it
        ("40 04030201 0f 0000 11223344", False),  # 15 bytes of options that are not there
        ("40 040302", False),
        ("c0" + "11" * 18, True),  # rejoin request
        ("00 67 0110", False),  # Cayenne LPP
        ("10a1b2c3", False),
    ],
)
def test_lorawan_frames_are_known_by_their_shape(content: str, lorawan: bool) -> None:
    assert is_lorawan(bytes.fromhex(content)) is lorawan
    reasons = decode(server(), push(packet(bytes.fromhex(content))))[1]
    assert (reasons == {"lorawan_frame": 1}) is lorawan


def test_the_state_of_a_concentrator() -> None:
    clock = Clock()
    post = server(clock=clock)
    readings, reasons, _ = decode(post, push(stat=STAT), push(stat=STAT | {"rxnb": 5}), push(stat=STAT))
    clock.now += 600
    more, _, _ = decode(post, push(stat={"rxnb": "3", "rxok": 1, "ackr": 50, "temp": 41.5, "lati": 0, "long": 0}))
    assert [(Kind(reading.kind), reading.sensor, reading.values()) for reading in readings + more] == [
        (
            Kind.DEVICE_STATUS,
            "techo",
            {"frames_heard_count": 2, "frames_valid_count": 2, "acknowledged_ratio": 1},
        ),
        (Kind.POSITION, "techo", {"latitude_degrees": 46.24, "longitude_degrees": 3.2523, "altitude_metres": 145}),
        (
            Kind.DEVICE_STATUS,
            "techo",
            {
                "frames_heard_count": 10,
                "frames_valid_count": 5,
                "acknowledged_ratio": 0.5,
                "device_temperature_celsius": 41.5,
            },
        ),
    ]
    assert not reasons


def test_without_a_list_any_concentrator_is_let_in_and_memory_is_bounded() -> None:
    post = server(gateways=[])
    readings, _, _ = decode(post, *(push(stat=STAT, eui=f"{number:016x}") for number in range(MAX_FORWARDERS + 5)))
    assert readings[0].sensor == "0" * 16
    assert len(readings) == 2 * (MAX_FORWARDERS + 5)
    assert len(decode(post, push(stat=STAT, eui=f"{0:016x}"))[0]) == 2  # forgotten, so new


def test_too_many_datagrams_are_counted_and_not_answered() -> None:
    clock = Clock()
    post = server(clock=clock, max_per_second=2)
    answers = [post.hear(datagram(2), PEER)[0] for _ in range(25)]
    assert sum(1 for answer in answers if answer) == 20
    assert decode(post, datagram(2))[1] == {"rate_exceeded": 1}
    assert post.hear(datagram(2, eui=OTHER), PEER)[0]  # the other is not held back
    clock.now += 1
    assert post.hear(datagram(2), PEER)[0]


@pytest.mark.parametrize(
    "change",
    [
        {"devices": []},
        {"gateways": [{"id": EUI, "name": "a"}, {"id": EUI, "name": "b"}]},
        {"gateways": [{"id": EUI, "name": "rio-arriba"}]},
        {"listen_address": "everywhere"},
        {"transmit": {"band": "au915", "frequency_hz": 868_100_000}},
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(SETTINGS | change)


@given(st.sampled_from([0, 2, 5]), st.binary(max_size=300))
def test_any_bytes_after_a_header(kind: int, body: bytes) -> None:
    check(server().feed(datagram(kind, body)))


@given(st.sampled_from([0, 5]), ANY_JSON)
def test_any_json(kind: int, body: Any) -> None:
    check(server().feed(datagram(kind, json.dumps(body).encode())))


@given(
    st.dictionaries(st.sampled_from(sorted({key for one in DOCUMENTED for key in one} | {"rsig", "rssis"})), ANY_JSON),
    st.dictionaries(st.sampled_from([*STAT, "temp"]), ANY_JSON),
)
def test_packets_with_anything_in_any_place(change: dict[str, Any], stat: dict[str, Any]) -> None:
    check(server().feed(push(packet(CLIMATE) | change, stat=STAT | stat)))


@given(st.binary(min_size=1, max_size=255), st.booleans(), st.booleans())
def test_any_packet_in_any_base64(content: bytes, urlsafe: bool, padded: bool) -> None:
    text = (urlsafe_b64encode if urlsafe else b64encode)(content).decode()
    packets, _ = read_push(json.dumps({"rxpk": [{"data": text if padded else text.rstrip("=")}]}).encode())
    assert isinstance(packets[0], Heard)
    assert packets[0].content == content
    check(server().feed(push(packet(content))))


def test_the_page_is_true() -> None:
    check_page("semtech_udp", told(decode(server(), push(packet(frame(1))))[0][0]))
    check_page("semtech_udp", as_block(SAMPLE))


@pytest.mark.slow
def test_from_a_socket_into_the_outbox(tmp_path: Path) -> None:
    """A packet forwarder that loses answers, sends again and out of order."""
    port = free_udp_port()
    settings = Settings.model_validate(SETTINGS | {"listen_port": port})
    here = ("127.0.0.1", port)
    with (
        kept_post(tmp_path / "outbox.db") as post,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forwarder,
        RunningSource(open_source(settings, post.replay()), post.deliver) as running,
    ):
        forwarder.settimeout(5)
        wait_until("listening", lambda: "listening" in running.source.state)
        speaker: Any = running.source
        with pytest.raises(DownlinkError, match="no_route"):
            speaker.say(Downlink("00a1b2c3", b"x"))
        forwarder.sendto(datagram(2, token=b"\0\1"), here)
        assert forwarder.recv(100) == b"\x02\0\1\x04"
        for number in (3, 1, 2, 3):  # 3 before 1, and again: its answer was lost
            forwarder.sendto(push(packet(frame(number)), packet(bytes((7, 3, 0x67, 0, number)))), here)
        forwarder.sendto(b"noise", here)
        forwarder.sendto(push(stat=STAT), here)
        wait_until("all readings", running.has(8))
        wait_until("the noise is counted", lambda: running.reasons["too_short"] == 1)
        assert [forwarder.recv(100)[3] for _ in range(5)] == [1] * 5
        speaker.say(Downlink("00a1b2c3", b"go"))
        sent = forwarder.recv(1000)
        assert json.loads(sent[4:])["txpk"]["data"] == "Z28="
        forwarder.sendto(datagram(5, {"txpk_ack": {"error": "TOO_LATE"}}, token=sent[1:3]), here)
        wait_until("refused", lambda: running.reasons["tx_too_late"] == 1)
        kept = Counter(reading.sensor for reading in post.readings())
        assert kept == {"rio-arriba": 3, "clima-1": 3, "techo": 2}
        assert post.tallies()["concentrador", "tx_too_late"] == 1
    with pytest.raises(DownlinkError, match="not_connected"):
        speaker.say(Downlink("00a1b2c3", b"x"))
