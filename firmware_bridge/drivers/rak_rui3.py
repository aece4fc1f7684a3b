"""RAKwireless RUI3 modules (RAK3172, RAK4630, RAK11720 and kin): LoRa modem that receives for the post.

Device          RAK3172 and other WisDuo modules with RUI3; older RAK firmware is understood when it is set up by hand
Specification   docs.rakwireless.com, "RUI3 AT Command Manual", P2P instructions; for the older forms "RAK3172 AT
                Command Manual" (firmware 1.0.x, deprecated) and "RAK811 AT Command Manual"
Link            serial, 115200 baud, 8N1, no flow control; commands and answers end in CR LF

Data layout     text lines; a received packet is one of (R: RSSI in dBm, S: SNR in dB, H: hex digits, L: bytes, P: port)

    +EVT:RXP2P:R:S:HH..HH                             RUI3
    +EVT:RXP2P, RSSI R, SNR S  then  +EVT:HH..HH      firmware 1.0.x: two lines
    at+recv=P,R,S,L:HH..HH, at+recv=R,S,L,HH..HH      RAK811, RAK4200

    The modem listens without end after AT+PRECV=65534, and answers commands with AT_BUSY_ERROR until AT+PRECV=0. A
    change of AT+NWM restarts it. What is said to a device: AT+PRECV=0, AT+PSEND=HH..HH (OK, then +EVT:TXP2P DONE), and
    it listens again. A LoRaWAN downlink to the module itself (+EVT:RX_1:...) is counted: lorawan_line.

Integrity       CRC of the radio packet; hex digits in pairs, length where it is told; our own frames are authenticated
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import Field

from firmware_bridge.commands.voice import Said
from firmware_bridge.delivery import Decoder, ReplayState, Source
from firmware_bridge.links.lora_modem import AIRTIME_S, POWER_DBM, LoraSettings, decoder_for, on_air, source_for
from firmware_bridge.links.modem_dialect import Dialect, Half, Heard, Packet, Payload, Step
from firmware_bridge.links.modem_session import ModemSession
from firmware_bridge.readings import DEVICE_QUANTITIES, Rejected

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "rak_rui3"
name = "radio"
port = "/dev/ttyAMA0"
band = "au915"
frequency_hz = 916_800_000
spreading_factor = 9

[[devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "/etc/vigia/keys/00a1b2c3.key"

[default]
name = "clima-maloca"
payload = { codec = "cayenne_lpp" }
"""

_OK: Final = re.compile(rb"OK")
_SENT: Final = re.compile(rb"\+EVT:TXP2P")
_NUMBER: Final = rb"(-?\d{1,3}(?:\.\d{1,2})?)"
_HEX: Final = rb"((?:[0-9A-Fa-f]{2}){0,255})"
_ONE_LINE: Final = re.compile(rb"\+EVT:RXP2P:" + _NUMBER + b":" + _NUMBER + b":" + _HEX)
_METADATA: Final = re.compile(rb"\+EVT:RXP2P, ?RSSI:? ?" + _NUMBER + rb", ?SNR:? ?" + _NUMBER)
_PAYLOAD: Final = re.compile(rb"\+EVT:((?:[0-9A-Fa-f]{2}){1,255})")
_OLDEST: Final = re.compile(rb"at\+recv=(?:\d{1,3},)?" + _NUMBER + b"," + _NUMBER + rb",(\d{1,3})[:,]" + _HEX)
_LORAWAN: Final = re.compile(rb"\+EVT:(?:RX_[12BC3]|UNICAST|MULTICAST|\d{1,3}:)|at\+recv=\d{1,3},-?\d+,-?\d+,0$")
_CODING_RATES: Final = ("4/5", "4/6", "4/7", "4/8")
_BANDWIDTHS: Final = (125, 250, 500)
_PREAMBLE: Final = 8


class Settings(LoraSettings):
    """A RAK module with RUI3 firmware as receiver."""

    driver: Literal["rak_rui3"] = Field(description="rak_rui3: RAK3172 and other RAK modules with RUI3 firmware.")
    baud: int = Field(default=115200, ge=300, le=4_000_000, description="Speed of the line in baud.")


