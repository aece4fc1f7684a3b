"""Clips of every recorder and firmware: length, level and what is written into them, whatever the chunks look like."""

from __future__ import annotations

import datetime as dt
import io
import struct
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.media.recorder_notes import RecorderNotes, read_notes
from firmware_bridge.media.wav import WavFacts, read_wav
from firmware_bridge.readings import Rejected
from tests.firmware_bridge.media.clips_made import chunk, clip, form, info, samples, wav


def facts(content: bytes) -> WavFacts:
    found = read_wav(io.BytesIO(content), len(content))
    assert isinstance(found, WavFacts), found
    return found


def reason(content: bytes) -> str:
    found = read_wav(io.BytesIO(content), len(content))
    assert isinstance(found, Rejected), found
    return found.reason


def comment(words: str) -> RecorderNotes:
    return read_notes({"ICMT": words}, {})


# Comments as the firmware of each version forms them (AudioMoth-Firmware-Basic, setHeaderComment) and as published
# recordings have them.
COMMENTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "1.0.1",
        (
            "Recorded at 19:17:30 06/04/2018 (UTC) by AudioMoth 0FE081F80FE081F0 at gain setting 2 while battery"
            " state was"
            " 4.5V"
        ),
        {"taken": (2018, 4, 6, 19, 17, 30), "offset": 0, "device": "AudioMoth 0FE081F80FE081F0", "gain": "2", "v": 4.5},
    ),
    (
        "1.2.1",
        (
            "Recorded at 01:02:03 04/05/2019 (UTC-3) by AudioMoth 24488903 at gain setting 3 while battery state was"
            " < 3.6V. Recording cancelled before completion due to low voltage."
        ),
        {"taken": (2019, 5, 4, 1, 2, 3), "offset": -180, "gain": "3", "v": 3.6, "bound": "<", "stopped": "low voltage"},
    ),
    (
        "1.4.0",
        (
            "Recorded at 17:22:00 09/02/2021 (UTC-5:30) by AudioMoth 24E144085F2569BF at medium-high gain setting while"
            " battery state was 4.6V and temperature was 19.4C. Amplitude threshold was 60."
        ),
        {"taken": (2021, 2, 9, 17, 22, 0), "offset": -330, "gain": "medium-high", "v": 4.6, "c": 19.4, "t": "60"},
    ),
    (
        "1.5.0",
        (
            "Recorded at 10:06:19 06/12/2020 (UTC+7) during deployment EEC909D42565A5F0 using external microphone at"
            " low"
            " gain setting while battery state was greater than 4.9V and temperature was -3.5C."
        ),
        {
            "taken": (2020, 12, 6, 10, 6, 19),
            "offset": 420,
            "deployment": "EEC909D42565A5F0",
            "gain": "low",
            "v": 4.9,
            "bound": ">",
            "c": -3.5,
            "external": True,
        },
    ),
    (
        "1.6.0",
        (
            "Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79 at medium gain while battery was"
            " 4.1V and"
            " temperature was 14.0C. Amplitude threshold was -12 dB with 2s minimum trigger duration. Recording"
            " stopped due"
            " to switch position change."
        ),
        {"offset": 0, "v": 4.1, "c": 14.0, "t": "-12 dB", "stopped": "switch position change"},
    ),
    (
        "1.8.0",
        (
            "Recorded at 18:00:00 10/08/2026 (UTC+0:30) by AudioMoth 2403750567C2A798 at high gain while battery was"
            " less"
            " than 2.5V and temperature was 0.9C. Frequency trigger (4.0kHz and window length of 16 samples)"
            " threshold was"
            " 0.01% with 0s minimum trigger duration. Recording stopped by magnetic switch."
        ),
        {"offset": 30, "gain": "high", "v": 2.5, "bound": "<", "c": 0.9, "t": "0.01%", "stopped": "magnetic switch"},
    ),
    (
        "other",
        "Audio clip exported",
        {"offset": None, "v": None, "c": None, "gain": "", "device": ""},
    ),
]


