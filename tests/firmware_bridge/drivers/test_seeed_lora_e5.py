"""A LoRa-E5: two lines a packet, kept together and in order, and the way of a detection into the outbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_bridge.drivers.seeed_lora_e5 import dialect, hear, new_decoder, open_source
from tests.firmware_bridge.drivers.radio_frames import (
    GOLDEN,
    READING,
    check_page,
    decode,
    modem_settings,
    sealed,
    told,
)
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.modems import LoraE5, ModemOnTty
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

SETTINGS = modem_settings("seeed_lora_e5")


def lines(content: bytes, rssi: int = -97, snr: int = 5) -> bytes:
    return LoraE5().heard(content, rssi, snr)


ACCEPTED = Golden(
    "LoRa-E5 AT command specification V1.0, TEST RXLRPKT; content: the example of firmware_bridge/README.md",
    SETTINGS,
    (b"+TEST: RXLRPKT\r\n", lines(GOLDEN)),
)
REJECTED = Golden("synthetic: half a byte", SETTINGS, (b'+TEST: RX "4"\r\n',))


def test_accepted_and_rejected() -> None:
    """The two lines as in the LoRa-E5 AT command specification V1.0 and in published logs; synthetic content."""
    assert lines(b"Hello", -106, 10) == b'+TEST: LEN:5, RSSI:-106, SNR:10\r\n+TEST: RX "48656C6C6F"\r\n'
    good = b"+AT: OK\r\n+TEST: RXLRPKT\r\n" + lines(GOLDEN)
    readings, reasons = decode(new_decoder(SETTINGS, {}), [good])
    assert [r.values() for r in readings] == [READING.values() | {"rssi_dbm": -97, "snr_decibels": 5}]
    assert not reasons
    bad = lines(b"Hello") + lines(GOLDEN)[:-6] + b'"\r\n' + b'+TEST: RX "4"\r\n+TEST: LEN:x\r\n' + lines(GOLDEN, -300)
    readings, reasons = decode(new_decoder(SETTINGS, {}), [bad])
    assert [r.values() for r in readings] == [READING.values() | {"snr_decibels": 5}]
    assert reasons == {"too_short": 1, "bad_line": 3, "out_of_range": 1}


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_cutting_the_stream_changes_nothing(sizes: list[int]) -> None:
    stream = b"boot\r\n" + b"".join(lines(sealed(n)) for n in (1, 2, 2, 3)) + b'+TEST: RX "00"\r\n'
    whole = decode(new_decoder(SETTINGS, {}), [stream])
    chunks, at = [], 0
    while at < len(stream):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream[at : at + size])
        at += size
    assert decode(new_decoder(SETTINGS, {}), chunks) == whole
    assert len(whole[0]) == 3


@given(st.binary(max_size=80))
def test_no_line_breaks_it(line: bytes) -> None:
    for begin in (b"", b"+TEST: LEN:", b"+TEST: RX "):
        hear(begin + line)


def test_it_is_told_its_radio_parameters() -> None:
    told_to = [command for step in dialect(SETTINGS).script for command in step.commands]
    assert "AT+TEST=RFCFG,916.8,SF9,125,8,8,14,ON,OFF,OFF" in told_to


@pytest.mark.parametrize(
    ("extra", "said"), [({"coding_rate": "4/8"}, "4/5 only"), ({"sync_word": "2b"}, "12 and 34 only")]
)
def test_what_it_cannot_do_is_said(extra: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        modem_settings("seeed_lora_e5", **extra)


@pytest.mark.slow
def test_from_a_tty_into_the_outbox(tmp_path: Path) -> None:
    settings = modem_settings("seeed_lora_e5", port=str(tmp_path / "port"))
    modem = LoraE5(lose={0})
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
    assert set(running.reasons) <= {"other_text"}
    check_page("seeed_lora_e5", told(running.readings[0]))
