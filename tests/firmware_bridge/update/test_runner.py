"""A sensor gets its new firmware, or says why it does not take it.

The sensor is the C host program, under the sanitisers, on a real tty; its memory is a folder.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge.framing.device_frames import new_cipher, unseal
from firmware_bridge.framing.frame_bodies import decode_body
from firmware_bridge.readings import Reading
from firmware_bridge.update.course import Patience
from firmware_bridge.update.image import FirmwareImage, encode_image, sign_image
from firmware_bridge.update.runner import UpdateReport
from firmware_bridge.update.updater import Phase, Progress
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.firmware_bridge.update.updating import MAKER, MAKER_KEY, program, refused, update

pytestmark = pytest.mark.slow


def test_a_whole_update(file: Path, image: FirmwareImage, line: Line, sensor: Sensor) -> None:
    told: list[Progress] = []
    report = update(file, line, on_progress=told.append, maker=MAKER_KEY)
    assert report == UpdateReport(Phase.UPDATED, "1.2.0", 79, 0, 0, {})
    assert sensor.program == image.program
    assert sensor.version == image.version
    assert [p.held_bytes for p in told] == sorted(p.held_bytes for p in told)
    assert told[-1] == Progress(Phase.UPDATED, 20_001, 20_001)
    assert {Phase.BEGINNING, Phase.SENDING, Phase.FINISHING, Phase.BOOTING} <= {p.phase for p in told}
    again = update(file, line)
    assert again.phase is Phase.UP_TO_DATE
    assert again.blocks_sent == 0


@pytest.mark.parametrize("bits", [4, 6])
def test_the_device_says_how_long_a_block_is(
    vigia_host: Path, tmp_path: Path, file: Path, line: Line, bits: int
) -> None:
    options = ("--maker", MAKER_KEY.hex(), "--block-bits", str(bits))
    with Sensor(vigia_host, line, tmp_path / "memory", *options) as sensor:
        assert update(file, line).blocks_sent == -(-20_001 // 2**bits)
        assert len(sensor.program) == 20_001


@pytest.mark.parametrize("size", [1, 255, 256, 257])
def test_any_size(line: Line, sensor: Sensor, tmp_path: Path, size: int) -> None:
    file = tmp_path / "small"
    file.write_bytes(encode_image(sign_image(program(size), "vigia-host", "1.0.1", MAKER)))
    assert update(file, line).phase is Phase.UPDATED
    assert sensor.program == program(size)


def test_readings_that_come_meanwhile_are_handed_on(vigia_host: Path, tmp_path: Path, file: Path, line: Line) -> None:
    others: list[bytes] = []
    options = ("--maker", MAKER_KEY.hex(), "--every-ms", "20")
    with Sensor(vigia_host, line, tmp_path / "memory", *options):
        report = update(file, line, on_other=others.append)
    assert report.others == len(others) > 0
    for content in others:
        opened = unseal(content[1:], {int(DEVICE, 16): new_cipher(KEY)})
        assert isinstance(opened, tuple)
        reading = decode_body(opened[2], "sensor", [])
        assert isinstance(reading, Reading)
        assert reading.label == "chainsaw"


def test_a_signature_of_somebody_else(file: Path, image: FirmwareImage, line: Line, sensor: Sensor) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    file.write_bytes(encode_image(sign_image(image.program, "vigia-host", "1.2.0", other)))
    assert refused(file, line, maker=MAKER_KEY).reason == "bad_signature"  # here already
    error = refused(file, line)  # and by the device, before it takes a block
    assert error.reason == "bad_signature"
    assert "the device says" in error.detail
    assert not (sensor.memory / "manifest").exists()
    assert not (sensor.memory / "slot").exists()


def test_an_older_version_only_by_force(file: Path, line: Line, sensor: Sensor) -> None:
    update(file, line)
    old = file.with_name("old")
    old.write_bytes(encode_image(sign_image(program(700), "vigia-host", "1.1.9", MAKER)))
    error = refused(old, line)
    assert error.reason == "older_version"
    assert "1.2.0" in error.detail
    assert sensor.version == 0x01020000
    assert update(old, line, force=True).phase is Phase.UPDATED
    assert sensor.version == 0x01010009
    assert sensor.program == program(700)
    assert update(old, line, force=True).phase is Phase.UPDATED  # the same once more


def test_firmware_for_another_model(file: Path, image: FirmwareImage, line: Line, sensor: Sensor) -> None:
    file.write_bytes(encode_image(sign_image(image.program, "another", "1.2.0", MAKER)))
    error = refused(file, line)
    assert error.reason == "wrong_model"
    assert "vigia-host" in error.detail


def test_firmware_that_does_not_fit(file: Path, line: Line, sensor: Sensor) -> None:
    file.write_bytes(encode_image(sign_image(bytes(2**20 + 1), "vigia-host", "1.2.0", MAKER)))
    assert refused(file, line).reason == "too_large"


def test_a_boot_loader_that_does_not_take_it(vigia_host: Path, tmp_path: Path, file: Path, line: Line) -> None:
    with Sensor(vigia_host, line, tmp_path / "memory", "--maker", MAKER_KEY.hex(), "--refuse") as sensor:
        error = refused(file, line)
        assert error.reason == "not_booted"
        assert "1.0.0" in error.detail
        assert sensor.program == b""


def test_another_image_takes_the_place_of_one_half_sent(file: Path, line: Line, sensor: Sensor) -> None:
    stop = threading.Event()

    def half(progress: Progress) -> None:
        if progress.held_bytes > 8_000:
            stop.set()

    assert refused(file, line, on_progress=half, stop=stop).reason == "stopped"
    other = file.with_name("other")
    other.write_bytes(encode_image(sign_image(program(3_000, 8), "vigia-host", "1.3.0", MAKER)))
    assert update(other, line).blocks_sent == 12
    assert sensor.program == program(3_000, 8)


def test_a_post_that_lost_its_counters_goes_on(file: Path, line: Line, sensor: Sensor, tmp_path: Path) -> None:
    high, low = tmp_path / "high", tmp_path / "low"
    high.write_text(f'{{"{DEVICE}": 3000000000}}')
    low.write_text(f'{{"{DEVICE}": 5}}')
    update(file, line, counters=high)
    newer = file.with_name("newer")
    newer.write_bytes(encode_image(sign_image(program(900), "vigia-host", "1.2.1", MAKER)))
    assert update(newer, line, counters=low).phase is Phase.UPDATED
    assert int(low.read_text().split(":")[1].strip(" }")) > 3_000_000_000


@pytest.mark.expects_warnings  # of the port that is not there
def test_silence_is_explained(file: Path, line: Line, sensor: Sensor, tmp_path: Path) -> None:
    short = Patience(0.05, 0.05, 0.3)
    error = refused(file, line, key=bytes(16), patience=short)
    assert error.reason == "no_answer"
    assert "is its key right" in error.detail
    error = refused(file, line, port=str(tmp_path / "nowhere"), patience=short)
    assert "there is no such port" in error.detail
    with pytest.raises(ValueError, match="key of 3 bytes"):
        update(file, line, key=b"abc")


def test_the_host_program_says_what_it_needs(vigia_host: Path) -> None:
    for arguments in ([], ["play", "x"], ["play", "/dev/null", KEY.hex(), DEVICE, "x", "--what", "1"]):
        done = subprocess.run(
            [vigia_host, *arguments], capture_output=True, text=True, env=dict(os.environ), timeout=10
        )
        assert done.returncode == 2
        assert done.stderr
