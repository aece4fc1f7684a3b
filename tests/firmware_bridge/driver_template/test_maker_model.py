"""A Maker Model on a serial line: what its lines say, what is refused and why, and its way into the outbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.driver_template.maker_model import MakerModelDecoder, Settings, checksum, open_source
from firmware_bridge.readings import Kind, Reading, make_reading
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.running_source import RunningSource
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until

READING = make_reading(
    Kind.ENVIRONMENT,
    "clima-maloca",
    {"temperature_celsius": 27.4, "humidity_ratio": 0.81, "battery_volts": 3.98},
    age_s=5,
)


def settings(**changes: Any) -> Settings:
    told = {"driver": "maker_model", "name": "clima", "port": "/dev/none", "sensor": "clima-maloca"}
    return Settings.model_validate(told | changes)


# Where the bytes are from: a capture (of which unit, when), an example of the maker's document (page), or synthetic.
ACCEPTED = Golden("synthetic: the line in the driver's header", settings(), (b"T=27.4;H=81;B=3.98;A=5*1B\r\n",))
REJECTED = Golden("synthetic: the same with one digit changed", settings(), (b"T=27.5;H=81;B=3.98;A=5*1B\r\n",))


def line(content: str) -> bytes:
    return f"{content}*{checksum(content.encode()):02X}\r\n".encode()


def decode(*chunks: bytes) -> tuple[list[Reading], dict[str, int]]:
    decoder = MakerModelDecoder(settings())
    readings: list[Reading] = []
    reasons: dict[str, int] = {}
    for chunk in chunks:
        if (delivery := decoder.feed(chunk)) is not None:
            readings += delivery.readings
            for item in delivery.rejected:
                reasons[item.reason] = reasons.get(item.reason, 0) + item.count
    return readings, reasons


def test_accepted() -> None:
    assert decode(*ACCEPTED.chunks) == ([READING], {})


def test_rejected() -> None:
    assert decode(*REJECTED.chunks) == ([], {"bad_checksum": 1})


@pytest.mark.parametrize(
    ("content", "values", "reasons"),
    [
        ("T=-;H=81;B=3.98", {"humidity_ratio", "battery_volts"}, {"absent_temperature_celsius": 1}),
        ("T=-;H=-", set(), {"absent_temperature_celsius": 1, "absent_humidity_ratio": 1, "no_values": 1}),
        ("T=850;H=81", {"humidity_ratio"}, {"out_of_range": 1}),
        ("T=0;H=0", {"temperature_celsius", "humidity_ratio"}, {}),  # zero is a value
        ("T=27.4;W=2.1", {"temperature_celsius"}, {"unmapped_w": 1}),
        ("T=27.4;A=-9", {"temperature_celsius"}, {"implausible_time": 1}),
        ("T=twenty", set(), {"bad_value": 1}),
        ("T=", set(), {"bad_line": 1}),
    ],
)
def test_what_a_line_says(content: str, values: set[str], reasons: dict[str, int]) -> None:
    readings, counted = decode(line(content))
    assert {name for reading in readings for name in reading.values()} == values
    assert counted == reasons


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_cutting_the_stream_changes_nothing(sizes: list[int]) -> None:
    stream = b"boot v1.2\r\n" + ACCEPTED.chunks[0] * 3 + b"x" * 200 + b"\r\n"
    chunks, at = [], 0
    while at < len(stream):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream[at : at + size])
        at += size
    assert decode(*chunks) == decode(stream) == ([READING] * 3, {"bad_line": 1, "overlong_bytes": 201})


@pytest.mark.slow
@pytest.mark.expects_warnings  # the port is not there at first
def test_from_a_tty_into_the_outbox(tmp_path: Path) -> None:
    with kept_post(tmp_path / "outbox.db") as post:
        source = open_source(settings(port=str(tmp_path / "tty")), post.replay())
        with RunningSource(source, post.deliver) as running:
            tty = TtyPair(tmp_path / "tty")
            tty.say(ACCEPTED.chunks[0] + REJECTED.chunks[0])
            wait_until("a reading and a reason", lambda: running.readings == [READING] and running.reasons)
        tty.unplug()
        assert [reading.values() for reading in post.readings()] == [READING.values()]
        assert post.tallies()["clima", "bad_checksum"] == 1
