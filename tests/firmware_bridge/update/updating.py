"""A maker's firmware, and the way to bring it to the sensor on a line."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge.update.course import Patience
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.runner import UpdateReport, update_firmware
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line

MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAKER_KEY = MAKER.public_key().public_bytes_raw()
SOON = Patience(answer_s=0.15, slow_answer_s=0.5, give_up_s=20.0)


def program(size: int, seed: int = 7) -> bytes:
    return Random(seed).randbytes(size)


def update(file: Path, line: Line, **extra: Any) -> UpdateReport:
    settings = {"port": str(line.gateway_end), "baud": 115200, "device": DEVICE, "key": KEY, "patience": SOON}
    return update_firmware(file, **({"counters": file.with_name("counters")} | settings | extra))


def refused(file: Path, line: Line, **extra: Any) -> UpdateError:
    with pytest.raises(UpdateError) as told:
        update(file, line, **extra)
    return told.value
