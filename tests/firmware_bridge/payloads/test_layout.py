"""Declared layouts: read as struct would read them, place bits as documented, refuse what does not hold together."""

from __future__ import annotations

import struct
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_bridge.payloads.layout import LayoutDecoder
from firmware_bridge.payloads.layout_settings import MAX_REPEATS, Condition, Layout
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.targets import Target
from firmware_bridge.readings import Absence, Kind, Rejected

ORDERS: list[Literal["big", "little"]] = ["big", "little"]
AIR = {"quantity": "humidity_ratio", "unit": "%"}
WATER = {"quantity": "water_level_metres"}


def layout(*fields: dict[str, Any], **more: Any) -> Layout:
    return Layout.model_validate({"fields": list(fields)} | more)


def values(payload: str | bytes, *fields: dict[str, Any], port: int | None = None, **more: Any) -> dict[str, float]:
    named = [{"name": f"f{at}", "unit": "1"} | field for at, field in enumerate(fields)]
    raw = bytes.fromhex(payload) if isinstance(payload, str) else payload
    (only,) = LayoutDecoder(layout(*named, **more)).values(raw, port)
    return only


def reasons(payload: str, *fields: dict[str, Any], port: int | None = None, **more: Any) -> list[str]:
    told = LayoutDecoder(layout(*fields, **more)).decode(bytes.fromhex(payload), port)
    return [item.reason for item in told if isinstance(item, Rejected)]


FORMATS = [
    ("b", 8, "signed"),
    ("B", 8, "unsigned"),
    ("h", 16, "signed"),
    ("H", 16, "unsigned"),
    ("i", 32, "signed"),
    ("I", 32, "unsigned"),
    ("q", 64, "signed"),
    ("Q", 64, "unsigned"),
    ("e", 16, "float"),
    ("f", 32, "float"),
    ("d", 64, "float"),
]


@given(st.lists(st.sampled_from(FORMATS), min_size=1, max_size=8), st.sampled_from(ORDERS), st.data())
def test_reads_what_struct_packs(formats: list[tuple[str, int, str]], order: str, data: st.DataObject) -> None:
    sign = ">" if order == "big" else "<"
    numbers = []
    for _, bits, kind in formats:
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind == "signed" else (0, (1 << bits) - 1)
        some: st.SearchStrategy[float] = st.integers(low, high)
        if kind == "float":
            width: Any = bits
            some = st.floats(width=width, allow_nan=False, allow_infinity=False)
        numbers.append(data.draw(some))
    payload = struct.pack(sign + "".join(code for code, _, _ in formats), *numbers)
    fields = [{"bits": bits, "type": kind} for _, bits, kind in formats]
    assert list(values(payload, *fields, order=order).values()) == [float(number) for number in numbers]


@given(st.lists(st.tuples(st.integers(1, 64), st.integers(0)), min_size=1, max_size=12), st.sampled_from(ORDERS))
def test_bits_one_after_the_other(parts: list[tuple[int, int]], order: Literal["big", "little"]) -> None:
    """Big: filled from the most significant bit; little: from the least significant."""
    total = written = 0
    numbers = []
    for bits, some in parts:
        number = some % (1 << bits)
        numbers.append(number)
        total = total << bits | number if order == "big" else total | number << written
        written += bits
    size = (written + 7) // 8
    payload = (total << 8 * size - written if order == "big" else total).to_bytes(size, order)
    told = values(payload, *({"bits": bits} for bits, _ in parts), order=order)
    assert list(told.values()) == [float(number) for number in numbers]


@given(st.binary(max_size=40), st.sampled_from([None, 1, 2]))
def test_any_bytes(payload: bytes, port: int | None) -> None:
    decoder = LayoutDecoder(
        layout(
            {"name": "n", "bits": 3},
            {"bits": 13, "type": "bcd", "quantity": "rainfall_millimetres"} | {"bits": 12},
            {"when": {"port": [2]}, "bits": 32, "type": "float", **WATER},
            {"when": {"field": "n", "bit": 0}, "bits": 17, "name": "x", "unit": "1"},
            repeat={"fields": [{"bits": 9, "quantity": "humidity_ratio", "unit": "%"}], "count_field": "n"},
        )
    )
    assert decoder.decode(payload, port)


