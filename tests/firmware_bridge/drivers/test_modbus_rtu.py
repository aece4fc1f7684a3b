"""Modbus devices on a line that can be bad, with pymodbus's own server as the peer: a true reading or a reason."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_bridge.delivery import Delivery
from firmware_bridge.drivers.modbus_rtu import SAMPLE, Settings, new_decoder, open_source
from firmware_bridge.modbus.decoder import ModbusDecoder
from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.intake import Intake, Lanes
from gateway.settings import LaneSettings
from tests.firmware_bridge.drivers.pages import as_block
from tests.gateway.outbox.boxes import SetClock, opened, parcels
from tests.support.golden import Golden
from tests.support.modbus_server import LEVEL_UNIT, RAIN_STEP, RAIN_UNIT, STATION_UNIT, Fault, ModbusServer
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

QUESTION = "01 04 0000 0002 71cb"
ANSWER = "01 04 04 0929 010f 6844"
"""Synthetic, by the specification (CRC reckoned by pymodbus): input registers 0 and 1 of unit 1, 2345 and 271."""

LEVEL = {
    "unit": LEVEL_UNIT,
    "name": "nivel",
    "interval_s": 0.1,
    "registers": [
        {"address": 0, "function": "input", "quantity": "water_level_metres", "unit": "mm"},
        {"address": 1, "function": "input", "type": "int16", "scale": 0.1, "quantity": "water_temperature_celsius"},
    ],
}
NO_BATTERY = {"address": 100, "type": "int16", "quantity": "battery_volts", "absent": [-32768]}
RAIN = {
    "unit": RAIN_UNIT,
    "name": "lluvia",
    "interval_s": 0.1,
    "registers": [{"address": 4, "counter": True, "scale": 0.2, "quantity": "rainfall_millimetres"}],
}
STATION = {
    "unit": STATION_UNIT,
    "name": "clima",
    "interval_s": 0.1,
    "registers": [
        {"address": 10, "type": "float32", "quantity": "temperature_celsius"},
        {"address": 12, "type": "float32", "quantity": "humidity_ratio", "unit": "%"},
        {"address": 20, "type": "uint32", "word_order": "little", "quantity": "illuminance_lux"},
    ],
}
LEVEL_READING = make_reading(
    Kind.ENVIRONMENT, "nivel", {"water_level_metres": 2.345, "water_temperature_celsius": -1.0}
)


def settings(*devices: dict[str, Any], port: Path | str = "/dev/none", **told: Any) -> Settings:
    base = {
        "driver": "modbus_rtu",
        "name": "muelle",
        "port": str(port),
        "timeout_s": 0.3,
        "retries": 0,
        "pause_s": 0.01,
    }
    return Settings.model_validate(base | {"devices": devices or (LEVEL,)} | told)


def decode(*chunks: bytes, by: ModbusDecoder | None = None) -> tuple[list[Reading], Counter[str]]:
    by = by or new_decoder(Settings.model_validate(tomllib.loads(SAMPLE)), {})
    readings: list[Reading] = []
    reasons: Counter[str] = Counter()
    for chunk in chunks:
        if (delivery := by.feed(chunk)) is not None:
            readings += delivery.readings
            reasons.update({r.reason: r.count for r in delivery.rejected})
    return readings, reasons


ACCEPTED = Golden(
    "synthetic, by the specification; CRC reckoned by pymodbus",
    Settings.model_validate(tomllib.loads(SAMPLE)),
    (bytes.fromhex(QUESTION), bytes.fromhex(ANSWER)),
)
REJECTED = Golden("synthetic: an answer without a question", ACCEPTED.settings, (bytes.fromhex(ANSWER),))


def test_a_golden_question_and_answer() -> None:
    """Accepted; with one bit changed, rejected."""
    answer = bytes.fromhex(ANSWER)
    values = {"water_level_metres": 2.345, "water_temperature_celsius": 27.1}
    expected = make_reading(Kind.ENVIRONMENT, "nivel-muelle", values)
    assert decode(bytes.fromhex(QUESTION) + answer) == ([expected], {})
    damaged = answer[:4] + bytes((answer[4] ^ 1,)) + answer[5:]
    assert decode(bytes.fromhex(QUESTION) + damaged + bytes(8)) == (
        [],
        {"stray_bytes": len(answer) + 7},
    )  # the last may begin a frame


def test_every_rejection_has_its_reason() -> None:
    question, answer = bytes.fromhex(QUESTION), bytes.fromhex(ANSWER)
    assert decode(answer) == ([], {"unasked_answer": 1})
    assert decode(question + question + answer)[1] == {"no_answer": 1}
    assert decode(question + answer + answer)[1] == {"unasked_answer": 1}
    assert decode(question + bytes.fromhex("018402c2c1"))[1] == {"refused_illegal_address": 1}
    assert decode(bytes.fromhex("1104000800 01b298 110402000af8f4"))[1] == {"unknown_device": 1}


@given(st.lists(st.sampled_from([bytes.fromhex(QUESTION), bytes.fromhex(ANSWER), b"\0", b"\x01\x04"]), max_size=10))
def test_cutting_the_stream_changes_nothing(parts: list[bytes]) -> None:
    stream = b"".join(parts)
    assert decode(stream) == decode(*(bytes((byte,)) for byte in stream)) == decode(*parts)


@given(st.integers(0, 16 * 8 - 1))
def test_altered_bits_never_give_a_wrong_reading(bit: int) -> None:
    stream = bytearray(bytes.fromhex(QUESTION) + bytes.fromhex(ANSWER))
    stream[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(stream))[0] == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"devices": []}, "at least 1 item"),
        ({"devices": [LEVEL, LEVEL | {"unit": 7}]}, "two devices have the name nivel"),
        ({"devices": [LEVEL | {"unit": 0}]}, "greater than or equal to 1"),
        ({"devices": [LEVEL | {"registers": [NO_BATTERY, NO_BATTERY]}]}, "two registers stand for battery_volts"),
        (
            {"devices": [LEVEL | {"registers": [NO_BATTERY | {"quantity": "river_level"}]}]},
            "near it: .*water_level_metres",
        ),
        ({"devices": [LEVEL | {"registers": [NO_BATTERY | {"quantity": ""}]}]}, "no quantity"),
        ({"devices": [LEVEL | {"registers": [NO_BATTERY | {"unit": "mm"}]}]}, "cannot be converted"),
        ({"devices": [LEVEL | {"registers": [NO_BATTERY | {"scale": 0}]}]}, "scale is 0"),
        ({"devices": [LEVEL | {"registers": [NO_BATTERY | {"type": "int32", "address": 65535}]}]}, "beyond the last"),
        ({"devices": [LEVEL | {"registers": [NO_BATTERY | {"counter": True}]}]}, "uint16 or uint32"),
        ({"devices": [LEVEL | {"registers": [NO_BATTERY | {"most": 3}]}]}, "for a counter"),
        ({"parity": "space"}, "none"),
    ],
)
def test_settings_that_cannot_be_are_explained(told: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**told)


def test_a_post_without_such_a_line_does_not_carry_pymodbus() -> None:
    """It takes 9 MB, and is an extra."""
    program = (
        "import sys, firmware_bridge.sources as s; assert 'modbus_rtu' in s.DRIVERS; print('pymodbus' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_the_docs_show_what_is() -> None:
    docs = Path("firmware_bridge/docs/modbus_rtu.md").read_text()
    assert as_block(SAMPLE) in docs
    for block in docs.split("```toml\n")[1:]:
        (source,) = tomllib.loads(block.split("```")[0])["sources"]
        Settings.model_validate(source)
    (reading,), _ = decode(bytes.fromhex(QUESTION) + bytes.fromhex(ANSWER))
    values = ", ".join(f"{name} {value:g}" for name, value in reading.values().items())
    assert f"{Kind(reading.kind).slug} {reading.sensor} {values}" in docs
    assert QUESTION in docs
    assert ANSWER in docs


# the line


class Heard:
    """What a source delivers."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.reasons: Counter[str] = Counter()

    def __call__(self, delivery: Delivery) -> None:
        self.readings += delivery.readings
        self.reasons.update({r.reason: r.count for r in delivery.rejected})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModbusServer]:
    with ModbusServer(tmp_path_factory.mktemp("modbus")) as server:
        yield server


