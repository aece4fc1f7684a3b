"""A sensor gets its new firmware whole or keeps the old one, whatever dies and whatever the line does to it.

The sensor is the C host program, under the sanitisers, on a real tty; its memory is a folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge.framing.device_frames import new_cipher, unseal
from firmware_bridge.framing.downlinks import Identify, Ping, Reboot, RequestStatus, Result, SetInterval
from firmware_bridge.framing.frame_bodies import decode_body
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.readings import Kind, Reading
from firmware_bridge.update.conversation import Conversation
from firmware_bridge.update.counters import DownlinkCounters
from firmware_bridge.update.course import Patience
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.image import FirmwareImage, encode_image, sign_image
from firmware_bridge.update.runner import UpdateReport, update_firmware
from firmware_bridge.update.updater import Phase, Progress
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAKER_KEY = MAKER.public_key().public_bytes_raw()
SOON = Patience(answer_s=0.15, slow_answer_s=0.5, give_up_s=20.0)


def program(size: int, seed: int = 7) -> bytes:
    return Random(seed).randbytes(size)


@pytest.fixture
def image() -> FirmwareImage:
    return sign_image(program(20_001), "vigia-host", "1.2.0", MAKER)


@pytest.fixture
def file(tmp_path: Path, image: FirmwareImage) -> Path:
    path = tmp_path / "firmware.vgf"
    path.write_bytes(encode_image(image))
    return path


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with Line(tmp_path) as line:
        yield line


@pytest.fixture
def sensor(vigia_host: Path, line: Line, tmp_path: Path) -> Iterator[Sensor]:
    with Sensor(vigia_host, line, tmp_path / "memory", "--maker", MAKER_KEY.hex()) as sensor:
        yield sensor


def update(file: Path, line: Line, **extra: Any) -> UpdateReport:
    settings = {"port": str(line.gateway_end), "baud": 115200, "device": DEVICE, "key": KEY, "patience": SOON}
    return update_firmware(file, **({"counters": file.with_name("counters")} | settings | extra))


def refused(file: Path, line: Line, **extra: Any) -> UpdateError:
    with pytest.raises(UpdateError) as told:
        update(file, line, **extra)
    return told.value


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


@contextlib.contextmanager
def conversation(line: Line, tmp_path: Path, others: list[bytes]) -> Iterator[Conversation]:
    link = SerialLink(str(line.gateway_end), 115200)
    counters = DownlinkCounters(tmp_path / "counters")
    yield Conversation(link, DEVICE, KEY, counters, on_other=others.append, stop=threading.Event())
    link.close()


def test_commands_are_obeyed(line: Line, sensor: Sensor, tmp_path: Path) -> None:
    others: list[bytes] = []

    def kinds() -> list[int]:
        opened = [unseal(content[1:], {int(DEVICE, 16): new_cipher(KEY)}) for content in others]
        return [frame[2][0] for frame in opened if isinstance(frame, tuple)]

    with conversation(line, tmp_path, others) as talk:
        for command in (Ping(), Identify(5), RequestStatus()):
            answer = talk.ask(command, 5)
            assert answer is not None
            assert answer.result == Result.DONE
        wait_until("the status", lambda: talk.ask(Ping(), 5) is not None and kinds() == [Kind.DEVICE_STATUS])
        answer = talk.ask(SetInterval(Kind.POSITION, 60), 5)
        assert answer is not None
        assert answer.words == "refused"
        answer = talk.ask(SetInterval(Kind.DEVICE_STATUS, 1), 5)
        assert answer is not None
        assert answer.words == "done"
        wait_until("another", lambda: talk.ask(Ping(), 5) is not None and len(kinds()) > 1)
        # What it has heard survives its restart: the counter that it kept ahead is above ours, and it says so.
        assert talk.ask(Reboot(0), 5) is not None
        assert talk.ask(Ping(), 5) is not None
    assert int.from_bytes((sensor.memory / "restarts").read_bytes(), "big") == 2


def test_a_recorded_command_is_not_obeyed_again(line: Line, sensor: Sensor, tmp_path: Path) -> None:
    recorded: list[bytes] = []
    others: list[bytes] = []

    def record(data: bytes) -> bytes:
        recorded.append(data)
        return data

    line.to_device = record
    with conversation(line, tmp_path, others) as talk:
        assert talk.ask(Reboot(0), 5) is not None
        replayed = b"".join(recorded)
        line.to_device = lambda data: replayed + data
        answer = talk.ask(Ping(), 5)
        assert answer is not None
        assert talk.rejected.get("late_answer", 0) >= 1  # its word that it was behind
    assert int.from_bytes((sensor.memory / "restarts").read_bytes(), "big") == 2


def test_the_host_program_says_what_it_needs(vigia_host: Path) -> None:
    for arguments in ([], ["play", "x"], ["play", "/dev/null", KEY.hex(), DEVICE, "x", "--what", "1"]):
        done = subprocess.run(
            [vigia_host, *arguments], capture_output=True, text=True, env=dict(os.environ), timeout=10
        )
        assert done.returncode == 2
        assert done.stderr
