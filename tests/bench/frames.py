"""What a detection costs on the air: its bytes from the encoder, its airtime by Semtech's formula.

Airtime: Semtech AN1200.13, "LoRa Modem Designer's Guide", section 4: eight symbols of preamble, explicit header, CRC
on, coding rate 4/5, 125 kHz, low data rate optimisation from SF11 on. AU915 allows 400 ms of dwell time.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Final

from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import Kind, make_reading
from tests.bench.harness import Options, Result, Row, verdict

_BANDWIDTH_HZ: Final = 125_000
_PREAMBLE_SYMBOLS: Final = 8
_LORAWAN_BYTES: Final = 13
"""Header, port and MIC of LoRaWAN; our frames go without."""
_ALLOWED: Final = {7: 242, 8: 125, 9: 53, 10: 11}
"""Application bytes of LoRaWAN in AU915 within 400 ms, by spreading factor (LoRaWAN Regional Parameters, AU915)."""


def run(_directory: Path, _options: Options) -> Result:
    """See the module."""
    size = detection_bytes()
    shares = ", ".join(f"SF{sf} {airtime_s(size, sf) * 1000:.0f} ms" for sf in _ALLOWED)
    fits = ", ".join(f"SF{sf} {limit}" for sf, limit in _ALLOWED.items())
    return Result(
        [
            Row(
                "acoustic detection on the air, encrypted and authenticated",
                f"{size} bytes: {shares} of airtime",
                "24 bytes",
                "11 bytes is all that LoRaWAN in AU915 carries at SF10",
                verdict(size <= 24),
            )
        ],
        [
            (
                f"LoRaWAN in AU915 carries so many bytes within 400 ms of dwell: {fits}. A detection fits up to SF9."
                f" As a bare LoRa frame at SF10 it takes {airtime_s(size, 10) * 1000:.0f} ms, within the dwell time;"
                f" inside LoRaWAN's own frame it would take {airtime_s(size + _LORAWAN_BYTES, 10) * 1000:.0f} ms."
            ),
            "Nine bytes are header (version, device, counter), nine tell, six are tag; why: firmware_bridge/decisions.",
        ],
    )


def detection_bytes() -> int:
    """The length of a sealed acoustic detection with everything that it can tell."""
    values = {"confidence_ratio": 0.93, "sound_level_decibels": 58.0, "duration_seconds": 12.0, "battery_volts": 3.7}
    body = encode_body(make_reading(Kind.ACOUSTIC_DETECTION, "bench", values, label="chainsaw"))
    return len(seal(new_cipher(bytes(16)), 1, 1, body))


def airtime_s(payload_bytes: int, spreading_factor: int) -> float:
    """Seconds on the air of a payload at a spreading factor; see the module."""
    symbol_s = float(1 << spreading_factor) / _BANDWIDTH_HZ
    slow = 2 if spreading_factor >= 11 else 0
    bits = 8 * payload_bytes - 4 * spreading_factor + 28 + 16
    symbols = 8 + max(ceil(bits / (4 * (spreading_factor - slow))) * 5, 0)
    return (_PREAMBLE_SYMBOLS + 4.25 + symbols) * symbol_s
