"""Microchip RN2483 (433, 868 MHz) and RN2903 (915 MHz): LoRa modem that receives for the post.

Device          RN2483, RN2483A, RN2903, RN2903A and what is built on them (LoStik)
Specification   "RN2483 LoRa Technology Module Command Reference User's Guide", DS40001784G, and for the RN2903
                DS40001811: chapters on system, mac (pause) and radio commands
Link            serial, 57600 baud, 8N1, no flow control; commands and answers end in CR LF

Data layout     text lines; a received packet is

    radio_rx  HH..HH      two spaces, then the packet in hex digits

    RSSI and SNR are asked for after each packet: `radio get snr` (dB; -128 = none), and, where the firmware knows
    it (1.0.5), `radio get rssi` (dBm). Receiving is one-shot: after each packet, and after radio_err (the watchdog:
    nothing was heard for a minute, no fault), `radio rx 0` is said again. In between the modem is deaf.
    What is said to a device: `radio rxstop`, then `radio tx HH..HH` (ok, then radio_tx_ok), then `radio rx 0`.

Integrity       CRC of the radio packet; hex digits in pairs; our own frames are authenticated
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import Field

from firmware_bridge.commands.voice import Said
from firmware_bridge.delivery import Decoder, ReplayState, Source
from firmware_bridge.links.lora_modem import AIRTIME_S, POWER_DBM, LoraSettings, decoder_for, on_air, source_for
from firmware_bridge.links.modem_dialect import Dialect, Heard, Measure, Packet, Question, Step
from firmware_bridge.links.modem_session import ModemSession
from firmware_bridge.readings import DEVICE_QUANTITIES, Rejected

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "microchip_rn2483"
name = "radio"
port = "/dev/serial/by-id/usb-LoStik_0001-if00"
band = "au915"
frequency_hz = 916_800_000
spreading_factor = 9

[[devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "/etc/vigia/keys/00a1b2c3.key"

[[devices]]
id = "07"
name = "clima-maloca"
payload = { codec = "cayenne_lpp" }
"""

WATCHDOG_MS: Final = 60_000
_SILENCE_S: Final = 1.5 * WATCHDOG_MS / 1000
_NO_SNR: Final = -128.0
_OK: Final = re.compile(rb"ok")
_SENT: Final = re.compile(rb"radio_tx_ok")
_NUMBER: Final = re.compile(rb"(-?\d{1,3})")
_BANNER: Final = re.compile(rb"RN(?:2483|2903)A? \d+\.\d+\.\d+\b.*")


class Settings(LoraSettings):
    """A Microchip RN2483 or RN2903 as receiver."""

    driver: Literal["microchip_rn2483"] = Field(description="microchip_rn2483: Microchip RN2483 and RN2903 modems.")
    baud: int = Field(default=57600, ge=300, le=4_000_000, description="Speed of the line in baud.")


def hear(line: bytes) -> Sequence[Heard]:
    """A `radio_rx` line. Reason: bad_line."""
    if not line.startswith(b"radio_rx"):
        return ()
    try:
        return (Packet(bytes.fromhex(line[8:].decode("ascii"))),)
    except ValueError:
        return (Rejected("bad_line", 1, repr(line[:60])),)


def dialect(settings: Settings) -> Dialect:
    """How to set it up and what it says."""
    values = {
        "mod": "lora",
        "freq": settings.frequency_hz,
        "sf": f"sf{settings.spreading_factor}",
        "bw": settings.bandwidth_khz,
        "cr": settings.coding_rate,
        "crc": "on",
        "iqi": "off",
        "sync": settings.sync_word,
        "wdt": WATCHDOG_MS,
    }
    arm = Step(("radio rx 0",), _OK)

    def transmit(said: Said) -> tuple[Step, ...]:
        packet = on_air(said)
        return (
            Step(("radio rxstop",), _OK, optional=True),  # firmware before 1.0.3 is busy until it has heard something
            Step((f"radio set pwr {POWER_DBM}",), _OK, optional=True),
            Step((f"radio tx {packet.hex().upper()}",), _OK, timeout_s=AIRTIME_S, closing=_SENT, once=True),
            arm,
        )

    return Dialect(
        title=f"RN2483 at {settings.radio}",
        hear=hear,
        script=(
            Step(("sys reset",), _BANNER, timeout_s=2.0),
            Step(("mac pause",), re.compile(rb"[1-9]\d{0,9}")),  # milliseconds; 0: it may not be paused
            *(Step((f"radio set {name} {value}",), _OK) for name, value in values.items()),
            arm,
        ),
        refusal=re.compile(rb"invalid_param|err\b|0$"),
        busy=re.compile(rb"busy"),
        banner=_BANNER,
        chatter=re.compile(rb"radio_(?:err|tx_ok)|mac_|ok$|busy$"),
        arm=arm,
        transmit=transmit,
        one_shot=True,
        stopped=re.compile(rb"radio_err"),
        questions=(
            Question("radio get snr", _NUMBER, Measure.SNR, absent=_NO_SNR),
            Question("radio get rssi", _NUMBER, Measure.RSSI, absent=_NO_SNR),
        ),
        silence_s=_SILENCE_S,  # a modem that listens says radio_err every minute
    )


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> Decoder:
    """See `Driver.new_decoder`."""
    return decoder_for(settings, dialect(settings), replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    return source_for(settings, ModemSession(dialect(settings)), replay)