def test_places() -> None:
    assert values("a5", {"byte": 0, "bit": 0, "bits": 4}) == {"f0": 0xA}
    assert values("a5", {"byte": 0, "bit": 0, "bits": 4}, order="little") == {"f0": 0x5}
    assert values("00ff0102", {"byte": 2, "bits": 16}, {"byte": 1}, {}) == {"f0": 0x0102, "f1": 0xFF, "f2": 1}
    assert values("cbf6", {"bit": 2, "bits": 14}) == {"f0": 3062}  # the battery of a Dragino LHT65
    assert values("0001abcd", {"bits": 32, "order": "word_swapped"}) == {"f0": 0xABCD0001}


@pytest.mark.parametrize(
    ("payload", "field", "expected"),
    [
        ("ff", {"type": "signed"}, -1),
        ("81", {"type": "sign_magnitude"}, -1),
        ("80", {"type": "sign_magnitude"}, 0),
        ("1234", {"type": "bcd", "bits": 16}, 1234),
        ("0a", {"scale": 0.5, "offset": -3}, 2),
        ("02", {"polynomial": [1, 0, 3]}, 13),
        ("03", {"lookup": {"3": 0.75}}, 0.75),
        ("ffff", {"bits": 16, "type": "signed", "scale": 0.1}, -0.1),
    ],
)
def test_numbers(payload: str, field: dict[str, Any], expected: float) -> None:
    assert values(payload, field) == pytest.approx({"f0": expected})


@pytest.mark.parametrize(
    ("payload", "field", "reason"),
    [
        ("ffff", {"bits": 16, "absent": [0xFFFF]}, "sentinel"),
        ("8000", {"bits": 16, "type": "signed", "absent": [-32768]}, "sentinel"),
        ("7fc00000", {"bits": 32, "type": "float"}, "not_a_number"),
        ("1a", {"type": "bcd"}, "not_a_number"),
        ("09", {"lookup": {"1": 1.0}}, "not_a_number"),
        ("7fff", {"bits": 16}, "out_of_range"),
    ],
)
def test_absent(payload: str, field: dict[str, Any], reason: str) -> None:
    decoder = LayoutDecoder(layout(field | WATER, AIR))
    (item,) = decoder.decode(bytes.fromhex(payload + "32"), None)
    assert isinstance(item, Decoded)
    assert item.values == {"humidity_ratio": 0.5}
    assert item.absent == (Absence("water_level_metres", reason),)


def test_zero_is_a_value() -> None:
    (item,) = LayoutDecoder(layout({"bits": 16, "unit": "mm"} | WATER)).decode(b"\0\0", None)
    assert isinstance(item, Decoded)
    assert item.values == {"water_level_metres": 0}


def test_conditions() -> None:
    flags = {"name": "flags"}
    on_bit = {"when": {"field": "flags", "bit": 2}}
    assert values("0407", flags, on_bit) == {"flags": 4, "f1": 7}
    assert values("0307", flags, on_bit) == {"flags": 3}
    assert values("0307", flags, {"when": {"field": "flags", "bit": 2, "unless": True}}) == {"flags": 3, "f1": 7}
    assert values("0907", flags, {"when": {"field": "flags", "minimum": 5, "maximum": 9}}) == {"flags": 9, "f1": 7}
    on_port = {"when": {"port": [7]}}
    assert values("0107", {}, on_port, port=7) == {"f0": 1, "f1": 7}
    assert values("0107", {}, on_port, port=8) == {"f0": 1}
    assert values("0107", {}, on_port) == {"f0": 1}
    # a condition on what was itself not there does not hold
    assert values("0307", flags, on_bit | {"name": "x"}, {"when": {"field": "x", "equals": [7]}}) == {"flags": 3}


def test_refused() -> None:
    assert reasons("", WATER) == ["empty"]
    assert reasons("01", {"bits": 16} | WATER) == ["too_short"]
    assert reasons("01", WATER, minimum_bytes=2) == ["too_short"]
    assert reasons("010203", WATER, maximum_bytes=2) == ["too_long"]
    assert reasons("01", WATER, ports=[2], port=3) == ["wrong_port"]
    assert reasons("01", WATER, ports=[2]) == []
    assert reasons("0301", {"equals": [2]}, WATER) == ["wrong_constant"]


