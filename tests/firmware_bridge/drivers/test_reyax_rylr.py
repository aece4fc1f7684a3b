"""A REYAX modem: data cut by its length, whatever bytes it holds, and the way of a detection into the outbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_bridge.drivers.reyax_rylr import dialect, hear_model, new_decoder, open_source
from firmware_bridge.links.modem_dialect import Packet
from firmware_bridge.links.modem_session import HELD_S, ModemSession
from firmware_bridge.readings import Rejected
from tests.firmware_bridge.drivers.radio_frames import (
    CLIMATE,
    COLD,
    GOLDEN,
    LPP,
    OURS,
    READING,
    check_page,
    decode,
    modem_settings,
    sealed,
    told,
)
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.modems import ModemOnTty, Rylr998
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

BOTH = modem_settings("reyax_rylr", devices=[OURS, CLIMATE | {"id": "50"}])


def line(sender: int, data: bytes, rssi: int = -97, snr: int = 5) -> bytes:
    return b"+RCV=%d,%d,%b,%d,%d\r\n" % (sender, len(data), data, rssi, snr)


ACCEPTED = Golden(
    "AT command guides of RYLR896 and RYLR998, +RCV; content: the Cayenne LPP documentation",
    BOTH,
    (line(50, LPP, -99, 40),),
)
REJECTED = Golden("the guides' example, without its last field", BOTH, (b"+RCV=50,5,HELLO,-99\r\n",))


def test_accepted_and_rejected() -> None:
    """`+RCV=50,5,HELLO,-99,40` is the example of both AT command guides; contents synthetic (ours) and of the Cayenne
    LPP documentation."""
    assert line(50, b"HELLO", -99, 40) == b"+RCV=50,5,HELLO,-99,40\r\n"
    good = b"+READY\r\n+OK\r\n" + line(7, GOLDEN) + line(50, LPP, -60, 11) + line(7, sealed(2).hex().encode())
    readings, reasons = decode(new_decoder(BOTH, {}), [good])
    near, far = {"rssi_dbm": -60, "snr_decibels": 11}, {"rssi_dbm": -97, "snr_decibels": 5}
    expected = [READING.values() | far, COLD.values() | near, READING.values() | far]
    assert [r.values() for r in readings] == expected
    assert not reasons
    bad = b"+RCV=50,5,HELLO,-99\r\n+RCV=51,2,hi,-9,4\r\n+RCV=50,0,,-9,4\r\n+RCV=7,x\r\n+RCV=50,999,a,-1,1\r\n" + line(
        7, sealed(1, key="ff" * 16)
    )
    readings, reasons = decode(new_decoder(BOTH, {}), [bad])
    assert not readings
    assert reasons == {"bad_line": 3, "unknown_sender": 1, "empty_packet": 1, "bad_tag": 1}


@given(st.lists(st.binary(min_size=1, max_size=240), min_size=1, max_size=5), st.data())
def test_data_may_be_any_bytes(contents: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line(n, content, -50 - n, n) for n, content in enumerate(contents))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    session = ModemSession(dialect(BOTH).mute())
    heard = []
    for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        heard += session.feed(stream[a:b], 0.0)
    hexed = [bytes.fromhex(c.decode()) if c[:2] == b"10" and len(c) >= 32 and c.isalnum() else c for c in contents]
    assert heard == [Packet(c, -50.0 - n, float(n), str(n)) for n, c in enumerate(hexed)]


@pytest.mark.parametrize(
    "data", [b"a,b,-1,2", b"\n", b"\r\n", b"\r\n+OK\r\n", b",-99,40\r\n+RCV=1,1,x,-1,1\r\n", b"\0\xff"]
)
def test_data_that_looks_like_lines(data: bytes) -> None:
    session = ModemSession(dialect(BOTH).mute())
    assert session.feed(line(50, data) + line(51, b"next"), 0.0) == [
        Packet(data, -97.0, 5.0, "50"),
        Packet(b"next", -97.0, 5.0, "51"),
    ]


def test_a_damaged_line_takes_no_other_with_it() -> None:
    lost = line(50, b"0123456789").replace(b"345", b"")
    readings, reasons = decode(new_decoder(BOTH, {}), [lost + line(50, LPP) + line(50, LPP)])
    assert len(readings) == 2
    assert reasons == {"bad_line": 1}


def test_a_line_that_promised_too_much_holds_nothing_back() -> None:
    """What follows it comes out after a second of silence, all of it."""
    session = ModemSession(dialect(BOTH).mute())
    later = [line(50, b"one"), line(51, b"t\nwo"), line(52, b"three")]
    assert session.feed(b"+RCV=50,200,ab\r\n" + b"".join(later), 10.0) == []
    assert session.tick(10.0 + HELD_S / 2) == []
    damaged, *heard = session.tick(10.0 + HELD_S)
    assert isinstance(damaged, Rejected)
    assert heard == [
        Packet(b"one", -97.0, 5.0, "50"),
        Packet(b"t\nwo", -97.0, 5.0, "51"),
        Packet(b"three", -97.0, 5.0, "52"),
    ]
    assert session.tick(100.0) == []


@given(st.binary(max_size=80))
def test_no_line_breaks_it(noise: bytes) -> None:
    for begin in (b"", b"+RCV=", b"+RCV=1,5,"):
        hear_model("rylr998")(begin + noise)


def test_the_older_model_tells_quarter_decibels() -> None:
    (heard,) = hear_model("rylr896")(b"+RCV=50,5,HELLO,-99,40")
    assert heard == Packet(b"HELLO", -99.0, 10.0, "50")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"spreading_factor": 10}, "spreading factors up to 9"),
        ({"network_id": 17}, "network ids 3 to 15, and 18"),
        ({"model": "rylr896", "network_id": 18}, "network ids 0 to 16"),
        ({"devices": [CLIMATE | {"id": "65536000"}]}, "an address is 0 to 65535"),
    ],
)
def test_what_it_cannot_do_is_said(extra: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        modem_settings("reyax_rylr", **extra)


def test_it_is_told_its_radio_parameters() -> None:
    plain = [command for step in dialect(BOTH).script for command in step.commands]
    assert "AT+PARAMETER=9,7,1,12" in plain
    older = modem_settings(
        "reyax_rylr", model="rylr896", network_id=5, spreading_factor=12, bandwidth_khz=250, coding_rate="4/8"
    )
    assert "AT+PARAMETER=12,8,4,7" in [command for step in dialect(older).script for command in step.commands]


@pytest.mark.slow
def test_from_a_tty_into_the_outbox(tmp_path: Path) -> None:
    settings = modem_settings("reyax_rylr", port=str(tmp_path / "port"))
    modem = Rylr998(lose={2}, busy={5: 1})
    with (
        kept_post(tmp_path / "outbox.db") as post,
        ModemOnTty(modem, tmp_path / "port", garbage=True),
        RunningSource(open_source(settings, {}), post.deliver) as running,
    ):
        wait_until("set up", lambda: "listens" in running.source.state)
        for counter in range(1, 31):
            assert modem.receive(sealed(counter), -97, 5)
        wait_until("30 readings", running.has(30))
        assert [r.values() for r in post.readings()] == [READING.values() | {"rssi_dbm": -97, "snr_decibels": 5}] * 30
    assert set(running.reasons) <= {"other_text"}
    check_page("reyax_rylr", told(running.readings[0]))