@pytest.mark.parametrize(("version", "words", "right"), COMMENTS, ids=[version for version, _, _ in COMMENTS])
def test_audiomoth_comments(version: str, words: str, right: dict[str, Any]) -> None:
    notes = facts(clip(words, "AudioMoth 24E144085F2569BF" if "deployment" in words else "")).notes
    said = {
        "taken": notes.taken and (*notes.taken.timetuple()[:6],),
        "offset": notes.offset_minutes,
        "device": notes.device,
        "deployment": notes.deployment,
        "gain": notes.gain,
        "v": notes.battery_volts,
        "bound": notes.battery_bound,
        "c": notes.temperature_celsius,
        "t": notes.threshold,
        "stopped": notes.stopped_by,
        "external": notes.external_microphone,
    }
    assert {name: said[name] for name in right} == right
    assert not notes.bad_time


def test_a_deployment_leaves_the_device_to_the_artist() -> None:
    notes = facts(
        clip("Recorded at 10:06:19 06/12/2020 (UTC) during deployment EEC909D42565A5F0 at", "AudioMoth 00AA")
    ).notes
    assert (notes.device, notes.deployment) == ("AudioMoth 00AA", "EEC909D42565A5F0")


def test_times_that_cannot_be() -> None:
    assert comment("Recorded at 25:00:00 01/01/2024 (UTC) by AudioMoth 1").bad_time
    assert comment("Recorded at 00:00:00 30/02/2024 (UTC)").bad_time
    assert comment("Recorded at noon").bad_time
    assert comment("Recorded at 00:00:00 01/01/2024 (UTC+99)").bad_time
    assert facts(clip("Recorded at 25:00:00 01/01/2024 (UTC)")).faults == ("bad_time",)


def test_guano_fills_in_what_the_comment_does_not_say() -> None:
    text = (
        b"GUANO|Version:1.0\nMake:Open Acoustic Devices\nSerial:24BBD608675B68F7\nTimestamp:2026-08-10T16:00:00-05:00\n"
        b"Loc Position:-3.123456 -72.000001\nOAD|Battery Voltage:4.8\nTemperature Int:-1.5\n"
    )
    notes = facts(wav(form(), chunk(b"data", samples()), chunk(b"guan", text))).notes
    assert (notes.taken, notes.offset_minutes) == (dt.datetime(2026, 8, 10, 16), -300)  # noqa: DTZ001
    assert (notes.device, notes.battery_volts, notes.temperature_celsius) == ("24BBD608675B68F7", 4.8, -1.5)
    assert (notes.latitude_degrees, notes.longitude_degrees) == (-3.123456, -72.000001)
    assert read_notes({}, {"Timestamp": "2026-08-10T16:00:00Z"}).offset_minutes == 0
    assert read_notes({}, {"Timestamp": "soon"}).bad_time
    assert read_notes({}, {"Loc Position": "99 0"}).latitude_degrees is None