def test_bytes_behind_the_last_field_are_listed() -> None:
    (item,) = LayoutDecoder(layout(WATER)).decode(b"\x01\x02", None)
    assert isinstance(item, Decoded)
    assert item.unknown == ("trailing_bytes",)
    (item,) = LayoutDecoder(layout(WATER, {"optional": True})).decode(b"\x01\x02", None)
    assert isinstance(item, Decoded)
    assert item.unknown == ()


def test_a_value_that_nothing_maps_is_listed_until_the_settings_map_it() -> None:
    probe = layout({"name": "probe", "bits": 16, "scale": 0.1, "unit": "[degF]"}, AIR)
    (item,) = LayoutDecoder(probe).decode(bytes.fromhex("02f832"), None)  # 76.0 °F
    assert isinstance(item, Decoded)
    assert item.unknown == ("probe",)
    (item,) = LayoutDecoder(probe, {"probe": Target(quantity="water_temperature_celsius")}).decode(
        bytes.fromhex("02f832"), None
    )
    assert isinstance(item, Decoded)
    assert item.values["water_temperature_celsius"] == pytest.approx(24.444, abs=1e-3)


def test_labels() -> None:
    heard = layout(
        {"labels": {"1": "chainsaw", "0": ""}}, {"quantity": "confidence_ratio", "unit": "%"}, kind="acoustic_detection"
    )
    (item,) = LayoutDecoder(heard).decode(b"\x01\x50", None)
    assert isinstance(item, Decoded)
    assert (item.kind, item.label, item.values) == (Kind.ACOUSTIC_DETECTION, "chainsaw", {"confidence_ratio": 0.8})
    for payload, lost in ((b"\x00\x50", "no_detection"), (b"\x09\x50", "unlabelled")):
        told = LayoutDecoder(heard).decode(payload, None)
        assert lost in [item.reason for item in told if isinstance(item, Rejected)]
        assert not any(isinstance(item, Decoded) for item in told)


def test_measurements_kept_and_sent_together() -> None:
    log = layout(
        {"quantity": "battery_volts", "scale": 0.1},
        repeat={
            "fields": [
                {"quantity": "age_seconds", "scale": 60},
                {"bits": 16, "quantity": "water_level_metres", "unit": "mm"},
            ]
        },
    )
    first, second = LayoutDecoder(log).decode(bytes.fromhex("24 0a 04d2 00 04d3"), None)
    assert isinstance(first, Decoded)
    assert isinstance(second, Decoded)
    assert (first.values, first.age_s) == ({"battery_volts": 3.6, "water_level_metres": 1.234}, 600)
    assert (second.values, second.age_s) == ({"water_level_metres": 1.235}, 0)
    assert [
        i.reason for i in LayoutDecoder(log).decode(bytes.fromhex("24 0a 04"), None) if isinstance(i, Rejected)
    ] == ["too_short"]
    many = LayoutDecoder(log).decode(bytes.fromhex("24" + "0004d2" * (MAX_REPEATS + 1)), None)
    assert [item.reason for item in many if isinstance(item, Rejected)] == ["too_many_groups"]


