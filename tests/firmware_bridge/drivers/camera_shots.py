"""Settings of a camera folder, and pictures of an HC500 taken three days ago."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from firmware_bridge.drivers.camera_folder import Settings
from tests.firmware_bridge.media.pictures_made import hyperfire, jpeg, tiff, undefined

TAKEN = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=3)
LOCAL = (TAKEN - dt.timedelta(hours=5)).timetuple()[:6]  # America/Lima


def settings(place: Path, **extra: Any) -> Settings:
    return Settings.model_validate(
        {
            "driver": "camera_folder",
            "name": "camaras",
            "directory": place / "in",
            "state_path": place / "taken.db",
            "aside_directory": place / "aside",
            "zone": "America/Lima",
            "poll_s": 0.02,
            "settle_s": 0.05,
            "incomplete_s": 0.3,
            "aside_after_s": 0.1,
            "burst_s": 0.3,
            "moon_tolerance_days": 15,
            "recorders": [{"serial": "H500DE01120343", "name": "camara-quebrada", "label": "tapir"}],
        }
        | extra
    )


def shot(number: int, of: int = 3, event: int = 7, seed: int | None = None, **note: Any) -> bytes:
    block = tiff({}, {0x927C: undefined(hyperfire(sequence=(number, of), event=event, time=LOCAL, **note))})
    return jpeg(block, seed=seed if seed is not None else event * 100 + number)
