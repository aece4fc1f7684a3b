"""Every camera's way to say when, where in the burst, how warm: the right facts, and never an exception."""

from __future__ import annotations

import datetime as dt
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.media.exif import PictureFacts, read_picture
from tests.firmware_bridge.media.pictures_made import (
    hyperfire,
    hyperfire_2,
    hyperfire_4k,
    jpeg,
    rationals,
    short,
    text,
    tiff,
    ultrafire,
    undefined,
)

MAKE, MODEL, DESCRIPTION, DATE_TIME, ORIENTATION = 0x010F, 0x0110, 0x010E, 0x0132, 0x0112
ORIGINAL, OFFSET, MAKER_NOTE, COMMENT, SERIAL, TEMPERATURE = 0x9003, 0x9011, 0x927C, 0x9286, 0xA431, 0x9400


def told(facts: PictureFacts) -> dict[str, Any]:
    """What differs from a picture without metadata."""
    empty = PictureFacts()
    return {
        name: getattr(facts, name) for name in facts.__struct_fields__ if getattr(facts, name) != getattr(empty, name)
    }


def with_note(note: bytes, **image: Any) -> PictureFacts:
    return read_picture(jpeg(tiff({}, {MAKER_NOTE: undefined(note)})))


def test_hyperfire_has_its_time_only_in_the_maker_note() -> None:
    """The values of the public reference picture of an HC500, firmware 3.3.0 (metadata-extractor-images)."""
    assert told(with_note(hyperfire())) == {
        "make": "RECONYX",
        "model": "HyperFire",
        "serial": "H500DE01120343",
        "label": "CCPF DS02",
        "taken": dt.datetime(2015, 5, 7, 8, 8, 31),  # noqa: DTZ001
        "trigger": "motion",
        "number": 4,
        "of": 5,
        "event": 7,
        "temperature_celsius": -5.0,
        "moon": 5,
        "battery_volts": 8.55,
        "infrared": False,
        "brightness": 238,
    }


def test_hyperfire_2() -> None:
    """The values of a public picture (Camtrap DP example data set): EXIF and maker note agree on month and day."""
    block = tiff(
        {MAKE: text("RECONYX"), MODEL: text("HYPERFIRE 2 COVERT", 32), DATE_TIME: text("2021:04:11 20:43:09")},
        {ORIGINAL: text("2021:04:11 20:43:09"), MAKER_NOTE: undefined(hyperfire_2())},
    )
    facts = read_picture(jpeg(block))
    assert (facts.make, facts.model, facts.serial) == ("RECONYX", "HYPERFIRE 2 COVERT", "H2RXEM06043616")
    assert facts.taken == dt.datetime(2021, 4, 11, 20, 43, 9)  # noqa: DTZ001
    assert (facts.number, facts.of, facts.event, facts.moon) == (1, 10, 4, 0)
    assert (facts.temperature_celsius, facts.battery_volts, facts.infrared) == (2.0, 7.814, True)
    assert facts.label == "MICA 318"
    assert with_note(hyperfire_2()).taken == facts.taken


def test_ultrafire_and_hyperfire_4k() -> None:
    facts = with_note(ultrafire())
    assert (facts.model, facts.trigger, facts.number, facts.of) == ("UltraFire", "time_lapse", 2, 3)
    assert (facts.event, facts.taken) == (70_000, dt.datetime(2017, 3, 2, 1, 0, 59))  # noqa: DTZ001
    assert (facts.temperature_celsius, facts.battery_volts, facts.moon) == (21.0, 11.9, 1)
    assert (facts.serial, facts.label, facts.infrared) == ("UXR6EK01000042", "NORTH END", True)
    facts = with_note(hyperfire_4k())
    assert (facts.model, facts.trigger, facts.number, facts.of) == ("HyperFire 4K", "external", 1, 5)
    assert (facts.event, facts.taken) == (123, dt.datetime(2025, 9, 7, 18, 30, 1))  # noqa: DTZ001
    assert (facts.temperature_celsius, facts.battery_volts, facts.moon) == (30.0, 12.0, 4)
    assert (facts.serial, facts.label) == ("HF4K00000001", "CERO")


