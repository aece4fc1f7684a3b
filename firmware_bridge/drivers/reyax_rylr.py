"""REYAX RYLR998, RYLR498 and RYLR896, RYLR406: LoRa modem with addresses that receives for the post.

Device          RYLR998 (868, 915 MHz), RYLR498 (433 MHz): model "rylr998"; RYLR896, RYLR406 and kin: model "rylr896"
Specification   "LoRa AT Command Guide" RYLR998/RYLR498 (56312E33), RYLR896/RYLR406 (56322E33)
Link            serial, 115200 baud, 8N1, no flow control; commands and answers end in CR LF

Data layout     text lines; a received packet is

    +RCV=A,L,D..D,R,S      A: address of the sender, 0 to 65535; L: bytes of D, 1 to 240; D: the data as sent;
                           R: RSSI in dBm; S: SNR in dB (rylr896: in quarter dB, see below)

    D is raw: it may hold commas, CR, LF and any byte, so it is cut by L, never at commas. Our own frames may come as
    they are or, since a sending REYAX takes a line of text, as their hex digits. The RYLR896 guide gives no scale for
    S; its example, 40, is far above what LoRa can measure in dB and fits the quarter dB of its radio chip (SX1276).

    What is said to a device: AT+SEND=A,L,D..D (+OK when it is sent), to the address of the device, or, for our own
    ones, whose address nobody knows, to 0, everyone, in hex digits. The modem goes on listening by itself.

Integrity       CRC of the radio packet; length; our own frames are authenticated
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from firmware_bridge.commands.voice import Said
from firmware_bridge.delivery import Decoder, ReplayState, Source
from firmware_bridge.framing.device_frames import MAX_FRAME_BYTES
from firmware_bridge.links.lora_modem import AIRTIME_S, LoraSettings, decoder_for, source_for
from firmware_bridge.links.modem_dialect import Dialect, Hear, Heard, Packet, Step
from firmware_bridge.links.modem_session import ModemSession
from firmware_bridge.payloads.radio_packets import Addressed
from firmware_bridge.readings import DEVICE_QUANTITIES, DownlinkError, Rejected

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "reyax_rylr"
name = "radio"
port = "/dev/ttyAMA0"
model = "rylr998"
band = "au915"
frequency_hz = 916_800_000
spreading_factor = 9
network_id = 18

[[devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "/etc/vigia/keys/00a1b2c3.key"

[[devices]]
id = "50"
name = "clima-maloca"
payload = { codec = "cayenne_lpp" }
"""

MAX_DATA_BYTES: Final = 240
EVERYONE: Final = "0"
_OK: Final = re.compile(rb"\+OK")
_HEAD: Final = re.compile(rb"\+RCV=(\d{1,5}),(\d{1,3}),")
_TAIL: Final = re.compile(rb",(-?\d{1,3}),(-?\d{1,3})(?=\r*(?:\n|\Z))")
_SHORTEST_TAIL: Final = len(b",0,0")
_OUR_HEX: Final = re.compile(rb"10(?:[0-9A-Fa-f]{2}){15,%d}" % (MAX_FRAME_BYTES - 1))
_BANDWIDTHS: Final = {125: 7, 250: 8, 500: 9}
_HIGHEST_998_FACTOR: Final = {125: 9, 250: 10, 500: 11}
_PREAMBLES: Final = {"rylr998": 12, "rylr896": 7}
_QUARTERS: Final = 4


class Settings(LoraSettings):
    """A REYAX RYLR modem as receiver. It has a network id in place of a sync word."""

    driver: Literal["reyax_rylr"] = Field(description="reyax_rylr: REYAX RYLR998, RYLR498, RYLR896 and RYLR406 modems.")
    baud: int = Field(default=115200, ge=300, le=4_000_000, description="Speed of the line in baud.")
    model: Literal["rylr998", "rylr896"] = Field(
        default="rylr998", description="rylr998 (also RYLR498) or rylr896 (also RYLR406, RYLR895)."
    )
    network_id: int = Field(default=18, ge=0, le=18, description="Network id, the same in all modems: 3 to 15, or 18.")
    address: int = Field(default=0, ge=0, le=65535, description="The post's own address, 0 to 65535.")
    devices: Addressed = Field(  # type: ignore[assignment]  # known by address, not by prefix
        default=[],
        description="The sensors that are listened to: ours with id, name and key_file; of other makes with id (their "
        "address), name and payload. Packets of others are counted.",
    )

    @model_validator(mode="after")
    def _what_it_can(self) -> Self:
        if self.model == "rylr998":
            highest = _HIGHEST_998_FACTOR[self.bandwidth_khz]
            if self.spreading_factor > highest:
                raise ValueError(f"at {self.bandwidth_khz} kHz the RYLR998 has spreading factors up to {highest}")
            if not (3 <= self.network_id <= 15 or self.network_id == 18):
                raise ValueError("the RYLR998 has network ids 3 to 15, and 18")
        elif self.network_id > 16:
            raise ValueError("the RYLR896 has network ids 0 to 16")
        return self