def hear(line: bytes) -> Sequence[Heard]:
    """A line that tells of a packet, in any of the three forms. Reasons: bad_line, lorawan_line."""
    if not line.startswith((b"+EVT:", b"at+recv=")):
        return ()
    if found := _ONE_LINE.fullmatch(line):
        return (Packet(bytes.fromhex(found[3].decode()), float(found[1]), float(found[2])),)
    if found := _METADATA.fullmatch(line):
        return (Half(float(found[1]), float(found[2])),)
    if found := _PAYLOAD.fullmatch(line):
        return (Payload(bytes.fromhex(found[1].decode())),)
    if _LORAWAN.match(line):
        return (Rejected("lorawan_line", 1, repr(line[:60])),)
    if found := _OLDEST.fullmatch(line):
        content = bytes.fromhex(found[4].decode())
        if int(found[3]) == len(content):
            return (Packet(content, float(found[1]), float(found[2])),)
    elif line.startswith(b"+EVT:") and not line.startswith(b"+EVT:RXP2P:"):
        return ()
    return (Rejected("bad_line", 1, repr(line[:60])),)


def dialect(settings: Settings) -> Dialect:
    """How to set it up and what it says."""
    sync = settings.sync_word.upper()
    radio = "AT+P2P={}:{}:{}:{}:" + f"{_PREAMBLE}:{POWER_DBM}"
    coding_rate = _CODING_RATES.index(settings.coding_rate)
    p2p = [
        radio.format(settings.frequency_hz, settings.spreading_factor, bandwidth, coding_rate)
        # In kilohertz, and, from RUI3 4 on, as a number.
        for bandwidth in (settings.bandwidth_khz, _BANDWIDTHS.index(settings.bandwidth_khz))
    ]
    arm = Step(("AT+PRECV=65534", "AT+PRECV=65535"), _OK)

    def transmit(said: Said) -> tuple[Step, ...]:
        packet = on_air(said)
        return (
            Step(("AT+PRECV=0",), _OK),
            Step((f"AT+PSEND={packet.hex().upper()}",), _OK, timeout_s=AIRTIME_S, closing=_SENT, once=True),
            arm,
        )

    return Dialect(
        title=f"RAK module at {settings.radio}",
        hear=hear,
        script=(
            Step(("AT",), _OK),
            Step(("AT+PRECV=0",), re.compile(rb"OK|AT_(?!BUSY)\w+")),  # in LoRaWAN mode there is no such thing
            Step(("AT+NWM=?",), re.compile(rb"(?:AT\+NWM=)?[01]"), closing=_OK, skips_next=re.compile(rb".*0$")),
            Step(("AT+NWM=0",), re.compile(rb"OK|Current Work Mode: LoRa P2P\.?"), timeout_s=3.0, restarts=True),
            Step(tuple(p2p), _OK),
            # The radio's register has two bytes; older firmware takes the one, and the oldest cannot be told.
            Step((f"AT+SYNCWORD={sync[0]}4{sync[1]}4", f"AT+SYNCWORD={sync}"), _OK, optional=True),
            arm,
        ),
        refusal=re.compile(rb"AT_(?!BUSY)[A-Z_]*(?:ERROR|FOUND|SUPPORT)|ERROR"),
        busy=re.compile(rb"AT_BUSY_ERROR"),
        banner=re.compile(rb"RAKwireless RAK|Current Work Mode:|RAK[0-9A-Z-]+ Version:"),
        chatter=re.compile(rb"\+EVT:(?:TXP2P|JOIN|SEND|RXP2P RECEIVE)|OK$|-{10,}$|={10,}$|Version:"),
        arm=arm,
        transmit=transmit,
        stopped=re.compile(rb"\+EVT:RXP2P RECEIVE (?:TIMEOUT|ERROR)"),
        keep_alive=Step(("AT+PRECV=?",), re.compile(rb"(?:AT\+PRECV=)?6553[345]"), closing=_OK),
    )


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> Decoder:
    """See `Driver.new_decoder`."""
    return decoder_for(settings, dialect(settings), replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    return source_for(settings, ModemSession(dialect(settings)), replay)