@pytest.mark.parametrize("order", ["<", ">"])
def test_byte_order_of_the_block_and_of_the_note_are_their_own(order: str) -> None:
    """A big-endian time in a little-endian note has been seen (ExifTool, Reconyx tags)."""
    note = hyperfire(time_order=">")
    block = tiff({MAKE: text("RECONYX"), ORIENTATION: short(6, order)}, {MAKER_NOTE: undefined(note)}, order=order)
    facts = read_picture(jpeg(block))
    assert facts.taken == dt.datetime(2015, 5, 7, 8, 8, 31)  # noqa: DTZ001
    assert (facts.make, facts.orientation, facts.number) == ("RECONYX", 6, 4)


def test_event_numbers_have_their_high_half_first() -> None:
    assert with_note(hyperfire(event=70_000)).event == 70_000


@pytest.mark.parametrize(
    ("make", "model", "right"),
    [
        ("CUDDEBACK", "Model 1279", ("CUDDEBACK", "Model 1279")),
        ("Model 1279", "CUDDEBACK", ("CUDDEBACK", "Model 1279")),
        ("BUSHNELL", "", ("BUSHNELL", "")),
        ("", "Bushnell 119776C", ("", "Bushnell 119776C")),
        ("Canon", "EOS 5D", ("Canon", "EOS 5D")),
    ],
)
def test_make_and_model_the_right_way_round_and_without_padding(make: str, model: str, right: tuple[str, str]) -> None:
    facts = read_picture(jpeg(tiff({MAKE: text(make, 32), MODEL: text(model, 64)})))
    assert (facts.make, facts.model) == right


def test_what_other_cameras_say_in_words_and_in_exif() -> None:
    block = tiff(
        {MAKE: text("BROWNING"), DESCRIPTION: text("Temp: 77F SN=ABC-1234 Moon")},
        {
            ORIGINAL: text("2024-03-02 06:07:08\0\0garbage"),
            OFFSET: text("-05:00"),
            SERIAL: text("0000123\0\0\0"),
        },
        {
            1: text("S"),
            2: rationals((3, 1), (30, 1), (0, 1)),
            3: text("W"),
            4: rationals((72, 1), (15, 1), (36, 1)),
            5: (1, b"\0"),
            6: rationals((1200, 10)),
        },
    )
    facts = read_picture(jpeg(block))
    assert (facts.taken, facts.offset_minutes) == (dt.datetime(2024, 3, 2, 6, 7, 8), -300)  # noqa: DTZ001
    assert (facts.temperature_celsius, facts.serial) == (25.0, "0000123")
    assert (facts.latitude_degrees, facts.longitude_degrees, facts.altitude_metres) == (-3.5, -72.26, 120.0)
    exif = tiff(
        {}, {TEMPERATURE: rationals((-35, 10), signed=True), COMMENT: undefined(b"UNICODE\0S\0N\0:\0X\0Y\0Z\0")}
    )
    facts = read_picture(jpeg(exif))
    assert (facts.temperature_celsius, facts.serial) == (-3.5, "XYZ")


@pytest.mark.parametrize(
    ("told_time", "taken", "faults"),
    [
        ("    :  :     :  :  ", None, ()),
        ("0000:00:00 00:00:00", None, ()),
        ("2024:13:01 00:00:00", None, ("bad_time",)),
        ("yesterday", None, ("bad_time",)),
        ("2024:02:29 23:59", dt.datetime(2024, 2, 29, 23, 59), ()),  # noqa: DTZ001
        ("2024/2/9 3:04:05", dt.datetime(2024, 2, 9, 3, 4, 5), ()),  # noqa: DTZ001
    ],
)
def test_times_that_are_none(told_time: str, taken: dt.datetime | None, faults: tuple[str, ...]) -> None:
    facts = read_picture(jpeg(tiff({}, {ORIGINAL: text(told_time)})))
    assert (facts.taken, facts.faults) == (taken, faults)


