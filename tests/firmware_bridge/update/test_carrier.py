"""New firmware by way of a running source: what else the line tells arrives, whatever dies meanwhile.

The sensor is the C host program, under the sanitisers, on a real tty; its memory is a folder.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge import sources
from firmware_bridge.commands.voice import Voice
from firmware_bridge.delivery import SensorAnswer
from firmware_bridge.drivers.vigia_sensor import VigiaSensorDecoder, on_line
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.links.serial_source import SerialSource
from firmware_bridge.readings import Downlink, DownlinkError, Kind, Reading
from firmware_bridge.sources import FirmwareCarrier
from firmware_bridge.update.carrier import Carrier
from firmware_bridge.update.course import Patience, patience_at
from firmware_bridge.update.image import encode_image, sign_image
from tests.firmware_bridge.drivers.radio_frames import modem_settings
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAKER_KEY = MAKER.public_key().public_bytes_raw().hex()
OURS = {"id": DEVICE, "name": "rio-arriba", "key": KEY.hex()}
SOON = Patience(answer_s=0.2, slow_answer_s=1.0, give_up_s=20.0, whole_s=60.0)
PROGRAM = Random(7).randbytes(20_001)
IMAGE = encode_image(sign_image(PROGRAM, "vigia-host", "1.2.0", MAKER))


@pytest.fixture
def sensor(vigia_host: Path, line: Line, tmp_path: Path) -> Iterator[Sensor]:
    with Sensor(vigia_host, line, tmp_path / "memory", "--maker", MAKER_KEY, "--every-ms", "20") as sensor:
        yield sensor


def source_on(line: Line, patience: Patience = SOON, **device: Any) -> SerialSource:
    """As the driver's `open_source` makes it, less patient."""
    driver = sources.DRIVERS["vigia_sensor"]
    ours = OURS | device
    counters = line.gateway_end.with_name("counters")
    told = {"driver": "vigia_sensor", "name": "cable", "port": str(line.gateway_end), "devices": [ours]}
    settings: Any = driver.Settings.model_validate(told | {"counters_path": counters})
    link = SerialLink(settings.port, settings.baud, name="cable")
    voice = Voice(settings.devices, {}, settings.counters_path)
    carrier = Carrier("cable", voice, patience, lambda: link.words)
    return SerialSource(
        "cable",
        link,
        lambda: VigiaSensorDecoder(settings, {}, voice.hear),
        end=b"\0",
        voice=voice,
        carrier=carrier,
        on_line=on_line,
    )


class Update:
    """An update on a thread of its own, as the gateway's."""

    def __init__(self, source: SerialSource, image: bytes = IMAGE) -> None:
        self.words = ""
        self.trouble: DownlinkError | None = None
        self._thread = threading.Thread(target=self._run, args=(source, image))
        self._thread.start()

    def _run(self, source: SerialSource, image: bytes) -> None:
        try:
            self.words = source.update("rio-arriba", image)
        except DownlinkError as trouble:
            self.trouble = trouble

    @property
    def is_over(self) -> bool:
        return bool(self.words or self.trouble)

    def ends(self, timeout_s: float = 60.0) -> str:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive()
        return self.words or f"{self.trouble}"


def refused(source: SerialSource, image: bytes = IMAGE, device: str = "rio-arriba") -> str:
    with pytest.raises(DownlinkError) as told:
        source.update(device, image)
    return f"{told.value}"


def sent_by(words: str) -> int:
    """How many blocks it took, of a sensor that runs the new version now."""
    told = re.fullmatch(r"rio-arriba runs 1\.2\.0 now; (\d+) blocks were sent", words)
    assert told is not None, words
    return int(told[1])


def readings_in(raw: bytes) -> list[Reading]:
    """All that a sensor told, as nobody who talks with it reads it."""
    settings: Any = sources.DRIVERS["vigia_sensor"].Settings.model_validate(
        {"driver": "vigia_sensor", "name": "x", "port": "x", "devices": [OURS]}
    )
    told = VigiaSensorDecoder(settings, {}).feed(raw)
    return told.readings if told is not None else []


def blocks_of(sensor: Sensor) -> Callable[[int], Callable[[], bool]]:
    """Whether the sensor has so many bytes of a new program."""
    slot = sensor.memory / "slot"
    return lambda size: lambda: slot.exists() and slot.stat().st_size >= size


def test_a_sensor_is_updated_while_it_detects_and_every_frame_of_it_arrives(line: Line, sensor: Sensor) -> None:
    recorded: list[bytes] = []

    def record(data: bytes) -> bytes:
        recorded.append(data)
        return data

    line.to_gateway = record
    with RunningSource(source_on(line)) as running:
        wait_until("it is heard", running.has(3))
        assert isinstance(running.source, FirmwareCarrier)
        assert running.source.knows("rio-arriba")
        before = len(running.readings)
        assert sent_by(running.source.update("rio-arriba", IMAGE)) >= 79
        during = len(running.readings) - before
        wait_until("it goes on", running.has(before + during + 3))
        assert during >= 3
        assert running.answers == []  # its answers are the update's
        assert not running.reasons.keys() - {"unasked_answer"}  # one that was asked twice, and that answered late
        assert running.source.update("rio-arriba", IMAGE) == "rio-arriba runs 1.2.0 already"
        told = readings_in(b"".join(recorded))
        wait_until("all that it told", running.has(len(told)))
        assert running.readings[: len(told)] == told
        assert running.replay[DEVICE][0] >= len(told) + 79  # of its counters, those of the answers too
    assert {(reading.kind, reading.label) for reading in told} == {(Kind.ACOUSTIC_DETECTION, "chainsaw")}
    assert sensor.program == PROGRAM


