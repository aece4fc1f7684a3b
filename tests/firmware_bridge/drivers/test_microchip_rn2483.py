"""An RN2483 or RN2903 on a serial line: its lines, its conversation, and the way of a detection into the outbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_bridge.drivers.microchip_rn2483 import new_decoder, open_source
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
from tests.support.modems import ModemOnTty, Rn2483
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

BOTH = modem_settings("microchip_rn2483", devices=[OURS, CLIMATE])


def line(content: bytes) -> bytes:
    return b"radio_rx  " + content.hex().upper().encode() + b"\r\n"


ACCEPTED = Golden(
    "RN2483 command reference DS40001784G, radio_rx; content: the Cayenne LPP documentation",
    BOTH,
    (b"radio_rx  07" + LPP.hex().upper().encode() + b"\r\n",),
)
REJECTED = Golden("synthetic: an odd number of digits", BOTH, (b"radio_rx  48656\r\n",))


def test_accepted_and_rejected() -> None:
    """The `radio_rx` line with two spaces: RN2483 command reference DS40001784G and the rn2xx3 libraries; its content
    synthetic (ours), the Cayenne LPP documentation (theirs)."""
    good = line(GOLDEN) + b"radio_err\r\nok\r\n" + line(b"\x07" + LPP)
    readings, reasons = decode(new_decoder(BOTH, {}), [good])
    assert readings == [READING, COLD]
    assert not reasons
    bad = b"radio_rx  48656\r\n" + line(GOLDEN) + line(b"\x08\x01") + line(sealed(3)[:-1] + b"\0") + b"what?\r\n"
    readings, reasons = decode(new_decoder(BOTH, {"00a1b2c3": (1, 0)}), [bad])
    assert not readings
    assert reasons == {"bad_line": 1, "duplicate": 1, "unknown_sender": 1, "bad_tag": 1, "other_text": 1}


@given(st.lists(st.integers(1, 200), min_size=1, max_size=8))
def test_cutting_the_stream_changes_nothing(sizes: list[int]) -> None:
    stream = b"noise\r\n" + b"".join(line(sealed(n)) for n in (1, 2, 2, 3)) + b"radio_rx  zz\r\n"
    whole = decode(new_decoder(BOTH, {}), [stream])
    chunks, at = [], 0
    while at < len(stream):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream[at : at + size])
        at += size
    assert decode(new_decoder(BOTH, {}), chunks) == whole
    assert len(whole[0]) == 3


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"frequency_hz": 868_100_000}, "868100000 Hz is not in the band au915"),
        ({"band": None}, "band"),
        ({"spreading_factor": 13}, "less than or equal to 12"),
        ({"sync_word": "0x12"}, "pattern"),
        ({"devices": []}, "name the sensors to listen to"),
        ({"devices": [OURS, OURS]}, "two devices have the id 00a1b2c3"),
        ({"default": {"name": "rio-arriba", "payload": {"codec": "cayenne_lpp"}}}, "two devices have the name"),
        ({"devices": [CLIMATE | {"id": "7"}]}, "pattern"),
        ({"devices": [{"id": "00a1b2c3", "name": "x"}]}, "needs either key or key_file"),
        (
            {"devices": [CLIMATE | {"key_file": "/etc/vigia/keys/x.key"}]},
            "a sensor of ours has key_file, one of another",
        ),
    ],
)
def test_settings_that_cannot_be_are_explained(extra: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        modem_settings("microchip_rn2483", **extra)


@pytest.mark.slow
@pytest.mark.expects_warnings
def test_from_a_tty_into_the_outbox(tmp_path: Path) -> None:
    """The gateway starts before the modem is there; the modem loses a command, restarts, and is unplugged once."""
    settings = modem_settings("microchip_rn2483", port=str(tmp_path / "port"))
    with kept_post(tmp_path / "outbox.db") as post:
        with RunningSource(open_source(settings, post.replay()), post.deliver) as running:
            counter = 0
            for life in range(2):
                modem = Rn2483(lose={3})
                with ModemOnTty(modem, tmp_path / "port", seed=life, garbage=True):
                    for _ in range(20):
                        wait_until("armed", lambda m=modem: m.is_listening)
                        counter += 1
                        assert modem.receive(sealed(counter), -97, 5)
                        wait_until("heard", running.has(counter))
                        if counter == 10:
                            modem.restart()
        assert len(post.readings()) == 40
        assert post.replay()["00a1b2c3"][0] == 40
    assert {"modem_reset"} <= set(running.reasons) <= {"modem_reset", "other_text"}
    first = running.readings[0]
    assert first.values() == READING.values() | {"rssi_dbm": -97, "snr_decibels": 5}
    check_page("microchip_rn2483", told(first))
