"""Whatever dies and whatever the line does, the sensor has its new firmware whole or keeps the old one."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest

from firmware_bridge.update.course import Patience
from firmware_bridge.update.image import FirmwareImage, encode_image, sign_image
from firmware_bridge.update.updater import Phase, Progress
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.firmware_bridge.update.updating import MAKER, MAKER_KEY, program, refused, update

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("attempt", range(3))
def test_a_device_that_is_killed_again_and_again(
    file: Path, image: FirmwareImage, line: Line, sensor: Sensor, seed: int, attempt: int
) -> None:
    """It dies at seeded changes of its memory: in a block, between a block and the note that it is there, in its boot
    loader; and is switched on again while the updater goes on asking."""
    chance = Random(f"{seed}/{attempt}")
    over = threading.Event()
    deaths = []

    def watch() -> None:
        while not over.wait(0.01):
            if sensor.dead:
                assert sensor.power_down() == ""
                deaths.append(1)
                sensor.power_up("--die-at", str(chance.randrange(3, 90)))

    sensor.power_down()
    sensor.power_up("--die-at", str(chance.randrange(3, 60)))
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        report = update(file, line)
    finally:
        over.set()
        thread.join(10)
    assert deaths
    assert report.phase is Phase.UPDATED
    assert sensor.program == image.program
    assert sensor.version == image.version


def test_no_instant_of_death_is_the_wrong_one(vigia_host: Path, tmp_path: Path, line: Line, seed: int) -> None:
    """A small image; the device dies at the nth change of its memory, for every n there is until it is through."""
    small = sign_image(program(600), "vigia-host", "1.0.1", MAKER)
    file = tmp_path / "small"
    file.write_bytes(encode_image(small))
    for instant in range(1, 60):
        memory = tmp_path / f"memory-{instant}"
        sensor = Sensor(vigia_host, line, memory, "--maker", MAKER_KEY.hex())
        sensor.power_up("--die-at", str(instant))
        died = threading.Event()
        over = threading.Event()

        def watch(sensor: Sensor = sensor, died: threading.Event = died, over: threading.Event = over) -> None:
            while not over.wait(0.005):
                if sensor.dead:
                    died.set()
                    assert sensor.power_down() == ""
                    sensor.power_up()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            update(file, line, patience=Patience(0.1, 0.2, 20.0))
        finally:
            over.set()
            thread.join(10)
            complaints = sensor.power_down()
        assert complaints == ""
        assert sensor.program == small.program
        assert sensor.version == small.version
        if not died.is_set():
            assert instant > 20  # every step of the way was the last once
            return
    pytest.fail("it never got through alive")


GATEWAY_SIDE = """
import sys, pathlib
from firmware_bridge.update.course import Patience
from firmware_bridge.update.runner import update_firmware
port, file, counters = sys.argv[1:4]
update_firmware(pathlib.Path(file), port=port, baud=115200, device=sys.argv[4], key=bytes.fromhex(sys.argv[5]),
    counters=pathlib.Path(counters), patience=Patience(0.2, 1.0, 20.0),
    on_progress=lambda p: print(p.held_bytes, flush=True))
"""


def test_a_gateway_that_is_killed_again_and_again(
    file: Path, image: FirmwareImage, line: Line, sensor: Sensor, seed: int
) -> None:
    """A process of its own, killed after seeded numbers of answers; each takes up where the last one was torn away."""
    chance = Random(seed)
    counters = file.with_name("counters")
    arguments = (str(line.gateway_end), str(file), str(counters), DEVICE, KEY.hex())
    reached = []
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", GATEWAY_SIDE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        heard = [int(process.stdout.readline() or -1) for _ in range(chance.randrange(3, 22))]
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        reached.append(max(heard))
        if heard[-1] < 0:
            break
    assert reached == sorted(reached)
    report = update(file, line)
    assert report.phase in (Phase.UPDATED, Phase.UP_TO_DATE)
    assert report.blocks_sent <= 79 - reached[-1] // 256  # nothing that was there is sent again
    assert sensor.program == image.program


def test_bytes_altered_and_lost_and_added(file: Path, line: Line, sensor: Sensor, seed: int) -> None:
    chance = Random(seed)
    small = sign_image(program(8_000), "vigia-host", "1.2.0", MAKER)
    file.write_bytes(encode_image(small))

    def noisy(data: bytes) -> bytes:
        spoilt = bytearray(data)
        fate = chance.random()
        if fate < 0.06:
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        elif fate < 0.1:
            del spoilt[chance.randrange(len(spoilt)) :]
        elif fate < 0.14:
            at = chance.randrange(len(spoilt) + 1)
            spoilt[at:at] = chance.randbytes(chance.randrange(1, 400))
        elif fate < 0.18:
            return b""
        return bytes(spoilt)

    line.to_device = line.to_gateway = noisy
    report = update(file, line)
    assert report.phase is Phase.UPDATED
    assert report.repeats > 3
    assert set(report.rejected) <= {"bad_cobs", "bad_crc", "too_short", "overlong_bytes", "late_answer"}
    assert sensor.program == small.program


def test_every_second_answer_is_lost(file: Path, line: Line, sensor: Sensor) -> None:
    """The device did what it was told and nobody knows: it is told again, and takes no harm. The image is short."""
    small = sign_image(program(2_000), "vigia-host", "1.2.0", MAKER)
    file.write_bytes(encode_image(small))
    count = iter(range(10_000))
    line.to_gateway = lambda data: b"" if next(count) % 2 else data
    report = update(file, line)
    assert report.phase is Phase.UPDATED
    assert report.repeats >= 6
    assert sensor.program == small.program


def test_flash_that_rots_is_sent_anew(file: Path, image: FirmwareImage, line: Line, sensor: Sensor) -> None:
    spoilt = []

    def rot(progress: Progress) -> None:
        if progress.phase is Phase.FINISHING and not spoilt:
            spoilt.append(1)
            with (sensor.memory / "slot").open("r+b") as slot:
                slot.seek(5000)
                slot.write(b"rot")

    report = update(file, line, on_progress=rot)
    assert report.phase is Phase.UPDATED
    assert report.blocks_sent == 2 * 79
    assert sensor.program == image.program


def test_flash_that_always_rots_is_told(file: Path, line: Line, sensor: Sensor) -> None:
    def rot(progress: Progress) -> None:
        if progress.phase is Phase.FINISHING:
            with (sensor.memory / "slot").open("r+b") as slot:
                slot.write(b"rot")

    assert refused(file, line, on_progress=rot).reason == "bad_digest"
    assert sensor.program == b""
