"""Events as the ChirpStack documentation shows them, and a decoder that knows their devices."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from firmware_bridge.delivery import ReplayState
from firmware_bridge.drivers.chirpstack_v4 import ChirpstackDecoder, Settings

EUI = "0101010101010101"
OURS = "0202020202020202"
DECODED = "0404040404040404"
KEY = "00112233445566778899aabbccddeeff"
APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
SETTINGS = {
    "driver": "chirpstack_v4",
    "name": "lorawan",
    "application_id": APPLICATION,
    "devices": [
        {"id": EUI, "name": "clima-1", "payload": {"codec": "cayenne_lpp"}},
        {"id": OURS, "name": "rio-arriba", "payload": {"codec": "vigia", "id": "00a1b2c3", "key": KEY}},
        {"id": DECODED, "name": "clima-2", "payload": {"codec": "server_object", "map": {"lum": "illuminance_lux"}}},
    ],
}
TWIN = {"id": EUI, "name": "a", "payload": {"codec": "cayenne_lpp"}}
TEMPERATURE = bytes.fromhex("0367 0110")  # Cayenne LPP: channel 3, temperature, 27.2 degrees
# From the ChirpStack documentation, "Event types": the uplink event, without what we do not read.
UP = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2022-07-18T09:34:15.775023242+00:00",
    "deviceInfo": {"applicationId": APPLICATION, "deviceName": "Test device", "devEui": EUI, "tags": {"key": "value"}},
    "devAddr": "00189440",
    "dr": 1,
    "fPort": 1,
    "data": "qg==",
    "rxInfo": [
        {"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5, "context": "E3OWOQ=="}
    ],
    "txInfo": {"frequency": 867100000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 11}}},
}
AT_UP = datetime(2022, 7, 18, 9, 34, 20, 775023, tzinfo=UTC).timestamp()
STATUS = {
    "deduplicationId": "bf2a9746-1c8b-49be-a92e-f0b89c8534e4",
    "time": "2022-07-18T09:34:17.927172638+00:00",
    "deviceInfo": {"devEui": EUI},
    "margin": 10,
    "batteryLevel": 88.3,
}
LOCATION = {
    "deduplicationId": "63d870b9-b769-4d88-8b33-8e43f58851a7",
    "time": "2022-07-18T09:34:11.059481003+00:00",
    "deviceInfo": {"devEui": EUI},
    "location": {"latitude": 37.344214, "longitude": -8.839375, "altitude": 2},
}
JOIN = {
    "deduplicationId": "c9dbe358-2578-4fb7-b295-66b44edc45a6",
    "time": "2022-07-18T09:34:18.823500726+00:00",
    "deviceInfo": {"devEui": EUI},
    "devAddr": "00189440",
}
LOG = {
    "time": "2022-07-18T09:39:57.311414029+00:00",
    "deviceInfo": {"devEui": EUI},
    "level": "ERROR",
    "code": "UPLINK_MIC",
    "description": "MIC of join-request is invalid, make sure keys are correct",
}
ACK = {
    "deduplicationId": "856a03e7-80f6-4c26-b971-9dcb34a59c2e",
    "time": "2022-07-18T09:38:49.235700766+00:00",
    "deviceInfo": {"devEui": EUI},
    "queueItemId": "1bbcab1d-6ec6-4136-b3f5-d63be1dc08de",
    "acknowledged": True,
    "fCntDown": 3,
}


def topic(kind: str, device: str = EUI) -> str:
    return f"application/{APPLICATION}/device/{device}/event/{kind}"


def chunk(kind: str, event: dict[str, Any], device: str = EUI) -> bytes:
    return f"{topic(kind, device)} {json.dumps(event)}".encode()


def up(number: int, payload: bytes = TEMPERATURE, **other: Any) -> dict[str, Any]:
    """An uplink of its own; fCnt 0 is absent, as ChirpStack leaves it out."""
    counter = {"fCnt": number} if number else {}
    data = {"data": b64encode(payload).decode()}
    return UP | {"deduplicationId": f"up {number}"} | counter | data | other


def decoder(replay: dict[str, ReplayState] | None = None, now: float = AT_UP) -> ChirpstackDecoder:
    return ChirpstackDecoder(Settings.model_validate(SETTINGS), replay or {}, lambda: now)
