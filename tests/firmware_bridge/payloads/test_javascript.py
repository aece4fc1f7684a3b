"""A maker's decoder in JavaScript, from its result to readings in the catalogue's units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.payloads.javascript import MAX_SOURCE_BYTES, JavascriptDecoder, read_source
from firmware_bridge.payloads.javascript_engine import JavascriptEngine
from firmware_bridge.payloads.mapping import FieldMapping
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.targets import Target
from firmware_bridge.readings import Kind, Rejected

# Ours, after the payload description in Dragino's LHT65 user manual.
LHT65 = """
function decodeUplink(input) {
  const b = input.bytes;
  if (input.fPort !== 2) return { errors: ["unknown port " + input.fPort] };
  const signed = (at) => (b[at] << 24 >> 16) | b[at + 1];
  const data = {
    BatV: ((b[0] << 8 | b[1]) & 0x3fff) / 1000,
    TempC_SHT: (signed(2) / 100).toFixed(2),
    Hum_SHT: ((b[4] << 8 | b[5]) / 10).toFixed(1),
    Ext_sensor: "Temperature Sensor",
    TempC_DS: (signed(7) / 100).toFixed(2),
  };
  return { data: data, warnings: data.BatV < 2.8 ? ["battery low"] : [] };
}
"""
PAYLOAD = bytes.fromhex("cbf60b0d0376010add7fff")


@pytest.fixture(scope="module")
def engine() -> Iterator[JavascriptEngine]:
    it = JavascriptEngine()
    yield it
    it.close()


def decoder(engine: JavascriptEngine, source: str, kind: Kind | None = None, **targets: object) -> JavascriptDecoder:
    mapping = FieldMapping({name: Target.model_validate(told) for name, told in targets.items()})
    return JavascriptDecoder(source, mapping, engine, kind=kind)


def reasons(told: list[Decoded | Rejected]) -> list[str]:
    return [item.reason for item in told if isinstance(item, Rejected)]


def test_a_decoder_as_makers_write_them(engine: JavascriptEngine) -> None:
    (item,) = decoder(engine, LHT65).decode(PAYLOAD, 2)
    assert isinstance(item, Decoded)
    assert item.kind is Kind.ENVIRONMENT
    assert item.values == pytest.approx({"battery_volts": 3.062, "temperature_celsius": 28.29, "humidity_ratio": 0.886})
    assert item.unknown == ("TempC_DS",)
    (item,) = decoder(engine, LHT65, TempC_DS="water_temperature_celsius").decode(PAYLOAD, 2)
    assert isinstance(item, Decoded)
    assert item.values["water_temperature_celsius"] == 27.81


def test_errors_and_warnings_of_the_decoder_are_counted(engine: JavascriptEngine) -> None:
    assert reasons(decoder(engine, LHT65).decode(PAYLOAD, 3)) == ["codec_error"]
    item, warned = decoder(engine, LHT65).decode(b"\xca\x00" + PAYLOAD[2:], 2)
    assert isinstance(item, Decoded)
    assert isinstance(warned, Rejected)
    assert (warned.reason, warned.detail) == ("codec_warning", "['battery low']")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("5", ["codec_bad_result"]),
        ("{ data: 5 }", ["codec_bad_result"]),
        ("{ data: null }", ["codec_bad_result"]),
        ("{ data: {} }", ["no_values"]),
        ("{ warnings: ['x'] }", ["codec_warning", "codec_bad_result"]),
        ("{ data: { x: 1 } }", ["unmapped_x", "no_values"]),
        ('{ data: JSON.parse(\'{"__proto__": {"temperature": 5}}\') }', ["unmapped_proto_temperature", "no_values"]),
    ],
)
def test_results_that_are_none(engine: JavascriptEngine, result: str, expected: list[str]) -> None:
    told = decoder(engine, f"function decodeUplink() {{ return ({result}); }}").decode(b"\x01", 1)
    assert reasons(told) == expected


def test_a_result_that_is_too_deep(engine: JavascriptEngine) -> None:
    deep = "function decodeUplink() { let a = []; for (let n = 0; n < 3000; n++) a = [a]; return { data: a }; }"
    told = reasons(decoder(engine, deep).decode(b"\x01", 1))
    assert set(told) <= {"codec_bad_result", "unmapped_others", "no_values"}


def test_a_decoder_that_gives_the_data_alone(engine: JavascriptEngine) -> None:
    (item,) = decoder(engine, "function decodeUplink() { return { temperature: 20 }; }").decode(b"\x01", 1)
    assert isinstance(item, Decoded)
    assert item.values == {"temperature_celsius": 20}


def test_a_detection(engine: JavascriptEngine) -> None:
    source = "function Decoder(b) { return { motion: b[0] === 1, battery: 80 }; }"
    motion = {"labels": {"true": "person", "false": ""}}
    pir = decoder(engine, source, Kind.CAMERA_DETECTION, motion=motion)
    (seen,) = pir.decode(b"\x01", 1)
    assert isinstance(seen, Decoded)
    assert (seen.kind, seen.label) == (Kind.CAMERA_DETECTION, "person")
    (quiet,) = pir.decode(b"\x00", 1)
    assert isinstance(quiet, Decoded)
    assert (quiet.kind, quiet.values) == (Kind.DEVICE_STATUS, {"battery_ratio": 0.8})


def test_empty_and_too_long(engine: JavascriptEngine) -> None:
    assert reasons(decoder(engine, LHT65).decode(b"", 2)) == ["empty"]
    assert reasons(decoder(engine, LHT65).decode(bytes(1025), 2)) == ["too_long"]


@pytest.mark.expects_warnings
def test_a_file_that_is_no_decoder_is_said_once(engine: JavascriptEngine, caplog: pytest.LogCaptureFixture) -> None:
    broken = decoder(engine, "function (")
    assert reasons(broken.decode(b"\x01", 1) + broken.decode(b"\x01", 1)) == ["bad_codec", "bad_codec"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_any_bytes(engine: JavascriptEngine) -> None:
    lht = decoder(engine, LHT65)

    @given(st.binary(max_size=300), st.sampled_from([None, 0, 2, 255]))
    def check(payload: bytes, port: int | None) -> None:
        assert lht.decode(payload, port)

    check()


def test_source_files(tmp_path: Path) -> None:
    path = tmp_path / "codec.js"
    path.write_bytes(b"\xef\xbb\xbfvar x;")
    assert read_source(path) == "var x;"
    for content, says in ((b" " * (MAX_SOURCE_BYTES + 1), "larger"), (b"\xff", "UTF-8"), (b"a\0b", "NUL")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=says):
            read_source(path)
