"""Registers become values, neighbours are asked for together, counters go on across resets, wraps and restarts."""

from __future__ import annotations

import math
import struct
from collections import Counter
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.delivery import ReplayState, Tally
from firmware_bridge.modbus.registers import Block, RegisterReader, number, plan
from firmware_bridge.modbus.settings import ModbusDevice, Register


def register(**told: Any) -> Register:
    return Register.model_validate({"address": 0, "quantity": "water_level_metres"} | told)


def device(*registers: dict[str, Any], **told: Any) -> ModbusDevice:
    return ModbusDevice.model_validate({"unit": 1, "name": "nivel", "registers": registers} | told)


def words_of(raw: bytes) -> list[int]:
    return list(struct.unpack(f">{len(raw) // 2}H", raw))


Order = Literal["big", "little"]


@given(st.integers(-(2**31), 2**31 - 1), st.sampled_from(["big", "little"]), st.sampled_from(["big", "little"]))
def test_every_order_of_an_int32(value: int, word_order: Order, byte_order: Order) -> None:
    halves = words_of(struct.pack(">i", value))
    if word_order == "little":
        halves.reverse()
    if byte_order == "little":
        halves = [half >> 8 | (half & 0xFF) << 8 for half in halves]
    assert number(register(type="int32", word_order=word_order, byte_order=byte_order), halves) == value


@given(st.floats(width=32))
def test_a_float32(value: float) -> None:
    got = number(register(type="float32"), words_of(struct.pack(">f", value)))
    assert got == value or (math.isnan(got) and math.isnan(value))


@pytest.mark.parametrize(
    ("type_", "words", "value"),
    [
        ("uint16", [0xFFF6], 65_526),
        ("int16", [0xFFF6], -10),
        ("uint32", [0xFFFF, 0xFFF6], 4_294_967_286),
        ("int32", [0xFFFF, 0xFFF6], -10),
    ],
)
def test_signs(type_: str, words: list[int], value: float) -> None:
    assert number(register(type=type_), words) == value


def test_neighbours_are_asked_for_together() -> None:
    made = device(
        {"address": 10, "quantity": "water_level_metres"},
        {"address": 11, "type": "float32", "quantity": "temperature_celsius"},
        {"address": 13, "quantity": "battery_volts"},
        {"address": 14, "function": "input", "quantity": "solar_volts"},
        {"address": 15, "quantity": "humidity_ratio"},
    )
    assert plan(made) == [Block(3, 10, 4), Block(3, 15, 1), Block(4, 14, 1)]
    alone = made.model_copy(update={"most_registers": 1})
    assert plan(alone) == [Block(3, 10, 1), Block(3, 11, 2), Block(3, 13, 1), Block(3, 15, 1), Block(4, 14, 1)]


def read(reader: RegisterReader, words: list[int], *, unit: int = 1) -> tuple[list[dict[str, float]], Counter[str]]:
    tally = Tally()
    readings = reader.read(unit, 3, 0, words, tally)
    return [reading.values() for reading in readings], Counter({r.reason: r.count for r in tally.items()})


def test_scale_offset_and_unit() -> None:
    made = device(
        {"address": 0, "quantity": "water_level_metres", "unit": "mm"},
        {"address": 1, "type": "int16", "scale": 0.1, "offset": -4, "quantity": "temperature_celsius"},
        {"address": 2, "quantity": "humidity_ratio", "unit": "%", "scale": 0.1},
    )
    reader = RegisterReader("muelle", [made], {})
    assert read(reader, [2345, 307, 815]) == (
        [{"water_level_metres": 2.345, "temperature_celsius": 26.7, "humidity_ratio": 0.815}],
        {},
    )


def test_what_is_not_measured_is_absent_and_the_rest_is_kept() -> None:
    made = device(
        {"address": 0, "quantity": "water_level_metres", "absent": [65535]},
        {"address": 1, "type": "float32", "quantity": "temperature_celsius"},
        {"address": 3, "quantity": "battery_volts", "scale": 0.1},
    )
    reader = RegisterReader("muelle", [made], {})
    nan = words_of(struct.pack(">f", math.nan))
    assert read(reader, [65535, *nan, 123]) == (
        [{"battery_volts": 12.3}],
        {"absent_water_level_metres": 1, "absent_temperature_celsius": 1},
    )
    assert read(reader, [300, *words_of(struct.pack(">f", 85.0)), 9999]) == ([], {"out_of_range": 3})
    assert read(reader, [65535, *nan]) == ([], {"absent_water_level_metres": 1, "absent_temperature_celsius": 1})
    assert read(reader, [1], unit=9) == ([], {"unknown_device": 1})
    tally = Tally()
    assert reader.read(1, 4, 0, [1], tally) == []
    assert [item.reason for item in tally.items()] == ["unread_registers"]