@pytest.fixture
def cable(server: ModbusServer) -> Iterator[ModbusServer]:
    yield server
    server.fault = None
    server.echo = False


def damaged(told: bytes) -> bytes:
    return told[:4] + bytes((told[4] ^ 4,)) + told[5:]


def noisy(told: bytes) -> bytes:
    return b"\0\xff" + told + b"\0"


@pytest.mark.slow
class TestLine:
    def test_three_devices_on_one_line(self, cable: ModbusServer) -> None:
        heard = Heard()
        level = LEVEL | {"registers": [*LEVEL["registers"], NO_BATTERY]}  # type: ignore[misc]  # a list of tables
        with RunningSource(open_source(settings(level, RAIN, STATION, port=cable.port), {}), heard):
            wait_until("three rounds", lambda: len(heard.readings) > 12)
        told = {(reading.sensor, name): value for reading in heard.readings for name, value in reading.values().items()}
        assert told == {
            ("nivel", "water_level_metres"): 2.345,
            ("nivel", "water_temperature_celsius"): -1.0,
            ("lluvia", "rainfall_millimetres"): pytest.approx(0.2 * RAIN_STEP),
            ("clima", "temperature_celsius"): 26.75,
            ("clima", "humidity_ratio"): 0.815,
            ("clima", "illuminance_lux"): 66_770,
        }
        assert set(heard.reasons) == {"counter_began", "absent_battery_volts"}

    @pytest.mark.expects_warnings
    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (damaged, "bad_crc"),
            (lambda told: b"", "no_answer"),
            (lambda told: told[:3], "short_answer"),
            (lambda told: bytes.fromhex("110402000af8f4"), "wrong_answer"),
        ],
    )
    def test_faults_have_reasons_and_are_said_once(
        self, cable: ModbusServer, fault: Fault, reason: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "firmware_bridge.links.modbus_source")
        heard = Heard()
        cable.fault = fault
        source = open_source(settings(port=cable.port), {})
        with RunningSource(source, heard):
            wait_until("some tries", lambda: heard.reasons[reason] >= 3)
            assert not heard.readings
            assert f"not read: nivel ({reason})" in source.state
            cable.fault = None
            wait_until("read again", lambda: len(heard.readings) >= 2)
            assert "not read" not in source.state
        assert set(heard.reasons) - {"stray_bytes"} == {reason}
        assert set(heard.readings) == {LEVEL_READING}
        said = [record.getMessage() for record in caplog.records if "nivel" in record.getMessage()]
        assert len(said) == 2
        assert f"cannot be read: {reason}" in said[0]
        assert "is read again" in said[1]

    def test_noise_around_an_answer_and_an_echo_do_no_harm(self, cable: ModbusServer) -> None:
        heard = Heard()
        cable.fault, cable.echo = noisy, True
        with RunningSource(open_source(settings(port=cable.port), {}), heard):
            wait_until("readings", lambda: len(heard.readings) >= 5)
        assert set(heard.readings) == {LEVEL_READING}

    @pytest.mark.expects_warnings
    def test_a_question_is_asked_again(self, cable: ModbusServer) -> None:
        heard = Heard()
        answers = iter(range(1000))
        cable.fault = lambda told: b"" if next(answers) % 2 == 0 else told
        with RunningSource(open_source(settings(port=cable.port, retries=1), {}), heard):
            wait_until("readings", lambda: len(heard.readings) >= 3)
        assert abs(heard.reasons["no_answer"] - len(heard.readings)) <= 1

    @pytest.mark.expects_warnings
    def test_a_late_answer_is_not_taken_for_that_to_the_next_question(self, cable: ModbusServer) -> None:
        """Two questions of one unit, each for one register: nothing in an answer tells whose it is."""

        def late(told: bytes) -> bytes:
            time.sleep(0.15)
            return told

        heard = Heard()
        cable.fault = late
        device = LEVEL | {"most_registers": 1, "interval_s": 0.2}
        with RunningSource(open_source(settings(device, port=cable.port, timeout_s=0.1, pause_s=0.5), {}), heard):
            wait_until("several", lambda: heard.reasons["no_answer"] >= 4 and heard.reasons["stray_bytes"] >= 14)
        assert not heard.readings

    @pytest.mark.expects_warnings
    def test_a_silent_device_does_not_silence_the_others(self, cable: ModbusServer) -> None:
        heard = Heard()
        cable.fault = lambda told: b"" if told[0] == STATION_UNIT else told
        source = open_source(settings(LEVEL, STATION, port=cable.port), {})
        with RunningSource(source, heard):
            wait_until("both", lambda: len(heard.readings) >= 3 and heard.reasons["no_answer"] >= 2)
        assert {reading.sensor for reading in heard.readings} == {"nivel"}

    @pytest.mark.expects_warnings
    def test_a_register_that_is_not_there(self, cable: ModbusServer) -> None:
        heard = Heard()
        level = LEVEL | {"registers": [*LEVEL["registers"], NO_BATTERY | {"address": 7}]}  # type: ignore[misc]  # as above
        with RunningSource(open_source(settings(level, port=cable.port), {}), heard):
            wait_until("refused", lambda: heard.reasons["refused_illegal_address"] >= 2 and len(heard.readings) >= 2)
        assert set(heard.reasons) == {"refused_illegal_address"}

    @pytest.mark.expects_warnings
    def test_end_to_end_torn_out_and_put_back_with_rain_across_a_restart(
        self, cable: ModbusServer, tmp_path: Path
    ) -> None:
        """Into a gateway's outbox. The counter goes on where the last delivery left it, so the sum is what fell."""
        with opened(tmp_path / "o.db") as outbox:
            intake = Intake(outbox, Lanes(LaneSettings()), SetClock(), lambda _: None)

            def readings() -> list[Reading]:
                outbox.commit()
                return [entry.reading for parcel in parcels(outbox) for entry in parcel.entries]

            for _ in range(2):
                source = open_source(settings(LEVEL, RAIN, port=cable.port), outbox.replay())
                with RunningSource(source, intake.deliver):
                    before = len(readings())
                    wait_until("some", lambda: len(readings()) > before + 4)  # noqa: B023  used at once
                    cable.unplug()
                    wait_until("lost", lambda: "was lost" in source.state or "gone" in source.state)  # noqa: B023
                    cable.plug()
                    before = len(readings())
                    wait_until("more", lambda: len(readings()) > before + 4)  # noqa: B023  used at once
            held = readings()
            ((total, last),) = outbox.replay().values()
            tallies = outbox.tallies()
        assert tallies["muelle", "counter_began"] == 1
        amounts = [r.values()["rainfall_millimetres"] for r in held if r.sensor == "lluvia"]
        assert sum(amounts) == pytest.approx(total * 0.2)
        assert last % RAIN_STEP == 65_530 % RAIN_STEP or last < 65_530
        assert {r for r in held if r.sensor == "nivel"} == {LEVEL_READING}