def test_records() -> None:
    fields = {"cases": {"01": [{"bits": 16, **WATER, "unit": "mm"}], "02": [AIR]}}
    decoder = LayoutDecoder(Layout.model_validate({"records": fields}))
    (item,) = decoder.decode(bytes.fromhex("0232 0104d2"), None)
    assert isinstance(item, Decoded)
    assert item.values == {"water_level_metres": 1.234, "humidity_ratio": 0.5}
    kept, lost = decoder.decode(bytes.fromhex("0232 09"), None)
    assert isinstance(kept, Decoded)
    assert kept.unknown == ("record_09",)
    assert isinstance(lost, Rejected)
    assert lost.reason == "unknown_type"
    assert [i.reason for i in decoder.decode(bytes.fromhex("0104"), None) if isinstance(i, Rejected)] == ["too_short"]
    with_length = LayoutDecoder(Layout.model_validate({"records": fields | {"length_bytes": 1}}))
    (item,) = with_length.decode(bytes.fromhex("0903ffffff 020132"), None)
    assert isinstance(item, Decoded)
    assert (item.values, item.unknown) == ({"humidity_ratio": 0.5}, ("record_09",))
    (cut,) = with_length.decode(bytes.fromhex("0205"), None)
    assert isinstance(cut, Rejected)
    assert cut.reason == "too_short"


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"bits": 24, "type": "float", **WATER}, "16, 32 or 64 bits"),
        ({"bits": 6, "type": "bcd", **WATER}, "multiple of 4"),
        ({"scale": 0, **WATER}, "scale is 0"),
        ({"scale": 2, "lookup": {"1": 2}, **WATER}, "only one of"),
        ({"lookup": {"x": 2}, **WATER}, "whole numbers"),
        ({"quantity": "water_level"}, "near it: .*water_level_metres"),
        ({"quantity": "water_level_metres", "unit": "mV"}, "cannot be converted to m"),
        ({"quantity": "water_level_metres", "unit": "furlong"}, "not known"),
        ({"unit": "mm"}, "a name to be listed under"),
        ({"bit": 9, **WATER}, "say byte"),
        ({"bits": 16, "order": "word_swapped", **WATER}, "32 or 64 bits"),
        ({"when": {}, **WATER}, "empty condition"),
        ({"when": {"field": "x"}, **WATER}, "equals, bit, minimum or maximum"),
        ({"when": {"field": "x", "bit": 1}, **WATER}, "no earlier field is named 'x'"),
        ({"labels": {"1": "chainsaw"}}, "say kind"),
        ({"labels": {"1": "chainsaw"}, **WATER}, "not both"),
        ({"surprise": 1, **WATER}, "surprise"),
        ({}, "nothing would be read"),
    ],
)
def test_what_does_not_hold_together_is_said(field: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        layout(field)


def test_what_does_not_hold_together_as_a_whole_is_said() -> None:
    with pytest.raises(ValidationError, match="used twice"):
        layout({"name": "a"}, {"name": "a", **WATER})
    with pytest.raises(ValidationError, match="only one"):
        layout(WATER, records={"cases": {"01": [WATER]}}, repeat={"fields": [WATER]})
    with pytest.raises(ValidationError, match="2 lower-case hex digits"):
        layout(records={"cases": {"0175": [WATER]}})
    with pytest.raises(ValidationError, match="8 bits or more"):
        layout(WATER, repeat={"fields": [{"bits": 1}]})
    with pytest.raises(ValidationError, match="more than maximum_bytes"):
        layout(WATER, minimum_bytes=5, maximum_bytes=4)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({"bit": 9}, "bit 9 of 'flags' is never 1: it has 8 bits, 0 to 7"),
        ({"bit": 0, "equals": [0]}, "can never hold"),
        ({"bit": 0, "equals": [2, 4], "unless": True}, "can never hold"),
        ({"equals": [1, 256]}, "'flags' is never 256"),
        ({"equals": [-1]}, "'flags' is never -1"),
        ({"minimum": 256}, "can never hold"),
        ({"minimum": 3, "maximum": 2}, "can never hold"),
        ({"bit": 7, "maximum": 127}, "can never hold"),
        ({"equals": [5], "minimum": 6}, "can never hold"),
    ],
)
def test_a_condition_that_can_never_hold_is_refused(when: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=f"fields.1.when: .*{says}"):
        layout({"name": "flags"}, {"when": {"field": "flags"} | when, **WATER})


@given(
    equals=st.lists(st.integers(0, 15), max_size=3),
    bit=st.none() | st.integers(0, 3),
    minimum=st.none() | st.integers(-2, 20),
    maximum=st.none() | st.integers(-2, 20),
)
def test_a_condition_is_refused_exactly_when_no_number_fits(
    equals: list[int], bit: int | None, minimum: int | None, maximum: int | None
) -> None:
    fits = [
        raw
        for raw in range(16)
        if (not equals or raw in equals)
        and (bit is None or raw >> bit & 1)
        and (minimum is None or raw >= minimum)
        and (maximum is None or raw <= maximum)
    ]
    assume(equals or bit is not None or minimum is not None or maximum is not None)
    condition = Condition(field="x", equals=equals, bit=bit, minimum=minimum, maximum=maximum)
    if fits:
        condition.check_possible(4)
    else:
        with pytest.raises(ValueError, match="can never hold"):
            condition.check_possible(4)


def test_a_condition_on_a_port_that_the_layout_refuses_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"when.port: the layout refuses the ports \[3\]"):
        Layout.model_validate({"ports": [2], "fields": [{"when": {"port": [3]}, **WATER}]})
