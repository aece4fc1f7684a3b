"""A RAK module: the forms in which its firmware tells of packets, and the way of a detection into the outbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers.rak_rui3 import hear, new_decoder, open_source
from firmware_bridge.links.modem_dialect import Half, Packet, Payload
from tests.firmware_bridge.drivers.radio_frames import (
    COLD,
    GOLDEN,
    LPP,
    READING,
    check_page,
    decode,
    modem_settings,
    sealed,
    told,
)
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.modems import ModemOnTty, Rak3172
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

SETTINGS = modem_settings("rak_rui3", default={"name": "clima-maloca", "payload": {"codec": "cayenne_lpp"}})


ACCEPTED = Golden(
    "RUI3 AT command manual, +EVT:RXP2P; content: the Cayenne LPP documentation",
    SETTINGS,
    (b"+EVT:RXP2P:-60:11:" + LPP.hex().upper().encode() + b"\r\n",),
)
REJECTED = Golden("synthetic: an odd number of digits", SETTINGS, (b"+EVT:RXP2P:-60:11:AABBCCD\r\n",))


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        # RUI3 AT command manual; the content of the second spells "Hello Rak3172", from a published log of a RAK3172.
        (b"+EVT:RXP2P:-60:11:AABBCCDD", Packet(b"\xaa\xbb\xcc\xdd", -60, 11)),
        (b"+EVT:RXP2P:-28:5:48656C6C6F2052616B33313732", Packet(b"Hello Rak3172", -28, 5)),
        # Firmware 1.0.x and WisBlock API, two lines.
        (b"+EVT:RXP2P, RSSI -60, SNR 11", Half(-60, 11)),
        (b"+EVT:AABBCCDD", Payload(b"\xaa\xbb\xcc\xdd")),
        # RAK811 and RAK4200 AT command manuals.
        (b"at+recv=1,-65,6,2:4865", Packet(b"He", -65, 6)),
        (b"at+recv=-60,11,4,AABBCCDD", Packet(b"\xaa\xbb\xcc\xdd", -60, 11)),
    ],
)
def test_each_form(line: bytes, heard: object) -> None:
    assert list(hear(line)) == [heard]


def test_accepted_and_rejected() -> None:
    """Forms as above; contents synthetic (ours) and of the Cayenne LPP documentation."""
    good = b"OK\r\n\r\n+EVT:RXP2P:-97:5:%b\r\n+EVT:TXP2P DONE\r\n+EVT:RXP2P, RSSI -60, SNR 11\r\n+EVT:%b\r\n" % (
        GOLDEN.hex().encode(),
        LPP.hex().upper().encode(),
    )
    readings, reasons = decode(new_decoder(SETTINGS, {}), [good])
    signals = [{"rssi_dbm": -97, "snr_decibels": 5}, {"rssi_dbm": -60, "snr_decibels": 11}]
    assert [r.values() for r in readings] == [READING.values() | signals[0], COLD.values() | signals[1]]
    assert not reasons
    bad = [
        b"+EVT:RXP2P:-60:11:AABBCCD",
        b"+EVT:RXP2P:-60:AABB",
        b"at+recv=1,-65,6,3:4865",
        b"+EVT:RX_1:-70:8:UNICAST:1:1234",
        b"at+recv=0,-105,-12,0",
        b"+EVT:RXP2P:-260:5:" + LPP.hex().encode(),
        b"hello",
    ]
    readings, reasons = decode(new_decoder(SETTINGS, {}), [b"\r\n".join(bad) + b"\r\n"])
    assert [r.values() for r in readings] == [COLD.values() | {"snr_decibels": 5}]
    assert reasons == {"bad_line": 3, "lorawan_line": 2, "out_of_range": 1, "other_text": 1}


@given(st.binary(max_size=80))
def test_no_line_breaks_it(line: bytes) -> None:
    for begin in (b"", b"+EVT:", b"+EVT:RXP2P:", b"at+recv="):
        hear(begin + line)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["rui3", "two_lines"])
def test_from_a_tty_into_the_outbox(tmp_path: Path, form: str) -> None:
    settings = modem_settings("rak_rui3", port=str(tmp_path / "port"))
    modem = Rak3172(form=form, lose={1}, busy={5: 1})
    with (
        kept_post(tmp_path / "outbox.db") as post,
        ModemOnTty(modem, tmp_path / "port", garbage=True),
        RunningSource(open_source(settings, {}), post.deliver) as running,
    ):
        wait_until("armed", lambda: modem.is_listening)
        for counter in range(1, 31):
            assert modem.receive(sealed(counter), -97, 5)
        wait_until("30 readings", running.has(30))
        assert [r.values() for r in post.readings()] == [READING.values() | {"rssi_dbm": -97, "snr_decibels": 5}] * 30
    assert set(running.reasons) <= {"other_text", "modem_refused"}
    check_page("rak_rui3", told(running.readings[0]))
