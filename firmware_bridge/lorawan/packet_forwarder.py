"""Datagrams between a LoRa packet forwarder and a server: Semtech's PROTOCOL.TXT, version 1.4 (protocol 1 and 2).

byte 0        1 2        3        4 ... 11            12 ...
     version  token      kind     EUI of the          JSON
     1, 2     (opaque)   0 to 5   packet forwarder

0 PUSH_DATA  from the forwarder: rxpk (packets), stat (its state)    answered by 1 PUSH_ACK  (version, token, 1)
2 PULL_DATA  from the forwarder: here I am                           answered by 4 PULL_ACK  (version, token, 4)
3 PULL_RESP  to where PULL_DATA came from: version, token, 3, JSON txpk
5 TX_ACK     from the forwarder, version 2: the token of PULL_RESP; nothing, or JSON txpk_ack: what went wrong
"""

from __future__ import annotations

from base64 import b64encode
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.lorawan.events import parse, parse_part, payload_bytes, reason_of
from firmware_bridge.readings import Rejected

MAX_DATAGRAM_BYTES: Final = 32 * 1024
MAX_PACKETS: Final = 256
"""In one datagram; a concentrator keeps at most 255."""
_HEADER_BYTES: Final = 4
_EUI_END: Final = 12
_VERSIONS: Final = (1, 2)
_AROUND: Final = b"\0 \t\r\n"
_NO_CRC, _BAD_CRC = 0, -1
_ERRORS: Final = frozenset(
    ("TOO_LATE", "TOO_EARLY", "COLLISION_PACKET", "COLLISION_BEACON", "TX_FREQ", "TX_POWER", "GPS_UNLOCKED")
)
_NOT_JSON: Final = "after the 12 bytes of the header there should be a JSON object"


class Kind(IntEnum):
    """What a datagram is. Names and numbers are the protocol's."""

    PUSH_DATA = 0
    PUSH_ACK = 1
    PULL_DATA = 2
    PULL_RESP = 3
    PULL_ACK = 4
    TX_ACK = 5


_FROM_FORWARDERS: Final = {Kind.PUSH_DATA: Kind.PUSH_ACK, Kind.PULL_DATA: Kind.PULL_ACK, Kind.TX_ACK: None}


class Datagram(NamedTuple):
    """One from a packet forwarder. eui: 16 hex digits."""

    version: int
    token: bytes
    kind: Kind
    eui: str
    body: bytes

    def answer(self) -> bytes:
        """What it is answered with at once; nothing for a TX_ACK."""
        kind = _FROM_FORWARDERS[self.kind]
        return b"" if kind is None else bytes((self.version,)) + self.token + bytes((kind,))


class Heard(NamedTuple):
    """A packet that a concentrator received. time: as it wrote it, or "". checked: its CRC was there, and right."""

    content: bytes
    rssi_dbm: float | None
    snr_decibels: float | None
    time: str
    checked: bool


class Stat(msgspec.Struct, frozen=True):
    """The state of a packet forwarder: packets since it last told, the part of its datagrams that were answered."""

    rxnb: int | None = 0
    rxok: int | None = 0
    ackr: float | None = None
    temp: float | None = None
    lati: float | None = None
    long: float | None = None
    alti: float | None = None


class _Antenna(msgspec.Struct):
    rssic: float | None = None
    rssis: float | None = None
    lsnr: float | None = None


class _Packet(msgspec.Struct):
    data: str | None = None
    time: str | None = None
    stat: int | None = 1
    modu: str | None = None
    datr: str | float | None = None
    rssi: float | None = None
    rssis: float | None = None
    lsnr: float | None = None
    size: int | None = None
    rsig: msgspec.Raw = msgspec.Raw(b"null")


class _Push(msgspec.Struct):
    rxpk: list[msgspec.Raw] | None = None
    stat: msgspec.Raw = msgspec.Raw(b"null")


class _TxAck(msgspec.Struct):
    error: str | None = None
    warn: str | None = None


class _Acknowledged(msgspec.Struct):
    txpk_ack: _TxAck | None = None


_PUSHES: Final = msgspec.json.Decoder(_Push, strict=False)
_PACKETS: Final = msgspec.json.Decoder(_Packet, strict=False)
_ANTENNAS: Final = msgspec.json.Decoder(list[_Antenna] | None, strict=False)
_STATS: Final = msgspec.json.Decoder(Stat | None, strict=False)
_ACKNOWLEDGED: Final = msgspec.json.Decoder(_Acknowledged, strict=False)