def test_a_bad_exif_time_gives_way_to_the_next_source() -> None:
    block = tiff(
        {DATE_TIME: text("2020:01:02 03:04:05")}, {ORIGINAL: text("broken"), MAKER_NOTE: undefined(hyperfire())}
    )
    assert read_picture(jpeg(block)).taken == dt.datetime(2015, 5, 7, 8, 8, 31)  # noqa: DTZ001
    block = tiff({DATE_TIME: text("2020:01:02 03:04:05")}, {ORIGINAL: text("broken")})
    facts = read_picture(jpeg(block))
    assert (facts.taken, facts.faults) == (dt.datetime(2020, 1, 2, 3, 4, 5), ())  # noqa: DTZ001


def test_pictures_without_metadata() -> None:
    assert told(read_picture(jpeg())) == {}
    assert told(read_picture(b"")) == {}
    assert told(read_picture(b"\x89PNG\r\n\x1a\n")) == {}


@pytest.mark.parametrize("length", [0, 1, 2, 10, 0x15, 0x23, 0x40, 0x55])
def test_a_short_maker_note_gives_what_it_has(length: int) -> None:
    facts = with_note(hyperfire()[:length])
    if length >= 2:
        assert "bad_maker_note" in facts.faults
        assert facts.make == "RECONYX"
    if length >= 0x23:
        assert facts.taken == dt.datetime(2015, 5, 7, 8, 8, 31)  # noqa: DTZ001


def test_impossible_maker_note_times_are_a_fault() -> None:
    assert with_note(hyperfire(time=(2015, 2, 30, 8, 8, 31))).faults == ("bad_maker_note",)
    never_set = with_note(hyperfire(time=(0, 0, 0, 0, 0, 0)))
    assert (never_set.taken, never_set.faults) == (None, ())


def test_offsets_that_lead_astray_are_a_fault() -> None:
    block = bytearray(tiff({MAKE: text("RECONYX")}, {MAKER_NOTE: undefined(hyperfire())}))
    struct.pack_into("<I", block, 4, len(block) + 1000)
    assert told(read_picture(jpeg(bytes(block)))) == {"faults": ("bad_exif",)}
    struct.pack_into("<I", block, 4, 8)
    struct.pack_into("<H", block, 8, 60_000)  # so many entries
    assert "bad_exif" in read_picture(jpeg(bytes(block))).faults
    looped = tiff({}, {})[:-6] + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8)
    assert read_picture(jpeg(looped)).make == ""


PICTURE = jpeg(
    tiff(
        {MAKE: text("RECONYX"), DESCRIPTION: text("T: 20C")},
        {ORIGINAL: text("2021:04:11 20:43:09"), MAKER_NOTE: undefined(hyperfire_2())},
        {1: text("S"), 2: rationals((3, 1), (0, 0), (0, 1))},
    )
)


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=8), st.integers(0, len(PICTURE)))
def test_damage_never_raises(changes: list[tuple[int, int]], end: int) -> None:
    damaged = bytearray(PICTURE)
    for place, value in changes:
        damaged[place] = value
    read_picture(bytes(damaged))
    read_picture(bytes(damaged[:end]))


@given(st.binary(max_size=600))
def test_random_blocks_never_raise(noise: bytes) -> None:
    read_picture(b"\xff\xd8" + noise)
    for order in (b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        read_picture(jpeg(order + noise))
        with_note(noise)
    for name in (b"\x01\xf1", b"RECONYXUF\0", b"RECONYXH2\0", b"RECONYXMF\0", b"RECONYXHF4K\0"):
        with_note(name + noise)
