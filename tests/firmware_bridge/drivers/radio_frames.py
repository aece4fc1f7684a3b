"""What tests of radio receivers share: a detection in our own frames, settings of a modem, and the way to an outbox."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import firmware_bridge
from firmware_bridge import sources
from firmware_bridge.delivery import Decoder
from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import Kind, Reading, make_reading

KEY = "00112233445566778899aabbccddeeff"
DEVICE = 0x00A1B2C3
OURS = {"id": "00a1b2c3", "name": "rio-arriba", "key": KEY}
CLIMATE = {"id": "07", "name": "clima-maloca", "payload": {"codec": "cayenne_lpp"}}
LPP = bytes.fromhex("0167ffd7")
"""-4.1 degrees on channel 1: the beginning of an example in the Cayenne LPP documentation."""
COLD = make_reading(Kind.ENVIRONMENT, "clima-maloca", {"temperature_celsius": -4.1})
READING = make_reading(
    Kind.ACOUSTIC_DETECTION,
    "rio-arriba",
    {"confidence_ratio": 0.9, "sound_level_decibels": 60.5, "duration_seconds": 3.2, "battery_volts": 3.98},
    label="chainsaw",
    age_s=3,
)
GOLDEN = bytes.fromhex("1000a1b2c300000001 10d6ad77f9ac5f5035 d85d273a8410")
"""Synthetic: the golden device frame of firmware_bridge/README.md, counter 1."""


def sealed(counter: int, *, key: str = KEY, device: int = DEVICE) -> bytes:
    """The detection as it is on the air."""
    return seal(new_cipher(bytes.fromhex(key)), device, counter, encode_body(READING))


def modem_settings(driver: str, **extra: Any) -> Any:
    """Settings of a modem that hears our sensor, in the AU915 band."""
    radio = {"band": "au915", "frequency_hz": 916_800_000}
    told = {"driver": driver, "name": "radio", "port": "/dev/none", "devices": [OURS]} | radio | extra
    return sources.DRIVERS[driver].Settings.model_validate({k: v for k, v in told.items() if v is not None})


def decode(decoder: Decoder, chunks: Iterable[bytes]) -> tuple[list[Reading], Counter[str]]:
    """Readings, and the reasons of what is none."""
    readings: list[Reading] = []
    reasons: Counter[str] = Counter()
    for chunk in chunks:
        delivery = decoder.feed(chunk)
        if delivery is not None:
            assert delivery.readings or delivery.rejected
            readings += delivery.readings
            reasons.update({item.reason: item.count for item in delivery.rejected})
    return readings, reasons


def check_page(driver: str, line: str) -> None:
    """The driver's page shows settings that are valid, and this line of output."""
    page = Path(firmware_bridge.__path__[0], "docs", f"{driver}.md").read_text()
    blocks = [part.split("```", 1)[0] for part in page.split("```toml\n")[1:]]
    assert blocks, "no settings on the page"
    for block in blocks:
        (source,) = tomllib.loads(block)["sources"]
        sources.DRIVERS[driver].Settings.model_validate(source)
    assert line in page, f"the page does not show: {line}"


def told(reading: Reading) -> str:
    """A reading in one line, as the pages show it."""
    values = ", ".join(f"{name} {value:g}" for name, value in reading.values().items())
    label = f" {reading.label}" if reading.label else ""
    age = f" ({reading.age_ms // 1000} s ago)" if reading.age_ms else ""
    return f"{Kind(reading.kind).slug} {reading.sensor}{label} {values}{age}"
