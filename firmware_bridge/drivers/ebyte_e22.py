"""Ebyte E22 (E22-400T22, E22-900T22, T30 and kin): LoRa modem in transparent mode that receives for the post.

Device          E22-xxxT22 and E22-xxxT30, module (S), board (D) or USB stick (U)
Specification   "E22-900T22D User Manual" and "E22-xxxT22S series product user manual", Chengdu Ebyte: registers 03H to
                06H (REG0 to REG3), operating modes
Link            serial, 9600 baud, 8N1 as delivered; the modem is given no commands: it is set up once with the maker's
                program (M0 and M1 low in operation), and sends on the air what it is given

Data layout     the bytes of each packet as they were sent and, with REG3 bit 7, the RSSI byte E after each packet

    framing = "cobs"      [00] COBS( 00 frame KKKK ) 00 E      our frames as on a wire, K: CRC-16/CCITT-FALSE
    framing = "bursts"    D..D E                               any packet, ended by 0.1 s of silence

    E   8  RSSI           -(256 - E) dBm (rssi_formula "256_minus", newer manuals), or -E/2 dBm ("half", older ones)

    Nothing on the line tells the RSSI byte from data: after a frame's last 00 it is the next byte, whatever its
    value. A packet that the sender's modem has cut in two has one in the middle, and is lost (bad_crc): sub-packets
    of 240 bytes at both ends. There is no SNR.

Integrity       CRC of the radio packet; in cobs framing our CRC; our own frames are authenticated
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from firmware_bridge.commands.voice import Said
from firmware_bridge.delivery import Decoder, ReplayState, Source
from firmware_bridge.framing.cobs_frames import DELIMITER, MAX_FRAME_BYTES, Deframer
from firmware_bridge.framing.cobs_frames import encode as cobs_encode
from firmware_bridge.links.lora_modem import ModemDecoder, ModemSettings, source_for
from firmware_bridge.links.modem_dialect import Event, Packet
from firmware_bridge.readings import DEVICE_QUANTITIES, DownlinkError, Rejected

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "ebyte_e22"
name = "radio"
port = "/dev/ttyUSB0"
rssi_byte = true

[[devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "/etc/vigia/keys/00a1b2c3.key"
"""

SILENCE_S: Final = 0.1
BROKEN_OFF_S: Final = 1.0
SUB_PACKET_BYTES: Final = 240
_WIRED: Final = 0x00


class Settings(ModemSettings):
    """An Ebyte E22 in transparent mode as receiver. Its radio parameters are set in the modem itself."""

    driver: Literal["ebyte_e22"] = Field(description="ebyte_e22: Ebyte E22 modems in transparent mode.")
    baud: int = Field(default=9600, ge=300, le=4_000_000, description="Speed of the line in baud, as in its REG0.")
    framing: Literal["cobs", "bursts"] = Field(
        default="cobs", description="cobs: what our sensors send. bursts: each packet as it is, ended by silence."
    )
    rssi_byte: bool = Field(
        default=True, description="Whether the modem appends an RSSI byte to each packet (bit 7 of its REG3)."
    )
    rssi_formula: Literal["256_minus", "half"] = Field(
        default="256_minus", description="What the byte E means: 256_minus: -(256 - E) dBm; half: -E/2 dBm."
    )


