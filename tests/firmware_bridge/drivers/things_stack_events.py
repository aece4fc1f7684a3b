"""Messages as The Things Stack's documentation shows them, and a decoder that knows their devices."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from firmware_bridge.delivery import ReplayState
from firmware_bridge.drivers.things_stack_v3 import Settings, ThingsStackDecoder

CLIMATE = {"id": "dev1", "name": "clima-1", "payload": {"codec": "cayenne_lpp"}}
SETTINGS = {
    "driver": "things_stack_v3",
    "name": "ttn",
    "application_id": "app1",
    "tenant_id": "ttn",
    "broker": {"host": "127.0.0.1"},
    "devices": [
        CLIMATE,
        {
            "id": "dev2",
            "name": "clima-2",
            "payload": {"codec": "server_object", "map": {"luminosity": {"ignore": True}}},
        },
    ],
}
TEMPERATURE = bytes.fromhex("0367 0110")  # Cayenne LPP: channel 3, temperature, 27.2 degrees
IDS = {
    "device_id": "dev1",
    "application_ids": {"application_id": "app1"},
    "dev_eui": "0004A30B001C0530",
    "join_eui": "800000000000000C",
    "dev_addr": "00BCB929",
}
# From The Things Stack documentation, "Data Formats": the uplink message, without what we do not read.
MESSAGE = {
    "session_key_id": "AXA50tHUGUucuzS/bCGMNw==",
    "f_cnt": 1,
    "f_port": 1,
    "frm_payload": "gkHe",
    "decoded_payload": {"temperature": 1.0, "luminosity": 0.64},
    "rx_metadata": [
        {
            "gateway_ids": {"gateway_id": "gtw1", "eui": "9C5C8E00001A05C4"},
            "time": "2020-02-12T15:15:45.787Z",
            "timestamp": 2463457000,
            "rssi": -35,
            "channel_rssi": -35,
            "snr": 5,
        }
    ],
    "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 7}}, "frequency": "868300000"},
    "consumed_airtime": "0.056576s",
    "locations": {"user": {"latitude": 37.97, "longitude": 23.72, "altitude": 10, "source": "SOURCE_REGISTRY"}},
    "received_at": "2020-02-12T15:15:45.789585559Z",
}
UP = {"end_device_ids": IDS, "received_at": "2020-02-12T15:15:46.014773143Z", "uplink_message": MESSAGE}
AT_UP = datetime(2020, 2, 12, 15, 15, 47, 789585, tzinfo=UTC).timestamp()
JOIN = {
    "end_device_ids": IDS | {"dev_addr": "01497ECC"},
    "received_at": "2020-02-12T15:15:46.935284891Z",
    "join_accept": {
        "session_key_id": "AXBSH1Pk6Z0G166RlH16CQ==",
        "received_at": "2020-02-12T15:15:46.736532315Z",
    },
}
FAILED = {
    "end_device_ids": {"device_id": "dev1", "application_ids": {"application_id": "app1"}},
    "downlink_failed": {
        "downlink": {"f_port": 15, "frm_payload": "vu8=", "confirmed": True, "priority": "NORMAL"},
        "error": {"namespace": "pkg/networkserver", "name": "application_downlink_too_long", "code": 3},
    },
}
SOLVED = {
    "end_device_ids": IDS,
    "received_at": "2020-02-12T15:15:46.5Z",
    "location_solved": {
        "service": "semtech-gls",
        "location": {"latitude": -2.5, "longitude": -71.7, "accuracy": 35, "source": "SOURCE_LORA_TDOA_GEOLOCATION"},
    },
}
DOWN = {"end_device_ids": IDS, "downlink_ack": {"f_port": 15, "f_cnt": 11, "frm_payload": "vu8=", "confirmed": True}}


def topic(kind: str, device: str = "dev1") -> str:
    return f"v3/app1@ttn/devices/{device}/{kind}"


def chunk(kind: str, event: dict[str, Any], device: str = "dev1") -> bytes:
    return f"{topic(kind, device)} {json.dumps(event)}".encode()


def up(number: int, *, device: str = "dev1", ids: dict[str, Any] | None = None, **message: Any) -> dict[str, Any]:
    """An uplink; a counter of 0 is absent, as The Things Stack leaves it out."""
    there = {key: value for key, value in MESSAGE.items() if key != "f_cnt"}
    there |= {"f_cnt": number} if number else {}
    return {
        **UP,
        "end_device_ids": IDS | {"device_id": device} | (ids or {}),
        "uplink_message": there | {"frm_payload": b64encode(TEMPERATURE).decode()} | message,
    }


def decoder(replay: dict[str, ReplayState] | None = None, **settings: Any) -> ThingsStackDecoder:
    return ThingsStackDecoder(Settings.model_validate(SETTINGS | settings), replay or {}, lambda: AT_UP)
