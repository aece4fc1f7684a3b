"""Frames of our own sensors, through the whole driver and over a real tty: always a true reading or a reason."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import firmware_bridge
from firmware_bridge.delivery import Delivery
from firmware_bridge.drivers.vigia_sensor import Settings, VigiaSensorDecoder, open_source
from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import Kind, Reading, make_reading
from tests.support.golden import Golden
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until

KEY = "00112233445566778899aabbccddeeff"
OTHER_KEY = "ff" * 16
DEVICE = 0x00A1B2C3
GOLDEN = "05 01 61 15 10 04 a1 b2 c3 01 01 13 01 10 d6 ad 77 f9 ac 5f 50 35 d8 5d 27 3a 84 10 99 86 00"
READING = make_reading(
    Kind.ACOUSTIC_DETECTION,
    "rio-arriba",
    {"confidence_ratio": 0.9, "sound_level_decibels": 60.5, "duration_seconds": 3.2, "battery_volts": 3.98},
    label="chainsaw",
    age_s=3,
)


def settings(port: str = "/dev/none", **extra: Any) -> Settings:
    devices = extra.pop("devices", [{"id": "00a1b2c3", "name": "rio-arriba", "key": KEY}])
    return Settings.model_validate(
        {"driver": "vigia_sensor", "name": "radio", "port": port, "devices": devices} | extra
    )


def frame(
    counter: int, *, key: str = KEY, device: int = DEVICE, envelope: bytes = b"\0", reading: Reading = READING
) -> bytes:
    sealed = seal(new_cipher(bytes.fromhex(key)), device, counter, encode_body(reading))
    return cobs_frames.encode(envelope + sealed)


def decode(chunks: Iterable[bytes], decoder: VigiaSensorDecoder | None = None) -> tuple[list[Reading], Counter[str]]:
    decoder = decoder or VigiaSensorDecoder(settings(), {})
    readings: list[Reading] = []
    reasons: Counter[str] = Counter()
    for chunk in chunks:
        delivery = decoder.feed(chunk)
        if delivery is not None:
            readings += delivery.readings
            reasons.update({r.reason: r.count for r in delivery.rejected})
    return readings, reasons


ACCEPTED = Golden("synthetic: the example of firmware_bridge/README.md", settings(), (bytes.fromhex(GOLDEN),))
REJECTED = Golden("synthetic: sealed with another key", settings(), (frame(1, key=OTHER_KEY),))


def test_golden_line() -> None:
    """Synthetic: the golden device frame on a receiver's line, at -97 dBm and 5.25 dB. The README shows it."""
    assert frame(1, envelope=bytes((1, 97, 21))) == bytes.fromhex(GOLDEN)
    readme = Path(firmware_bridge.__path__[0], "README.md").read_text()
    assert GOLDEN in readme
    assert KEY in readme


def test_wired_and_by_radio() -> None:
    readings, reasons = decode([frame(1) + frame(2, envelope=bytes((1, 97, 0xF5)))])
    assert readings[0] == READING
    assert readings[1].values() == READING.values() | {"rssi_dbm": -97, "snr_decibels": -2.75}
    assert not reasons


@pytest.mark.parametrize(
    ("signal", "there", "reasons"),
    [
        ((255, 0x80), set(), {"absent_rssi_dbm": 1, "absent_snr_decibels": 1}),
        ((255, 4), {"snr_decibels"}, {"absent_rssi_dbm": 1}),
        ((90, 0x80), {"rssi_dbm"}, {"absent_snr_decibels": 1}),
        ((201, 4), {"snr_decibels"}, {"out_of_range": 1}),
    ],
)
def test_a_signal_that_is_absent_is_counted(signal: tuple[int, int], there: set[str], reasons: dict[str, int]) -> None:
    readings, counted = decode([frame(1, envelope=bytes((1, *signal)))])
    assert set(readings[0].values()) - set(READING.values()) == there
    assert counted == reasons


def test_absent_values_are_counted() -> None:
    alone = make_reading(Kind.CAMERA_DETECTION, "rio-arriba", {"picture_number": 7}, label="jaguar")
    readings, reasons = decode([frame(1, reading=alone)])
    assert readings == [alone]
    assert reasons == {"absent_battery_volts": 1, "absent_confidence_ratio": 1, "absent_individuals_count": 1}


def test_every_rejection_has_its_reason() -> None:
    body = new_cipher(bytes.fromhex(KEY))
    stream = {
        "bad_tag": frame(1, key=OTHER_KEY),
        "unknown_device": frame(1, device=5),
        "duplicate": frame(100) + frame(100),
        "replayed": frame(20),
        "bad_envelope": cobs_frames.encode(b"\x02" + bytes(24)) + cobs_frames.encode(b"\x01\x50"),
        "too_short": cobs_frames.encode(b"\0"),
        "bad_kind": cobs_frames.encode(b"\0" + seal(body, DEVICE, 101, bytes((9, 0, 0, 0)))),
    }
    readings, reasons = decode([b"".join(stream.values())])
    assert readings == [READING]
    assert reasons == dict.fromkeys(stream, 1) | {"bad_envelope": 2}


