"""Cameras and recorders: a card full of pictures, one full of clips, and a camera on a UART."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from firmware_bridge.simulator.serial_camera import SerialCamera, serve
from tests.firmware_bridge.media.clips_made import clip
from tests.firmware_bridge.media.pictures_made import hyperfire, jpeg, painted, tiff, undefined
from tests.support.field.played import Media, Played, Stored


class _Folder(Played):
    """A directory that fills."""

    sensor: str
    label: str

    @property
    def settings(self) -> str:
        return f"""\
[[sources]]
driver = "{self.driver}"
name = "{self.sensor}"
directory = "{self.place}/tarjeta"
state_path = "{self.place}/taken.db"
zone = "America/Lima"
sensor = "{self.sensor}"
label = "{self.label}"
settle_s = 0.2
poll_s = 0.2
"""

    def open(self) -> None:
        (self.place / "tarjeta/DCIM").mkdir(parents=True)

    def put(self, name: str, content: bytes) -> None:
        """A file on the card, whole at once."""
        beside = self.place / name
        beside.write_bytes(content)
        beside.rename(self.place / "tarjeta/DCIM" / name)


class CameraFolder(_Folder):
    """A Reconyx camera: what it knows is in its maker note, its time included."""

    driver = "camera_folder"
    sensor = "camara-quebrada"
    label = "tapir"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        taken = datetime.now(ZoneInfo("America/Lima")) - timedelta(hours=1)
        told = (taken.year, taken.month, taken.day, taken.hour, taken.minute, taken.second)
        note = hyperfire(sequence=(1, 1), event=42, time=told, celsius=26, millivolts=8550)
        self._content = jpeg(tiff({}, {0x927C: undefined(note)}), image=painted(seed=3))
        values = {"picture_number": 42, "temperature_celsius": 26, "battery_volts": 8.55}
        self.stored = [Stored(self.sensor, "camera_detection", values, self.label, age_s=3600)]
        self.media = [Media(self.sensor, self._content, ".jpg", thumbnail=True)]

    @property
    def settings(self) -> str:
        return super().settings + "burst_s = 0.5\nmoon_tolerance_days = 15\n"

    def say(self) -> None:
        self.put("IMG_0007.JPG", self._content)


class AudioFolder(_Folder):
    """An AudioMoth: time, battery and temperature are in the clip's comment."""

    driver = "audio_folder"
    sensor = "grabadora-loma"
    label = "bird"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        began = (datetime.now(UTC) - timedelta(minutes=20)).replace(microsecond=0)
        self._content = clip(
            f"Recorded at {began:%H:%M:%S %d/%m/%Y} (UTC) by AudioMoth 24E144085F2569BF at medium gain while battery "
            "was 4.1V and temperature was 25.3C.",
            "AudioMoth 24E144085F2569BF",
        )
        values = {"duration_seconds": 1.0, "battery_volts": 4.1, "device_temperature_celsius": 25.3}
        self.stored = [Stored(self.sensor, "acoustic_detection", values, self.label, age_s=1200)]
        self.media = [Media(self.sensor, self._content, ".wav", thumbnail=False)]

    def say(self) -> None:
        self.put("clip.wav", self._content)


class SerialCameraOnUart(Played):
    """A camera that sends its picture in pieces, taken a minute and a half before."""

    driver = "serial_camera"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self._content = jpeg(image=painted(seed=5))
        self.stored = [Stored("camara-puerto", "camera_detection", {"picture_number": 9}, "boat", age_s=90)]
        self.media = [Media("camara-puerto", self._content, ".jpg", thumbnail=True)]

    @property
    def settings(self) -> str:
        return f"""\
[[sources]]
driver = "serial_camera"
name = "uart"
port = "{self.place}/port"
spool_directory = "{self.place}/spool"
sensor = "camara-puerto"
label = "boat"
burst_s = 0.2
"""

    def open(self) -> None:
        self._line = self.tty()

    def say(self) -> None:
        stop = threading.Event()
        camera = SerialCamera([(self._content, 90)], first_id=9)
        # The camera has the line as its own, so that it may be unplugged while it speaks.
        descriptor = os.dup(self._line.master)

        def run() -> None:
            with suppress(OSError):
                serve(camera, descriptor, stop)
            os.close(descriptor)

        thread = threading.Thread(target=run, name="serial camera")
        thread.start()
        self.ends.callback(thread.join)
        self.ends.callback(stop.set)