def shortest(line: bytes) -> int:
    """How long a line that begins so is at least: its data may hold LF."""
    head = _HEAD.match(line)
    if head is None or int(head[2]) > MAX_DATA_BYTES:
        return 0
    return head.end() + int(head[2]) + _SHORTEST_TAIL


def hear_model(model: str) -> Hear:
    """How to understand the lines of a model. Reason: bad_line."""
    snr_steps = _QUARTERS if model == "rylr896" else 1

    def hear(line: bytes) -> Sequence[Heard]:
        heard: list[Heard] = []
        at = line.find(b"+RCV=")
        while at >= 0:
            head = _HEAD.match(line, at)
            end = head.end() + int(head[2]) if head is not None else 0
            tail = _TAIL.match(line, end) if end else None
            if head is not None and tail is not None:
                data = line[head.end() : end]
                if _OUR_HEX.fullmatch(data):
                    data = bytes.fromhex(data.decode())
                heard.append(Packet(data, float(tail[1]), int(tail[2]) / snr_steps, str(int(head[1]))))
                at = line.find(b"+RCV=", tail.end())
                continue
            # A line that lost bytes has swallowed those after it, which are found inside it.
            heard.append(Rejected("bad_line", 1, repr(line[at : at + 60])))
            at = line.find(b"+RCV=", at + 1)
        return heard

    return hear


def transmit(said: Said) -> tuple[Step, ...]:
    """A line of text: a frame of ours, or bytes that are no text, in hex digits. Raises DownlinkError."""
    content = said.content
    is_text = bool(said.address) and content.isascii() and content.decode("ascii").isprintable()
    data = content.decode("ascii") if is_text else content.hex().upper()
    if len(data) > MAX_DATA_BYTES:
        raise DownlinkError("too_long", f"{len(data)} characters; this modem sends up to {MAX_DATA_BYTES}")
    command = f"AT+SEND={said.address or EVERYONE},{len(data)},{data}"
    return (Step((command,), _OK, timeout_s=AIRTIME_S, once=True),)


def dialect(settings: Settings) -> Dialect:
    """How to set it up and what it says."""
    coding_rate = int(settings.coding_rate[-1]) - 4
    # The RYLR998 takes another preamble than 12 only in network 18.
    parameters = (
        f"{settings.spreading_factor},{_BANDWIDTHS[settings.bandwidth_khz]},{coding_rate},{_PREAMBLES[settings.model]}"
    )
    return Dialect(
        title=f"REYAX modem at {settings.radio}",
        hear=hear_model(settings.model),
        script=(
            Step(("AT",), _OK),
            Step(("AT+MODE=0",), _OK),
            Step((f"AT+BAND={settings.frequency_hz}",), _OK),
            Step((f"AT+NETWORKID={settings.network_id}",), _OK),
            Step((f"AT+PARAMETER={parameters}",), _OK),
            Step((f"AT+ADDRESS={settings.address}",), _OK),
        ),
        refusal=re.compile(rb"\+ERR=(?!17\b)\d+"),
        busy=re.compile(rb"\+ERR=17\b"),
        banner=re.compile(rb"\+READY|\+RESET"),
        chatter=re.compile(rb"\+OK|\+ERR=|\+BAND="),
        keep_alive=Step(("AT+BAND?",), re.compile(rb"\+BAND=%d(?:,M)?" % settings.frequency_hz)),
        shortest=shortest,
        transmit=transmit,
    )


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> Decoder:
    """See `Driver.new_decoder`."""
    return decoder_for(settings, dialect(settings), replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    return source_for(settings, ModemSession(dialect(settings)), replay)
