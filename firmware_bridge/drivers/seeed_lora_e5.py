"""Seeed LoRa-E5 / Wio-E5 (STM32WLE5JC): LoRa modem in test mode that receives for the post.

Device          LoRa-E5, Wio-E5 and boards with them (Grove, mini, dev kit)
Specification   "LoRa-E5 AT Command Specification", V1.0, section TEST (RFCFG, RXLRPKT)
Link            serial, 9600 baud, 8N1, no flow control; commands end in LF or CR LF, answers in CR LF

Data layout     text lines; a received packet is two of them

    +TEST: LEN:5, RSSI:-106, SNR:10      bytes, dBm, dB
    +TEST: RX "48656C6C6F"               the packet in hex digits

    What is said to a device: AT+TEST=TXLRPKT, "HH..HH" (+TEST: TX DONE), and it listens again.
    Answers begin with + and the command; errors are ERROR(-n). The coding rate is always 4/5, and the sync word is
    34 (NET:ON) or 12 (NET:OFF). After a reset the modem is in LoRaWAN mode and says nothing about it: after five
    minutes of silence AT+TEST=RXLRPKT is said again, which it refuses unless it is still set up.

Integrity       CRC of the radio packet; hex digits in pairs and as many as announced; our own frames are authenticated
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from firmware_bridge.commands.voice import Said
from firmware_bridge.delivery import Decoder, ReplayState, Source
from firmware_bridge.links.lora_modem import AIRTIME_S, POWER_DBM, LoraSettings, decoder_for, on_air, source_for
from firmware_bridge.links.modem_dialect import Dialect, Half, Heard, Payload, Step
from firmware_bridge.links.modem_session import ModemSession
from firmware_bridge.readings import DEVICE_QUANTITIES, Rejected

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "seeed_lora_e5"
name = "radio"
port = "/dev/ttyAMA0"
band = "au915"
frequency_hz = 916_800_000
spreading_factor = 9

[[devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "/etc/vigia/keys/00a1b2c3.key"
"""

_METADATA: Final = re.compile(rb"\+TEST: LEN:(\d{1,3}), RSSI:(-?\d{1,3}), SNR:(-?\d{1,3})")
_PAYLOAD: Final = re.compile(rb'\+TEST: RX "((?:[0-9A-Fa-f]{2}){0,255})"')
_BEGINS: Final = (b"+TEST: LEN:", b"+TEST: RX ")
_PREAMBLE: Final = 8
_SENDS: Final = re.compile(rb"\+TEST: TXLRPKT.*")
_SENT: Final = re.compile(rb"\+TEST: TX DONE")
_NETWORKS: Final = {"12": "OFF", "34": "ON"}


class Settings(LoraSettings):
    """A Seeed LoRa-E5 or Wio-E5 as receiver."""

    driver: Literal["seeed_lora_e5"] = Field(description="seeed_lora_e5: Seeed LoRa-E5 and Wio-E5 modems.")
    baud: int = Field(default=9600, ge=300, le=4_000_000, description="Speed of the line in baud.")

    @model_validator(mode="after")
    def _what_it_can(self) -> Self:
        if self.coding_rate != "4/5":
            raise ValueError("the LoRa-E5 has the coding rate 4/5 only")
        if self.sync_word not in _NETWORKS:
            raise ValueError("the LoRa-E5 has the sync words 12 and 34 only")
        return self


def hear(line: bytes) -> Sequence[Heard]:
    """One of the two lines that tell of a packet. Reason: bad_line."""
    if not line.startswith(_BEGINS):
        return ()
    if found := _METADATA.fullmatch(line):
        return (Half(float(found[2]), float(found[3]), int(found[1])),)
    if found := _PAYLOAD.fullmatch(line):
        return (Payload(bytes.fromhex(found[1].decode())),)
    return (Rejected("bad_line", 1, repr(line[:60])),)


def dialect(settings: Settings) -> Dialect:
    """How to set it up and what it says."""
    radio = f"SF{settings.spreading_factor},{settings.bandwidth_khz},{_PREAMBLE},{_PREAMBLE},{POWER_DBM}"
    told = f"F:{settings.frequency_hz}, SF{settings.spreading_factor}, BW{settings.bandwidth_khz}K,"
    arm = Step(("AT+TEST=RXLRPKT",), re.compile(rb"\+TEST: RXLRPKT"))

    def transmit(said: Said) -> tuple[Step, ...]:
        command = f'AT+TEST=TXLRPKT,"{on_air(said).hex().upper()}"'
        return (Step((command,), _SENDS, timeout_s=AIRTIME_S, closing=_SENT, once=True), arm)

    return Dialect(
        title=f"LoRa-E5 at {settings.radio}",
        hear=hear,
        script=(
            Step(("AT",), re.compile(rb"\+AT: OK")),
            Step(("AT+MODE=TEST",), re.compile(rb"\+MODE: TEST")),
            Step(
                (f"AT+TEST=RFCFG,{settings.frequency_hz / 1e6:g},{radio},ON,OFF,{_NETWORKS[settings.sync_word]}",),
                re.compile(rb"\+TEST: RFCFG " + re.escape(told.encode()) + b".*"),
            ),
            arm,
        ),
        refusal=re.compile(rb"\+[A-Z]+: ERROR\(-?\d+\)|\+TEST: RFCFG F:"),  # or it took other values than ours
        banner=re.compile(rb"\+RESET: OK|\+FACTORY: OK"),
        arm=arm,
        chatter=re.compile(rb"\+TEST: (?:TX|RXLRPKT|RFCFG)|\+INFO: |\+AT: OK|\+LOG: "),
        keep_alive=arm,
        transmit=transmit,
    )


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> Decoder:
    """See `Driver.new_decoder`."""
    return decoder_for(settings, dialect(settings), replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    return source_for(settings, ModemSession(dialect(settings)), replay)