@given(st.integers(1, 40), st.integers(0, 2**16))
def test_altered_streams_never_give_a_wrong_reading(position: int, noise: int) -> None:
    """One byte of the line changed at will: the reading that was sent, or none."""
    stream = bytearray(b"\0" + frame(1, envelope=bytes((1, 97, 8))))
    stream[position % len(stream)] ^= noise & 0xFF
    readings, _ = decode([bytes(stream) + b"\0"])
    assert all(reading.values().items() >= READING.values().items() for reading in readings)
    assert len(readings) <= 1


@given(st.lists(st.integers(1, 90), max_size=60), st.data())
def test_no_frame_counts_twice_even_across_restarts(counters: list[int], data: st.DataObject) -> None:
    replay: dict[str, tuple[int, int]] = {}
    decoder = VigiaSensorDecoder(settings(), replay)
    accepted: list[int] = []
    for counter in counters:
        delivery = decoder.feed(frame(counter))
        assert delivery is not None
        accepted += [counter] * len(delivery.readings)
        replay |= delivery.replay
        if data.draw(st.booleans()):
            decoder = VigiaSensorDecoder(settings(), replay)
    assert len(accepted) == len(set(accepted))


def test_cutting_the_stream_changes_nothing() -> None:
    stream = b"garbage\0" + b"".join(frame(n) for n in (1, 2, 2, 3)) + frame(4)[:9] + b"\0" + frame(5)
    whole = decode([stream])
    assert whole == decode(bytes((byte,)) for byte in stream)
    assert len(whole[0]) == 4


def test_replay_states_travel_with_the_readings() -> None:
    delivery = VigiaSensorDecoder(settings(), {"00a1b2c3": (6, 0), "0000beef": (9, 1)}).feed(frame(7) + frame(9))
    assert delivery is not None
    assert delivery.replay == {"00a1b2c3": (9, 0b110)}


def test_keys_are_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = settings()
    decode([frame(1) + frame(1, key=OTHER_KEY)], VigiaSensorDecoder(told, {}))
    seen = repr(told) + str(told) + told.model_dump_json() + caplog.text
    assert KEY not in seen
    for bad in (KEY + "0", KEY[:-1] + "g", int(KEY[:20], 16)):
        with pytest.raises(ValidationError) as refused:
            settings(devices=[{"id": "00a1b2c3", "name": "a", "key": bad}])
        assert str(bad)[:12] not in str(refused.value)
        assert "32 hex digits, in quotes" in str(refused.value)


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ([], "at least 1 item"),
        ([{"id": "A1", "name": "a", "key": KEY}], "pattern"),
        ([{"id": "00000001", "name": "", "key": KEY}], "1 to 32 printable bytes"),
        ([{"id": "00000001", "name": "ñ" * 17, "key": KEY}], "1 to 32 printable bytes"),
        ([{"id": "00000001", "name": "a"}], "needs either key or key_file"),
        ([{"id": "00000001", "name": n, "key": KEY} for n in "ab"], "two devices have the id 00000001"),
        ([{"id": f"0000000{n}", "name": "a", "key": KEY} for n in (1, 2)], "two devices have the name a"),
    ],
)
def test_settings_that_cannot_be_are_explained(devices: list[dict[str, str]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(devices=devices)


def test_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    told = settings(devices=[{"id": "00a1b2c3", "name": "rio-arriba", "key_file": path}])
    assert decode([frame(1)], VigiaSensorDecoder(told, {})) == ([READING], Counter())


@pytest.mark.expects_warnings
@pytest.mark.parametrize("content", [None, b"", b"not a key", bytes(5000)])
def test_a_key_file_that_cannot_be_read_silences_one_sensor_only(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    told = settings(
        devices=[
            {"id": "00000001", "name": "mute", "key_file": path},
            {"id": "00a1b2c3", "name": "rio-arriba", "key": KEY},
        ]
    )
    decoder = VigiaSensorDecoder(told, {})
    assert "nothing will be heard from mute" in caplog.text
    assert decode([frame(1, device=1) + frame(1)], decoder) == ([READING], Counter({"no_key": 1}))
    delivery = decoder.feed(frame(2, device=1))
    assert delivery is not None
    assert [item.detail for item in delivery.rejected] == ["the key of device 00000001 could not be read"]


@pytest.mark.expects_warnings
def test_end_to_end_over_a_tty_torn_out_and_put_back(tmp_path: Path) -> None:
    deliveries: list[Delivery] = []
    stop = threading.Event()
    source = open_source(settings(str(tmp_path / "port")), {})
    thread = threading.Thread(target=source.run, args=(deliveries.append, stop))
    thread.start()
    try:
        for first in (1, 101):
            pair = TtyPair(tmp_path / "port")
            pair.say(b"garbage" + frame(first)[:7] + b"\0" + b"".join(frame(first + n) for n in range(100)))
            wait_until("100 more", lambda: sum(len(d.readings) for d in deliveries) == first + 99)  # noqa: B023 - used at once
            pair.unplug()
            wait_until("lost", lambda: "was lost" in source.state)
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()
    assert deliveries[-1].replay == {"00a1b2c3": (200, 2**63 - 1)}
    assert {r.reason for d in deliveries for r in d.rejected} <= {"bad_cobs", "bad_crc"}


def test_what_deliver_raises_comes_through(tmp_path: Path) -> None:
    pair = TtyPair(tmp_path / "port")
    pair.say(frame(1))

    def full(delivery: Delivery) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        open_source(settings(str(pair.link)), {}).run(full, threading.Event())
    pair.unplug()