def test_length_and_level() -> None:
    found = facts(clip(data=samples(2.0, amplitude=1.0)))
    assert (found.duration_s, found.rate_hz, found.channels, found.bits) == (2.0, 8000, 1, 16)
    assert found.rms_dbfs == pytest.approx(-3.0, abs=0.1)
    assert found.peak_dbfs == pytest.approx(0.0, abs=0.1)
    assert facts(clip(data=samples(1.0, amplitude=0.1))).rms_dbfs == pytest.approx(-23.0, abs=0.1)
    assert facts(clip(data=bytes(16_000))).rms_dbfs is None


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_level_at_every_width(bits: int) -> None:
    tone = array("h", samples(0.5, amplitude=0.5))
    if bits == 8:
        data = bytes((value >> 8) + 128 for value in tone)
    else:
        data = b"".join((value << (bits - 16)).to_bytes(bits // 8, "little", signed=True) for value in tone)
    found = facts(wav(form(bits=bits), chunk(b"data", data)))
    assert found.duration_s == 0.5
    assert found.rms_dbfs == pytest.approx(-9.0, abs=0.3)


def test_level_of_floats_and_of_what_is_neither() -> None:
    tone = array("f", [value / 32768 for value in array("h", samples(0.5, amplitude=0.5))])
    assert facts(wav(form(bits=32, code=3), chunk(b"data", tone.tobytes()))).rms_dbfs == pytest.approx(-9.0, abs=0.1)
    nan = array("f", [float("nan")] * 100).tobytes()
    assert facts(wav(form(bits=32, code=3), chunk(b"data", nan))).rms_dbfs is None
    assert facts(wav(form(bits=16, code=2), chunk(b"data", samples()))).rms_dbfs is None  # ADPCM
    extensible = struct.pack("<HHIIHHHHI", 0xFFFE, 2, 8000, 32000, 4, 16, 22, 16, 3) + b"\1\0" + bytes(14)
    found = facts(wav(chunk(b"fmt ", extensible), chunk(b"data", samples())))
    assert (found.channels, found.duration_s) == (2, 0.5)
    assert found.rms_dbfs == pytest.approx(-9.0, abs=0.1)


def test_level_of_a_long_clip_is_taken_all_over() -> None:
    quiet, loud = samples(300, amplitude=0.01), samples(300, amplitude=0.5)
    found = facts(clip(data=quiet + loud))
    assert found.rms_dbfs == pytest.approx(-12.0, abs=0.5)
    assert found.peak_dbfs == pytest.approx(-6.0, abs=0.1)


def test_chunks_of_odd_length_with_and_without_padding() -> None:
    for padded in (True, False):
        odd = chunk(b"JUNK", b"abc", padded=padded)
        found = facts(wav(form(), odd, info(ICMT="hello"), chunk(b"data", samples())))
        assert (found.notes.comment, found.duration_s, found.faults) == ("hello", 1.0, ())


def test_recordings_that_were_cut_short() -> None:
    data = samples(1.0)
    whole = facts(wav(form(), chunk(b"data", data, told=10**9)))
    assert (whole.duration_s, whole.faults) == (1.0, ("wav_cut_short",))
    for told in (0, 0xFFFFFFFF):
        found = facts(wav(form(), info(ICMT="x"), chunk(b"data", data, told=told), told=0))
        assert (found.duration_s, found.faults) == (1.0, ("wav_cut_short",))


def test_what_is_no_clip_has_a_reason() -> None:
    assert reason(b"") == "not_a_wav"
    assert reason(b"RIFF\0\0\0\0AVI ") == "not_a_wav"
    assert reason(b"RF64\xff\xff\xff\xffWAVE") == "rf64"
    assert reason(wav(chunk(b"data", samples()))) == "no_format"
    assert reason(wav(form())) == "no_samples"
    assert reason(wav(form(), chunk(b"data", b""))) == "no_samples"
    assert reason(wav(form(channels=0), chunk(b"data", samples()))) == "bad_format"
    assert reason(wav(chunk(b"fmt ", b"\1\0"), chunk(b"data", samples()))) == "bad_format"
    assert reason(wav(form(rate_hz=0), chunk(b"data", samples()))) == "bad_format"


CLIP = clip(COMMENTS[2][1], "AudioMoth 24E144085F2569BF", samples(0.05))


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8), st.integers(0, len(CLIP)))
def test_damage_never_raises(changes: list[tuple[int, int]], end: int) -> None:
    damaged = bytearray(CLIP)
    for place, value in changes:
        damaged[place] = value
    for content in (bytes(damaged), bytes(damaged[:end])):
        read_wav(io.BytesIO(content), len(content))


@given(st.text(max_size=300), st.dictionaries(st.sampled_from(["Timestamp", "Loc Position", "Serial"]), st.text()))
def test_any_words_never_raise(words: str, guano: dict[str, str]) -> None:
    read_notes({"ICMT": "Recorded at 01:02:03 04/05/2019 (UTC" + words, "IART": words}, guano)
