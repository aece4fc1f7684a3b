"""The C host program, built once a session; a firmware file, a line, and a sensor at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.update.image import FirmwareImage, encode_image, sign_image
from tests.firmware_bridge.update.lines import Line, Sensor
from tests.firmware_bridge.update.updating import MAKER, MAKER_KEY, program
from tests.support.device_host import vigia_host

__all__ = ["file", "image", "line", "sensor", "vigia_host"]


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