def open_datagram(data: bytes) -> Datagram | Rejected:
    """Reasons: too_short, too_long, bad_version, bad_kind (none, or one that only servers send)."""
    if len(data) > MAX_DATAGRAM_BYTES:
        return Rejected("too_long", 1, f"a datagram of more than {MAX_DATAGRAM_BYTES} bytes")
    if len(data) < _EUI_END:
        return Rejected("too_short", 1, f"a datagram of {len(data)} bytes")
    if data[0] not in _VERSIONS:
        return Rejected("bad_version", 1, f"protocol version {data[0]}")
    if data[3] not in _FROM_FORWARDERS:
        return Rejected("bad_kind", 1, f"a datagram of kind {data[3]}")
    return Datagram(
        data[0], data[1:3], Kind(data[3]), data[_HEADER_BYTES:_EUI_END].hex(), data[_EUI_END:].strip(_AROUND)
    )


def read_push(body: bytes) -> tuple[list[Heard | Rejected], Stat | None]:
    """The packets of a PUSH_DATA, each or why not, and the state if it is told.

    Reasons beside those of `parse`: too_many_packets, and for one packet bad_rxpk, bad_crc, unknown_modulation,
    bad_payload, bad_size, empty_packet; bad_stat.
    """
    push = parse(_PUSHES, body, otherwise=_NOT_JSON)
    if isinstance(push, Rejected):
        return [push], None
    told = push.rxpk or []
    packets = [_read_packet(raw) for raw in told[:MAX_PACKETS]]
    if len(told) > MAX_PACKETS:
        packets.append(Rejected("too_many_packets", len(told) - MAX_PACKETS, f"{len(told)} in one datagram"))
    stat = parse_part(_STATS, push.stat, "bad_stat")
    if isinstance(stat, Rejected):
        return [*packets, stat], None
    return packets, stat


def _read_packet(raw: msgspec.Raw) -> Heard | Rejected:
    packet = parse_part(_PACKETS, raw, "bad_rxpk")
    if isinstance(packet, Rejected):
        return packet
    if packet.stat == _BAD_CRC:
        return Rejected("bad_crc", 1, f"{packet.datr}, {packet.rssi} dBm")
    if (packet.modu or "LORA").upper() not in ("LORA", "FSK"):
        return Rejected("unknown_modulation", 1, str(packet.modu)[:40])
    content = payload_bytes(packet.data or "")
    if content is None:
        return Rejected("bad_payload", 1, "data is not base64")
    if packet.size is not None and packet.size != len(content):
        return Rejected("bad_size", 1, f"{len(content)} bytes, told are {packet.size}")
    if not content:
        return Rejected("empty_packet", 1)
    rssi, snr = _signal(packet)
    return Heard(content, rssi, snr, packet.time or "", packet.stat != _NO_CRC)


def _signal(packet: _Packet) -> tuple[float | None, float | None]:
    """RSSI and SNR: of the packet, or of the antenna that heard it best where they are told by antenna."""
    antennas = parse_part(_ANTENNAS, packet.rsig, "bad_rxpk")
    if packet.rssi is not None or packet.rssis is not None or not antennas or isinstance(antennas, Rejected):
        return (packet.rssi if packet.rssi is not None else packet.rssis), packet.lsnr
    best = max(antennas, key=lambda antenna: antenna.lsnr if antenna.lsnr is not None else float("-inf"))
    return (best.rssic if best.rssic is not None else best.rssis), best.lsnr


def read_tx_ack(body: bytes) -> Rejected | None:
    """Why a packet was not sent, None if it was. Reasons beside those of `parse`: tx_<error>, tx_other,
    tx_power_reduced (sent, with less power)."""
    if not body:
        return None
    told = parse(_ACKNOWLEDGED, body, otherwise=_NOT_JSON)
    if isinstance(told, Rejected):
        return told
    answer = told.txpk_ack or _TxAck()
    error = (answer.error or "NONE").upper()
    if error in _ERRORS:
        return Rejected(reason_of("tx", error.removeprefix("TX_")), 1, error)
    if error != "NONE":
        return Rejected("tx_other", 1, error[:40])
    return Rejected("tx_power_reduced", 1) if answer.warn == "TX_POWER" else None


class Transmission(NamedTuple):
    """How packets are sent."""

    frequency_hz: int
    spreading_factor: int
    bandwidth_khz: int
    coding_rate: str
    power_dbm: int
    rf_chain: int
    inverted: bool


def pull_resp(version: int, token: bytes, content: bytes, how: Transmission) -> bytes:
    """The datagram that has a forwarder send a packet at once, by LoRa."""
    packet = {
        "imme": True,
        "freq": how.frequency_hz / 1_000_000,
        "rfch": how.rf_chain,
        "powe": how.power_dbm,
        "modu": "LORA",
        "datr": f"SF{how.spreading_factor}BW{how.bandwidth_khz}",
        "codr": how.coding_rate,
        "ipol": how.inverted,
        "size": len(content),
        "data": b64encode(content).decode(),
    }
    return bytes((version,)) + token + bytes((Kind.PULL_RESP,)) + msgspec.json.encode({"txpk": packet})
