"""An Ebyte E22 in transparent mode: which byte is the RSSI, whatever was lost; a detection on its way to the outbox."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers.ebyte_e22 import E22Stream, new_decoder, open_source
from firmware_bridge.framing import cobs_frames
from firmware_bridge.links.modem_dialect import Event, Packet
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
from tests.support.running_source import RunningSource
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until

E22 = {"band": None, "frequency_hz": None}
SETTINGS = modem_settings("ebyte_e22", **E22)
STRONG = 159  # -97 dBm


def wire(content: bytes, rssi: int | None = STRONG, *, led: bool = False) -> bytes:
    """A packet on the line; led: with a delimiter before it as well."""
    frame = cobs_frames.encode(b"\0" + content)
    return (b"\0" if led else b"") + frame + (b"" if rssi is None else bytes((rssi,)))


def listen(chunks: list[bytes], **extra: object) -> tuple[list[tuple[bytes, float | None]], list[str]]:
    """Packets and reasons; an empty chunk is a silence."""
    stream = E22Stream(modem_settings("ebyte_e22", **E22, **extra), patient=True)
    events: list[Event] = []
    now = 0.0
    for chunk in [*chunks, b""]:
        now += 0.01 if chunk else 1.0
        events += stream.feed(chunk, now) if chunk else stream.tick(now)
    packets = [(e.content, e.rssi_dbm) for e in events if isinstance(e, Packet)]
    return packets, [e.reason for e in events if isinstance(e, Rejected)]


ACCEPTED = Golden(
    "E22-xxxT22S user manual, RSSI byte; content: the example of firmware_bridge/README.md", SETTINGS, (wire(GOLDEN),)
)
REJECTED = Golden("synthetic: sealed with another key", SETTINGS, (wire(sealed(1, key="ff" * 16)),))


def test_accepted_and_rejected() -> None:
    """The RSSI byte after a packet, dBm = -(256 - E): E22-xxxT22S user manual; contents synthetic (ours) and of the
    Cayenne LPP documentation."""
    both = modem_settings("ebyte_e22", **E22, devices=[OURS, CLIMATE])
    good = wire(GOLDEN) + wire(b"\x07" + LPP, 196, led=True)
    readings, reasons = decode(new_decoder(both, {}), [good])
    assert [r.values() for r in readings] == [READING.values() | {"rssi_dbm": -97}, COLD.values() | {"rssi_dbm": -60}]
    assert not reasons
    bad = wire(sealed(1, key="ff" * 16)) + wire(b"")[:3] + b"\0" + cobs_frames.encode(b"\x05" + GOLDEN) + b"\x80"
    readings, reasons = decode(new_decoder(both, {}), [bad])
    assert not readings
    assert set(reasons) <= {"bad_tag", "bad_cobs", "bad_crc", "too_short", "bad_envelope"}
    assert reasons["bad_envelope"] == 1


@pytest.mark.parametrize("led", [False, True])
@pytest.mark.parametrize("rssi", [1, 17, 24, 159, 255])
def test_the_byte_after_a_frame_is_its_rssi(led: bool, rssi: int) -> None:
    contents = [sealed(n) for n in range(1, 8)]
    stream = b"".join(wire(content, rssi, led=led) for content in contents)
    expected = [(content, float(rssi - 256)) for content in contents]
    assert listen([stream]) == (expected, [])
    assert listen([bytes((byte,)) for byte in stream]) == (expected, [])
    assert listen([part for content in contents for part in (wire(content, rssi, led=led), b"")]) == (expected, [])


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=60), st.integers(1, 255), st.booleans()), max_size=6), st.data()
)
def test_cutting_the_stream_loses_no_packet(packets: list[tuple[bytes, int, bool]], data: st.DataObject) -> None:
    stream = b"".join(wire(content, rssi, led=led) for content, rssi, led in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if a < b]
    heard, _ = listen(chunks)
    assert heard == [(content, float(rssi - 256)) for content, rssi, _ in packets]


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_hole_in_the_stream_costs_only_what_it_touches(start: int, length: int) -> None:
    contents = [sealed(n) for n in range(1, 9)]
    stream = b"".join(wire(content, led=n % 2 == 0) for n, content in enumerate(contents))
    heard, _ = listen([stream[:start] + stream[start + length :]])
    touched = length // len(wire(contents[0])) + 2
    assert len(heard) >= len(contents) - touched
    assert all(content in contents for content, _ in heard)


def test_an_rssi_byte_that_is_not_there_or_not_announced() -> None:
    contents = [sealed(n) for n in (1, 2, 3)]
    silent = [part for content in contents for part in (wire(content, None), b"")]
    assert listen(silent) == ([(c, None) for c in contents], ["absent_rssi_dbm"] * 3)
    assert listen([b"".join(wire(c, None) for c in contents)])[0] == [(c, None) for c in contents]
    unannounced = b"".join(wire(c, 159, led=True) for c in contents)
    assert listen([unannounced], rssi_byte=False)[0] == [(c, None) for c in contents]


def test_what_was_half_read_when_the_port_went_has_a_reason() -> None:
    stream = E22Stream(modem_settings("ebyte_e22", **E22), patient=True)
    assert stream.feed(wire(GOLDEN)[:9], 0.0) == []
    (half,) = stream.lost()
    assert isinstance(half, Rejected)
    assert stream.feed(wire(GOLDEN, led=True), 5.0) == []
    assert stream.tick(6.0) == [Packet(GOLDEN, -97.0)]


def test_half_a_frame_does_not_swallow_the_next() -> None:
    """A sensor that lost its power in the middle, and speaks again when it has some."""
    stream = E22Stream(modem_settings("ebyte_e22", **E22), patient=True)
    assert stream.feed(wire(GOLDEN)[:9], 0.0) == []
    assert stream.tick(0.5) == []
    (half,) = stream.tick(1.5)
    assert isinstance(half, Rejected)
    assert stream.feed(wire(GOLDEN), 5.0) == []
    assert stream.tick(6.0) == [Packet(GOLDEN, -97.0)]


def test_older_modems_count_halves() -> None:
    assert listen([wire(GOLDEN, 194)], rssi_formula="half")[0] == [(GOLDEN, -97.0)]


def test_bursts_end_in_silence() -> None:
    heard = listen([GOLDEN[:9], GOLDEN[9:] + b"\x9f", b"", LPP + b"\xc4"], framing="bursts")
    assert heard == ([(GOLDEN, -97.0), (LPP, -60.0)], [])
    assert listen([LPP, b"", b"\x9f"], framing="bursts", rssi_byte=False)[0] == [(LPP, None), (b"\x9f", None)]
    assert listen([b"x" * 600, b"", LPP + b"\xc4"], framing="bursts") == ([(LPP, -60.0)], ["overlong_bytes"])


@given(st.lists(st.binary(max_size=300), max_size=20), st.sampled_from(["cobs", "bursts"]), st.booleans())
def test_noise_is_bounded_and_gives_reasons(chunks: list[bytes], framing: str, rssi_byte: bool) -> None:
    stream = E22Stream(modem_settings("ebyte_e22", **E22, framing=framing, rssi_byte=rssi_byte), patient=True)
    for n, chunk in enumerate(chunks):
        stream.feed(chunk, n * 0.07)
        assert len(stream._rest) <= cobs_frames.MAX_FRAME_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["cobs", "bursts"])
def test_from_a_tty_into_the_outbox(tmp_path: Path, framing: str) -> None:
    pair = TtyPair(tmp_path / "port")
    settings = modem_settings("ebyte_e22", **E22, port=str(pair.link), framing=framing)
    with (
        kept_post(tmp_path / "outbox.db") as post,
        RunningSource(open_source(settings, {}), post.deliver) as running,
    ):
        for counter in range(1, 11):
            pair.say(wire(sealed(counter), led=True) if framing == "cobs" else sealed(counter) + bytes((STRONG,)))
            wait_until("heard", running.has(counter))
        assert [r.values() for r in post.readings()] == [READING.values() | {"rssi_dbm": -97}] * 10
        os.set_blocking(pair.master, False)
        with pytest.raises(BlockingIOError):
            os.read(pair.master, 1)  # nothing is ever said to it
    assert not running.reasons
    pair.unplug()
    check_page("ebyte_e22", told(running.readings[0]))
