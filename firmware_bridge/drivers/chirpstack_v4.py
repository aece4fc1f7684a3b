"""ChirpStack v4: LoRaWAN devices of any make, by way of the events of a ChirpStack network server.

Device          any LoRaWAN device that is known to the network server; its payload by one of our codecs
Specification   ChirpStack documentation, Integrations: "Event types" and "MQTT"; integration.proto of ChirpStack v4
Link            MQTT 3.1.1, QoS 1, a kept session; JSON marshaler (`json=true` under [integration.mqtt])

Data layout     topic, a space, JSON; a field that is absent is 0, false or ""

    application/{application id}/device/{devEui}/event/{event}
    up        fCnt, fPort, data (base64), rxInfo [rssi, snr], time, devAddr  a reading by the device's codec, or by
              object (by the server's codec)                                 ChirpStack's own (server_object)
    status    margin (dB), batteryLevel (%), externalPowerSource,
              batteryLevelUnavailable                                        device_status
    location  location {latitude, longitude, altitude, accuracy}             position
    join      devAddr                                                        a new session: counters begin anew
    log       level, code                                                    counted as log_<code>
    ack       acknowledged                                                   counted if it is not
    txack     a downlink was handed to a gateway                             nothing
    integration  of other services                                           counted
    application/{application id}/device/{devEui}/command/down                what `say` publishes

Integrity       the network server's; again here: an event told twice, a frame counter seen before in its session
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from firmware_bridge.delivery import ReplayState, Source, Tally
from firmware_bridge.framing.our_frames import check_all_different
from firmware_bridge.links.broker_settings import BrokerSettings, BrokerSourceSettings
from firmware_bridge.links.mqtt_link import MqttLink
from firmware_bridge.links.mqtt_source import MqttSource
from firmware_bridge.lorawan.devices import DownlinkTargets, LorawanDevice, Told
from firmware_bridge.lorawan.events import parse, payload_bytes, reason_of
from firmware_bridge.lorawan.server_decoder import Place, ServerDecoder
from firmware_bridge.lorawan.server_times import epoch_seconds
from firmware_bridge.readings import DEVICE_QUANTITIES, Downlink, Reading, Rejected

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "chirpstack_v4"
name = "lorawan"
application_id = "17c82e96-be03-4f38-aef3-f83d48582d97"

[broker]
host = "localhost"
port = 1883

[[devices]]
id = "0101010101010101"
name = "clima-1"
payload = { codec = "cayenne_lpp" }
"""

_LOG_CODES: Final = frozenset(
    (
        *("UNKNOWN", "DOWNLINK_PAYLOAD_SIZE", "UPLINK_CODEC", "DOWNLINK_CODEC", "OTAA", "UPLINK_F_CNT_RESET"),
        *("UPLINK_MIC", "UPLINK_F_CNT_RETRANSMISSION", "DOWNLINK_GATEWAY", "RELAY_NEW_END_DEVICE", "F_CNT_DOWN"),
        "EXPIRED",
    )
)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOT_JSON: Final = "set json=true under [integration.mqtt] in chirpstack.toml and restart ChirpStack"


def _check_application(told: str) -> str:
    if not _UUID.fullmatch(told):
        raise ValueError(
            "the id of an application in ChirpStack v4 is a UUID, such as 17c82e96-be03-4f38-aef3-f83d48582d97: it"
            " stands in the address of the application's page"
        )
    return told


class Device(LorawanDevice):
    """A device of the application."""

    id: Annotated[str, AfterValidator(str.lower)] = Field(
        pattern=r"^[0-9a-fA-F]{16}$", description="Its DevEUI: 16 hex digits, in quotes."
    )

    @model_validator(mode="after")
    def _has_no_normalized(self) -> Self:
        if self.payload.codec == "normalized":
            raise ValueError("codec normalized is for The Things Stack; ChirpStack's own codec is server_object")
        return self


class Settings(BrokerSourceSettings):
    """An application of a ChirpStack server."""

    driver: Literal["chirpstack_v4"] = Field(description="chirpstack_v4: events of a ChirpStack network server.")
    application_id: Annotated[str, AfterValidator(_check_application)] = Field(
        description="Id of the application in ChirpStack, as its page shows it (a UUID).",
    )
    broker: BrokerSettings = Field(default=BrokerSettings(), description="The broker that ChirpStack publishes to.")
    devices: list[Device] = Field(
        min_length=1, max_length=4096, description="The devices that are listened to; events of others are counted."
    )

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        check_all_different(self.devices)
        return self


class _DeviceInfo(msgspec.Struct, rename="camel"):
    dev_eui: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    """Of any sort; each has only some of the fields."""

    deduplication_id: str | None = None
    time: str | None = None
    device_info: _DeviceInfo | None = None
    dev_addr: str | None = None
    f_cnt: int | None = 0
    f_port: int | None = 0
    data: str | None = None
    rx_info: msgspec.Raw = msgspec.Raw(b"[]")
    tx_info: msgspec.Raw = msgspec.Raw(b"null")
    object: msgspec.Raw = msgspec.Raw(b"")
    join_server_context: msgspec.Raw = msgspec.Raw(b"null")
    margin: float | None = 0.0
    external_power_source: bool | None = False
    battery_level_unavailable: bool | None = False
    battery_level: float | None = 0.0
    location: Place | None = None
    acknowledged: bool | None = False
    code: str | None = None
    description: str | None = None


_EVENTS: Final = msgspec.json.Decoder(_Event, strict=False)