def test_people_may_say_something_meanwhile(line: Line, sensor: Sensor) -> None:
    with RunningSource(source_on(line)) as running:
        update = Update(running.source)  # type: ignore[arg-type]  # it is a SerialSource
        wait_until("half of it", blocks_of(sensor)(8_000))
        assert isinstance(running.source, SerialSource)
        assert refused(running.source).startswith("busy: cable brings firmware to a sensor already")
        running.source.say(Downlink("rio-arriba", text="ping"))
        assert sent_by(update.ends()) >= 79
        wait_until("its answer", lambda: running.answers == [SensorAnswer("rio-arriba", "ping", "done")])


def test_a_device_that_dies_in_the_middle_and_a_line_that_is_cut_are_waited_for(line: Line, sensor: Sensor) -> None:
    source = source_on(line)
    with RunningSource(source) as running:
        update = Update(source)
        wait_until("a third of it", blocks_of(sensor)(6_000))
        assert sensor.power_down() == ""
        heard = len(running.readings)
        sensor.power_up()
        wait_until("two thirds of it", blocks_of(sensor)(13_000))
        line.to_gateway = line.to_device = lambda data: b""
        wait_until("nothing for a while", lambda: not update.is_over and running.source.state.endswith("baud"))
        line.to_gateway = line.to_device = lambda data: data
        words = update.ends()
        wait_until("it is heard again", running.has(heard + 1))
    assert sent_by(words) < 2 * 79  # it went on from what the device had
    assert sensor.program == PROGRAM


@pytest.mark.expects_warnings  # the port is away
def test_a_port_that_is_pulled_out_and_put_back_is_waited_for(line: Line, sensor: Sensor) -> None:
    source = source_on(line)
    with RunningSource(source):
        update = Update(source)
        wait_until("a third of it", blocks_of(sensor)(6_000))
        line.pull_out()
        wait_until("it is away", lambda: "is the device plugged in?" in source.state)
        assert not update.is_over
        line.put_back()
        assert update.ends().startswith("rio-arriba runs 1.2.0 now")
    assert sensor.program == PROGRAM


def test_a_source_that_is_stopped_ends_it_soon_and_another_goes_on(line: Line, sensor: Sensor) -> None:
    first = source_on(line)
    with RunningSource(first):
        update = Update(first)
        wait_until("half of it", blocks_of(sensor)(10_000))
    assert update.ends(1.0).startswith("stopped: ")
    assert refused(first).startswith("stopped: the source has ended")
    with RunningSource(source_on(line)) as running:
        assert isinstance(running.source, SerialSource)
        assert sent_by(running.source.update("rio-arriba", IMAGE)) < 79
    assert sensor.program == PROGRAM


def test_what_cannot_be_is_refused_with_the_reason(line: Line, sensor: Sensor) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with RunningSource(source_on(line)) as running:
        assert isinstance(running.source, SerialSource)
        assert refused(running.source, b"VGF1 no").startswith("bad_image: it is not a Vigía firmware image")
        assert refused(running.source, IMAGE[:-1]).startswith("bad_image: ")
        assert refused(running.source, device="otro").startswith("unknown_device: ")
        signed = encode_image(sign_image(PROGRAM, "vigia-host", "1.2.0", stranger))
        assert "bad_signature: the device says: it does not know the maker" in refused(running.source, signed)
        other = encode_image(sign_image(PROGRAM, "another", "1.2.0", MAKER))
        assert "wrong_model: the device is a 'vigia-host'" in refused(running.source, other)
        older = encode_image(sign_image(PROGRAM, "vigia-host", "0.9.0", MAKER))
        assert "older_version" in refused(running.source, older)
    assert not (sensor.memory / "slot").exists()


def test_silence_is_explained_and_patience_has_an_end(line: Line, sensor: Sensor) -> None:
    short = Patience(answer_s=0.05, slow_answer_s=0.05, give_up_s=0.3)
    with RunningSource(source_on(line, short, key=bytes(16).hex())) as running:
        assert isinstance(running.source, SerialSource)
        told = refused(running.source)
    assert told.startswith("no_answer: rio-arriba does not answer (")
    assert "is its key right? What it has, it keeps" in told
    with RunningSource(source_on(line, Patience(whole_s=0.0))) as running:
        assert isinstance(running.source, SerialSource)
        assert refused(running.source).startswith("too_long: 0 of 20001 bytes are there; say the same again to go on")


def test_over_the_air_it_is_refused_at_once(tmp_path: Path) -> None:
    told = {"port": str(tmp_path / "port"), "devices": [OURS]}
    source = sources.open_source(modem_settings("seeed_lora_e5", **told, counters_path=tmp_path / "counters"), {})
    assert isinstance(source, FirmwareCarrier)
    with pytest.raises(DownlinkError, match="too_slow: rio-arriba is on the radio"):
        source.update("rio-arriba", IMAGE)


def test_a_slow_line_is_given_the_time_that_a_block_takes() -> None:
    assert patience_at(115_200).answer_s < 1.1
    assert patience_at(300).answer_s > 20
    assert patience_at(300).give_up_s < 300
    assert patience_at(115_200).whole_s == 3600