def test_two_gauges_on_one_device() -> None:
    near = device({"address": 0, "quantity": "water_level_metres", "unit": "cm"})
    far = device({"address": 1, "quantity": "water_level_metres", "unit": "cm"}, name="lejos")
    tally = Tally()
    readings = RegisterReader("muelle", [near, far], {}).read(1, 3, 0, [150, 260], tally)
    assert [(r.sensor, r.values()["water_level_metres"]) for r in readings] == [("nivel", 1.5), ("lejos", 2.6)]
    assert not tally.items()


def rain(**told: Any) -> ModbusDevice:
    return device({"address": 0, "quantity": "rainfall_millimetres", "scale": 0.2, "counter": True} | told)


def fallen(counts: list[int], **told: Any) -> tuple[list[float], Counter[str]]:
    reader = RegisterReader("muelle", [rain(**told)], {})
    amounts: list[float] = []
    reasons: Counter[str] = Counter()
    for count in counts:
        values, counted = read(reader, [count] if told.get("type") != "uint32" else words_of(struct.pack(">I", count)))
        amounts += [told["rainfall_millimetres"] for told in values]
        reasons += counted
    return amounts, reasons


@pytest.mark.parametrize(
    ("counts", "told", "amounts", "reasons"),
    [
        ([100, 100, 103, 110], {}, [0, 0.6, 1.4], {"counter_began": 1}),
        ([65_530, 4], {}, [2.0], {"counter_began": 1}),
        ([500, 3], {}, [0.6], {"counter_began": 1, "counter_reset": 1}),
        ([500, 0], {}, [0], {"counter_began": 1, "counter_reset": 1}),
        ([9_990, 5], {"wraps_at": 10_000}, [3.0], {"counter_began": 1}),
        ([4_294_967_290, 4], {"type": "uint32"}, [2.0], {"counter_began": 1}),
        ([65_530, 4], {"type": "uint32"}, [0.8], {"counter_began": 1, "counter_reset": 1}),
        ([0, 5_000, 5_001], {"most": 50}, [0.2], {"counter_began": 1, "implausible_count": 1}),
    ],
)
def test_a_counter_goes_on(
    counts: list[int], told: dict[str, Any], amounts: list[float], reasons: dict[str, int]
) -> None:
    assert fallen(counts, **told) == (amounts, reasons)


def test_a_counter_is_not_a_sentinel() -> None:
    assert fallen([100, 65_535, 101], absent=[65_535])[0] == [0.2]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.integers(0, 65_535), st.data())
def test_all_rain_is_counted_once_across_wraps_and_restarts(steps: list[int], start: int, data: st.DataObject) -> None:
    """Counts reached by the gateway add up to what fell, though the reader begins anew from what was stored."""
    stored: dict[str, ReplayState] = {}
    reader = RegisterReader("muelle", [rain()], stored)
    total = 0.0
    for count in [start, *(start + sum(steps[: n + 1]) for n in range(len(steps)))]:
        values, _ = read(reader, [count % 65_536])
        total += sum(told["rainfall_millimetres"] for told in values)
        changed = reader.take_replay()
        assert all(changed[key][0] >= stored.get(key, (0, 0))[0] for key in changed)  # what the outbox asks of a state
        stored |= changed
        if data.draw(st.booleans()):
            reader = RegisterReader("muelle", [rain()], stored)
    assert total == pytest.approx(sum(steps) * 0.2)


def test_the_states_of_counters_cannot_be_taken_for_those_of_devices() -> None:
    reader = RegisterReader("muelle", [rain()], {})
    read(reader, [7])
    ((key, state),) = reader.take_replay().items()
    assert len(key) == 16
    assert int(key, 16) > 0
    assert state == (0, 7)
    assert reader.take_replay() == {}