class ChirpstackDecoder(ServerDecoder):
    """A `Decoder` of `topic payload`. Reads key and layout files when it is made.

    Reasons beside those of parsing, of the codecs and of `UplinkGuard`: bad_topic, unknown_event, unknown_device,
    topic_mismatch, encrypted_payload, bad_payload, bad_signal, no_location, log_<code>, downlink_not_acknowledged,
    integration_event, implausible_time.
    """

    def __init__(
        self, settings: Settings, replay: Mapping[str, ReplayState], clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(settings.name, [(device.id, device) for device in settings.devices], replay, clock)
        self._takers: dict[str, Callable[[str, _Event, Tally], list[Reading]]] = {
            "up": self._up,
            "status": self._status,
            "location": self._location,
            "join": self._join,
            "log": self._log,
            "ack": self._ack,
            "txack": lambda device, event, tally: [],
            "integration": self._integration,
        }

    def _take(self, chunk: bytes, tally: Tally) -> list[Reading]:
        topic, _, payload = chunk.partition(b" ")
        levels = topic.decode(errors="replace").split("/")
        if len(levels) != 6 or (levels[0], levels[2], levels[4]) != ("application", "device", "event"):
            tally.add("bad_topic", topic[:100].decode(errors="replace"))
            return []
        device, kind = levels[3].lower(), levels[5]
        taker = self._takers.get(kind)
        if taker is None:
            tally.add("unknown_event", kind[:100])
            return []
        event = parse(_EVENTS, payload, otherwise=_NOT_JSON)
        if isinstance(event, Rejected):
            tally.extend([event])
            return []
        if event.device_info is not None and (event.device_info.dev_eui or device).lower() != device:
            tally.add("topic_mismatch", f"the topic says {device[:32]}, the event another device")
            return []
        if self._payloads.name_of(device) is None:
            tally.add("unknown_device", f"device {device[:32]} is not in the settings")
            return []
        if event.deduplication_id and not self._guard.is_new(f"{kind} {event.deduplication_id}"):
            tally.add("duplicate", f"{kind} {event.deduplication_id[:64]}")
            return []
        return taker(device, event, tally)

    def _up(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        told_s = epoch_seconds(event.time or "")
        if refused := self._guard.admit(device, event.dev_addr or "", event.f_cnt or 0, told_s):
            tally.add(refused, f"device {device}, frame {event.f_cnt}")
            return []
        if bytes(event.join_server_context).strip() not in (b"null", b"{}"):
            tally.add("encrypted_payload", f"device {device}: its application key is not at ChirpStack")
            return []
        payload = payload_bytes(event.data or "")
        if payload is None:
            tally.add("bad_payload", f"device {device}: data is not base64")
            return []
        signal = self._signal(event.rx_info, event.tx_info, tally)
        return self._uplink(device, payload, event.f_port or 0, signal, event.time or "", tally, Told(event.object))

    def _status(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        if not self._is_another("status", device, event, tally):
            return []
        values = {"link_margin_decibels": event.margin or 0.0}
        if event.external_power_source:
            values["external_power_flag"] = 1.0
        elif event.battery_level_unavailable:
            tally.add("absent_battery_ratio", f"device {device}")
        else:
            values["battery_ratio"] = (event.battery_level or 0.0) / 100
        return self._payloads.status(self._name(device), values, self._age(event.time or ""), tally)

    def _location(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        if not self._is_another("location", device, event, tally):
            return []
        return self._position(device, event.location, event.time or "", tally)

    def _join(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        self._guard.joined(device, event.dev_addr or "", _identity(event), epoch_seconds(event.time or ""))
        return []

    def _log(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        code = event.code or "UNKNOWN"
        if code == "UPLINK_F_CNT_RESET":
            self._guard.reset(device, epoch_seconds(event.time or ""))
        tally.add(
            reason_of("log", code if code in _LOG_CODES else "other"),
            f"device {device}: {code[:40]}: {(event.description or '')[:200]}",
        )
        return []

    def _ack(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        if not event.acknowledged:
            tally.add("downlink_not_acknowledged", f"device {device}")
        return []

    def _integration(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        return self._count("integration_event", device, tally)

    def _is_another(self, sort: str, device: str, event: _Event, tally: Tally) -> bool:
        if self._guard.is_another(sort, device, _identity(event)):
            return True
        tally.add("duplicate", f"{sort} of device {device}")
        return False


def _identity(event: _Event) -> str:
    return f"{event.deduplication_id} {event.time}"


class Downlinks:
    """Makes the command that queues a downlink at ChirpStack."""

    def __init__(self, settings: Settings) -> None:
        self._application = settings.application_id
        self._targets = DownlinkTargets((device.name, device.id) for device in settings.devices)

    def __call__(self, downlink: Downlink) -> tuple[str, bytes]:
        """Topic and payload. Raises DownlinkError, see `DownlinkTargets.of`."""
        device = self._targets.of(downlink)
        command = {
            "devEui": device,
            "confirmed": downlink.confirmed,
            "fPort": downlink.port,
            "data": b64encode(downlink.payload).decode(),
        }
        return f"application/{self._application}/device/{device}/command/down", msgspec.json.encode(command)


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> ChirpstackDecoder:
    """See `Driver.new_decoder`."""
    return ChirpstackDecoder(settings, replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`. It is a `Speaker` too."""
    topics = [f"application/{settings.application_id}/device/+/event/+"]
    link = MqttLink(settings.broker, topics, name=settings.name)
    names = [device.name for device in settings.devices]
    return MqttSource(settings.name, link, lambda: new_decoder(settings, replay), Downlinks(settings), names)
