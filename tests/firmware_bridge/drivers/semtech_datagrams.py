"""Datagrams of a packet forwarder, those of the protocol's examples first, and a server that hears them."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from firmware_bridge.delivery import ReplayState
from firmware_bridge.drivers.semtech_udp import SemtechServer, Settings
from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import Kind, make_reading

EUI = "0016c001f153a14c"
OTHER = "0016c001f153a14d"
PEER = ("127.0.0.1", 40000)
KEY = "00112233445566778899aabbccddeeff"
SETTINGS = {
    "driver": "semtech_udp",
    "name": "concentrador",
    "gateways": [{"id": EUI, "name": "techo"}, {"id": OTHER, "name": "loma"}],
    "transmit": {"band": "au915", "frequency_hz": 923_300_000, "spreading_factor": 10},
    "devices": [
        {"id": "00a1b2c3", "name": "rio-arriba", "key": KEY},
        {"id": "07", "name": "clima-1", "payload": {"codec": "cayenne_lpp"}},
    ],
}
HEARD = make_reading(
    Kind.ACOUSTIC_DETECTION, "rio-arriba", {"confidence_ratio": 0.9, "battery_volts": 3.98}, label="chainsaw", age_s=3
)
CLIMATE = bytes.fromhex("07 0367 0110")  # the device's prefix; Cayenne LPP: channel 3, temperature, 27.2 degrees
# Semtech PROTOCOL.TXT 1.4, sections 4 and 6: the packets and the state of its examples.
DOCUMENTED = [
    {
        "time": "2013-03-31T16:21:17.528002Z",
        "tmst": 3512348611,
        "freq": 866.349812,
        "stat": 1,
        "modu": "LORA",
        "datr": "SF7BW125",
        "codr": "4/6",
        "rssi": -35,
        "lsnr": 5.1,
        "size": 32,
        "data": "-DS4CGaDCdG+48eJNM3Vai-zDpsR71Pn9CPA9uCON84",
    },
    {
        "time": "2013-03-31T16:21:17.530974Z",
        "freq": 869.1,
        "stat": 1,
        "modu": "FSK",
        "datr": 50000,
        "rssi": -75,
        "size": 16,
        "data": "VEVTVF9QQUNLRVRfMTIzNA==",
    },
    {"stat": 1, "rssi": -38, "lsnr": 5.5, "size": 32, "data": "ysgRl452xNLep9S1NTIg2lomKDxUgn3DJ7DE+b00Ass"},
]
STAT = {
    "time": "2014-01-12 08:59:28 GMT",
    "lati": 46.24,
    "long": 3.2523,
    "alti": 145,
    "rxnb": 2,
    "rxok": 2,
    "rxfw": 2,
    "ackr": 100.0,
    "dwnb": 2,
    "txnb": 2,
}
NOW = datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def server(replay: dict[str, ReplayState] | None = None, clock: Clock | None = None, **settings: Any) -> SemtechServer:
    return SemtechServer(
        Settings.model_validate(SETTINGS | settings), replay or {}, wall=lambda: NOW, clock=clock or Clock()
    )


def datagram(kind: int, body: Any = None, *, eui: str = EUI, version: int = 2, token: bytes = b"\xab\xcd") -> bytes:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return bytes((version,)) + token + bytes((kind,)) + bytes.fromhex(eui) + content


def frame(counter: int) -> bytes:
    return seal(new_cipher(bytes.fromhex(KEY)), 0x00A1B2C3, counter, encode_body(HEARD))


def packet(content: bytes, **other: Any) -> dict[str, Any]:
    data = {"data": b64encode(content).decode(), "size": len(content)}
    return {"stat": 1, "modu": "LORA", "datr": "SF10BW125", "rssi": -97, "lsnr": 5.25} | data | other


def push(*packets: Any, eui: str = EUI, **more: Any) -> bytes:
    return datagram(0, {"rxpk": list(packets)} | more, eui=eui)