class E22Stream:
    """A `Conversation` without commands. patient: waits for silence; otherwise every chunk ends in silence.

    Reasons: those of the framing, bad_envelope, absent_rssi_dbm, overlong_bytes.
    """

    def __init__(self, settings: Settings, *, patient: bool) -> None:
        self._cobs = settings.framing == "cobs"
        self._rssi_byte = settings.rssi_byte
        self._half = settings.rssi_formula == "half"
        self._patient = patient
        self._deframer = Deframer()
        self._rest = b""
        self._taken = b""  # an RSSI byte taken from before the rest, in case it was none
        self._pending: bytes | None = None  # a frame whose RSSI byte is to come
        self._last_s = 0.0
        self._is_quiet = False
        self._output = b""
        self._events: list[Event] = []

    words = "the E22 listens (it is never asked)"
    in_trouble = False

    @property
    def is_waiting(self) -> bool:
        """Whether silence means something now."""
        return self._pending is not None or (not self._cobs and bool(self._rest))

    listens = True

    @property
    def may_send(self) -> bool:
        """Not while a packet is coming in. In bursts only silence tells packets of ours apart too."""
        return self._is_quiet or (self._cobs and self._pending is None and not self._rest)

    def check(self, said: Said) -> None:
        """See `Conversation.check`. Reason: too_long."""
        if len(self._on_line(said)) > SUB_PACKET_BYTES:
            raise DownlinkError("too_long", f"{len(said.content)} bytes do not fit a packet of {SUB_PACKET_BYTES}")

    def send(self, said: Said, now: float) -> None:
        """See `Conversation.send`."""
        self._output += self._on_line(said)
        self._is_quiet = False  # what is said next goes as a packet of its own
        self._last_s = now

    def _on_line(self, said: Said) -> bytes:
        return DELIMITER + cobs_encode(bytes((_WIRED,)) + said.content) if self._cobs else said.content

    def start(self, now: float) -> None:
        """See `Conversation`."""
        self._last_s = now

    def lost(self) -> list[Event]:
        """See `Conversation`."""
        self._flush()
        if self._rest:
            self._break_off()
        self._taken = self._output = b""
        return self._take()

    def take_output(self) -> bytes:
        """What is to be sent on the air."""
        output, self._output = self._output, b""
        return output

    def feed(self, chunk: bytes, now: float) -> list[Event]:
        """See `Conversation`."""
        # Silence is what `tick` finds: bytes may have waited here while another packet was being stored.
        self._last_s = now
        self._is_quiet = False
        *pieces, rest = (self._rest + chunk).split(DELIMITER) if self._cobs else [self._rest + chunk]
        for piece in pieces:
            self._piece(piece)
        if len(rest) > MAX_FRAME_BYTES:
            self._events.append(Rejected("overlong_bytes", len(rest), f"more than {MAX_FRAME_BYTES} bytes"))
            rest = b""
        self._rest = rest
        if not self._patient:
            self._flush()
        return self._take()

    def tick(self, now: float) -> list[Event]:
        """See `Conversation`."""
        if now - self._last_s >= SILENCE_S:
            self._flush()
            self._is_quiet = True
        if now - self._last_s >= BROKEN_OFF_S and self._rest:
            self._break_off()
        return self._take()

    def _take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _break_off(self) -> None:
        """What is half read is not continued: its reason, in place of the next frame's."""
        rest, self._rest = self._rest, b""
        self._piece(rest)
        self._flush()

    def _flush(self) -> None:
        """The line is silent: a packet is over, and what follows a frame is its RSSI byte."""
        if not self._cobs:
            packet, self._rest = self._rest, b""
            if packet and self._rssi_byte:
                self._hand_over(packet[:-1], packet[-1:])
            elif packet:
                self._hand_over(packet, b"")
        elif self._pending is not None:
            content, self._pending = self._pending, None
            self._taken, self._rest = self._rest[:1], self._rest[1:]
            self._hand_over(content, self._taken)

    def _piece(self, piece: bytes) -> None:
        """What stood before a delimiter: a frame, an RSSI byte, both, or damage."""
        taken, self._taken = self._taken, b""
        pending, self._pending = self._pending, None
        if not piece:
            if pending is not None:
                self._hand_over(pending, b"")
            return
        found = whole = self._deframe(piece)
        if isinstance(found, Rejected) and self._rssi_byte:
            for other in (piece[1:], taken + piece):  # after an RSSI byte; with a byte wrongly taken for one
                if isinstance(found, Rejected) and other and other != piece:
                    found = self._deframe(other)
        if pending is not None:
            self._hand_over(pending, b"" if isinstance(whole, bytes) else piece[:1])
        if isinstance(found, Rejected):
            if len(piece) > 1 or not self._rssi_byte:  # one byte alone is the RSSI of something that was damaged
                self._events.append(found)
        elif found[0] != _WIRED:
            self._events.append(Rejected("bad_envelope", 1, f"an envelope of type {found[0]}"))
        elif self._rssi_byte:
            self._pending = found[1:]
        else:
            self._hand_over(found[1:], b"")

    def _deframe(self, piece: bytes) -> bytes | Rejected:
        return self._deframer.feed(piece + DELIMITER)[0]

    def _hand_over(self, content: bytes, rssi: bytes) -> None:
        if not rssi:
            if self._rssi_byte:
                self._events.append(Rejected("absent_rssi_dbm", 1, "no RSSI byte after a frame"))
            self._events.append(Packet(content))
        else:
            self._events.append(Packet(content, -rssi[0] / 2 if self._half else float(rssi[0] - 256)))


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> Decoder:
    """See `Driver.new_decoder`."""
    return ModemDecoder(settings, E22Stream(settings, patient=False), replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    return source_for(settings, E22Stream(settings, patient=True), replay)
