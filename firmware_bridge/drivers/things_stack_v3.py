"""The Things Stack v3: LoRaWAN devices of any make, by way of The Things Network or a Things Stack of one's own.

Device          any LoRaWAN device that is known to the network server; its payload by one of our codecs
Specification   The Things Stack documentation, "MQTT Server" and "Data Formats"
Link            MQTT 3.1.1, QoS 0 (the server has no other): what comes while we are away is lost

Data layout     topic, a space, JSON; a field that is absent is 0, false or ""

    v3/{application id}@{tenant id}/devices/{device id}/...
    up              uplink_message: f_cnt, f_port, frm_payload (base64), rx_metadata
                    [rssi, snr], received_at, last_battery_percentage,     a reading by the device's codec, or by
                    decoded_payload (by the server's formatter),           the server's own (server_object,
                    normalized_payload                                     normalized)
    join            join_accept                                            a new session: counters begin anew
    location/solved location_solved: location {latitude, longitude, ...}   position
    down/failed     downlink_failed: error                                 counted
    down/nack       downlink_nack                                          counted
    down/ack, down/sent, down/queued                                       nothing
    service/data    of other services                                      counted
    down/push                                                              what `say` publishes

Integrity       the network server's; again here: a frame counter seen before in its session
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final, Literal, Self

import msgspec
from pydantic import Field, model_validator

from firmware_bridge.delivery import ReplayState, Source, Tally
from firmware_bridge.framing.our_frames import check_all_different
from firmware_bridge.links.broker_settings import BrokerSettings, BrokerSourceSettings
from firmware_bridge.links.mqtt_link import MqttLink
from firmware_bridge.links.mqtt_source import MqttSource
from firmware_bridge.lorawan.devices import DownlinkTargets, LorawanDevice, Told
from firmware_bridge.lorawan.events import parse, parse_part, payload_bytes
from firmware_bridge.lorawan.server_decoder import Place, ServerDecoder
from firmware_bridge.lorawan.server_times import epoch_seconds
from firmware_bridge.readings import DEVICE_QUANTITIES, Downlink, Reading, Rejected

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "things_stack_v3"
name = "ttn"
application_id = "app1"
tenant_id = "ttn"

[broker]
host = "nam1.cloud.thethings.network"
port = 8883
tls = true
username = "app1@ttn"
password_file = "/etc/vigia/ttn.key"

[[devices]]
id = "dev1"
name = "clima-1"
payload = { codec = "cayenne_lpp" }
"""

_HEARD: Final = (
    *("up", "join", "down/ack", "down/nack", "down/sent", "down/failed", "down/queued"),
    *("service/data", "location/solved"),
)
_NOT_JSON: Final = "the server's MQTT format must be JSON"


class Device(LorawanDevice):
    """A device of the application."""

    id: str = Field(
        pattern=r"^[a-z0-9](?:-?[a-z0-9]){1,35}$", description="Its device id in the application, such as eui-70b3d5..."
    )


class Settings(BrokerSourceSettings):
    """An application of The Things Stack."""

    driver: Literal["things_stack_v3"] = Field(description="things_stack_v3: events of The Things Stack or TTN.")
    application_id: str = Field(
        pattern=r"^[a-z0-9](?:-?[a-z0-9]){1,35}$", description="Id of the application, as its page shows it."
    )
    tenant_id: str = Field(
        default="ttn",
        pattern=r"^(?:[a-z0-9](?:-?[a-z0-9]){1,35})?$",
        description='"ttn" on The Things Network; your tenant in the cloud; empty on a server of your own without any.',
    )
    broker: BrokerSettings = Field(
        description="The server's MQTT: its public address, port 8883 with tls; username is application@tenant, the "
        "password an API key that may read traffic and write downlinks."
    )
    simulated: bool = Field(
        default=False, description="True: take uplinks that somebody simulated in the server's console. False: count."
    )
    devices: list[Device] = Field(
        min_length=1, max_length=4096, description="The devices that are listened to; events of others are counted."
    )

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        check_all_different(self.devices)
        return self

    @property
    def topic(self) -> str:
        """What all topics begin with."""
        tenant = f"@{self.tenant_id}" if self.tenant_id else ""
        return f"v3/{self.application_id}{tenant}/devices"


class _Ids(msgspec.Struct):
    device_id: str | None = None
    dev_addr: str | None = None


class _Battery(msgspec.Struct):
    value: float | None = 0.0
    received_at: str | None = None
    f_cnt: int | None = 0


class _Uplink(msgspec.Struct):
    session_key_id: str | None = None
    f_cnt: int | None = 0
    f_port: int | None = 0
    frm_payload: str | None = None
    decoded_payload: msgspec.Raw = msgspec.Raw(b"")
    normalized_payload: msgspec.Raw = msgspec.Raw(b"")
    rx_metadata: msgspec.Raw = msgspec.Raw(b"[]")
    settings: msgspec.Raw = msgspec.Raw(b"null")
    received_at: str | None = None
    last_battery_percentage: msgspec.Raw = msgspec.Raw(b"null")
    app_s_key: msgspec.Raw = msgspec.Raw(b"null")


class _Join(msgspec.Struct):
    session_key_id: str | None = None
    received_at: str | None = None


class _Solved(msgspec.Struct):
    location: Place | None = None


class _Error(msgspec.Struct):
    name: str | None = None
    message_format: str | None = None


class _Failed(msgspec.Struct):
    error: _Error | None = None


class _Event(msgspec.Struct):
    end_device_ids: _Ids | None = None
    received_at: str | None = None
    simulated: bool | None = False
    uplink_message: _Uplink | None = None
    join_accept: _Join | None = None
    location_solved: _Solved | None = None
    downlink_failed: _Failed | None = None


_EVENTS: Final = msgspec.json.Decoder(_Event, strict=False)
_BATTERIES: Final = msgspec.json.Decoder(_Battery | None, strict=False)


class ThingsStackDecoder(ServerDecoder):
    """A `Decoder` of `topic payload`. Reads key and layout files when it is made.

    Reasons beside those of parsing, of the codecs and of `UplinkGuard`: bad_topic, unknown_event, unknown_device,
    topic_mismatch, bad_event, simulated, encrypted_payload, bad_payload, bad_signal, bad_battery, no_location,
    downlink_failed, downlink_not_acknowledged, service_data, implausible_time.
    """

    def __init__(
        self, settings: Settings, replay: Mapping[str, ReplayState], clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(settings.name, [(device.id, device) for device in settings.devices], replay, clock)
        self._prefix = settings.topic.split("/")
        self._simulated = settings.simulated
        self._takers: dict[str, Callable[[str, _Event, Tally], list[Reading]]] = {
            "up": self._up,
            "join": self._join,
            "location/solved": self._location,
            "down/failed": self._failed,
            "down/nack": lambda device, event, tally: self._count("downlink_not_acknowledged", device, tally),
            "down/ack": lambda device, event, tally: [],
            "down/sent": lambda device, event, tally: [],
            "down/queued": lambda device, event, tally: [],
            "service/data": lambda device, event, tally: self._count("service_data", device, tally),
        }

    def _take(self, chunk: bytes, tally: Tally) -> list[Reading]:
        topic, _, payload = chunk.partition(b" ")
        levels = topic.decode(errors="replace").split("/")
        if len(levels) < 5 or levels[:3] != self._prefix:
            tally.add("bad_topic", topic[:100].decode(errors="replace"))
            return []
        device, kind = levels[3], "/".join(levels[4:])
        taker = self._takers.get(kind)
        if taker is None:
            tally.add("unknown_event", kind[:100])
            return []
        event = parse(_EVENTS, payload, otherwise=_NOT_JSON)
        if isinstance(event, Rejected):
            tally.extend([event])
            return []
        if event.end_device_ids is not None and (event.end_device_ids.device_id or device) != device:
            tally.add("topic_mismatch", f"the topic says {device[:36]}, the event another device")
            return []
        if self._payloads.name_of(device) is None:
            tally.add("unknown_device", f"device {device[:36]} is not in the settings")
            return []
        return taker(device, event, tally)

    def _up(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        uplink = event.uplink_message
        if uplink is None:
            return self._count("bad_event", device, tally)
        if event.simulated and not self._simulated:
            return self._count("simulated", device, tally)
        told = uplink.received_at or event.received_at or ""
        session = _session(event, uplink.session_key_id)
        if refused := self._guard.admit(device, session, uplink.f_cnt or 0, epoch_seconds(told)):
            tally.add(refused, f"device {device}, frame {uplink.f_cnt}")
            return []
        status = self._battery(device, uplink, tally)
        if bytes(uplink.app_s_key).strip() not in (b"null", b"{}"):
            return status + self._count("encrypted_payload", device, tally)
        payload = payload_bytes(uplink.frm_payload or "")
        if payload is None:
            return status + self._count("bad_payload", device, tally)
        signal = self._signal(uplink.rx_metadata, uplink.settings, tally)
        server = Told(uplink.decoded_payload, uplink.normalized_payload, epoch_seconds(told))
        return status + self._uplink(device, payload, uplink.f_port or 0, signal, told, tally, server)

    def _battery(self, device: str, uplink: _Uplink, tally: Tally) -> list[Reading]:
        """The device's last status, once: every uplink tells it again."""
        battery = parse_part(_BATTERIES, uplink.last_battery_percentage, "bad_battery")
        if isinstance(battery, Rejected):
            tally.extend([battery])
            return []
        told = battery.received_at or "" if battery is not None else ""
        if battery is None or not self._guard.is_another("status", device, f"{told} {battery.f_cnt}"):
            return []
        values = {"battery_ratio": (battery.value or 0.0) / 100}
        return self._payloads.status(self._name(device), values, self._age(told), tally)

    def _join(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        join = event.join_accept or _Join()
        told = join.received_at or event.received_at or ""
        session = _session(event, join.session_key_id)
        self._guard.joined(device, session, f"{session} {told}", epoch_seconds(told))
        return []

    def _location(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        place = event.location_solved.location if event.location_solved is not None else None
        if place is None:
            return self._count("no_location", device, tally)
        told = event.received_at or ""
        if told and not self._guard.is_another("location", device, told):
            return self._count("duplicate", device, tally)
        return self._position(device, place, told, tally)

    def _failed(self, device: str, event: _Event, tally: Tally) -> list[Reading]:
        error = (event.downlink_failed.error if event.downlink_failed is not None else None) or _Error()
        tally.add("downlink_failed", f"device {device}: {(error.name or error.message_format or 'no reason')[:200]}")
        return []


def _session(event: _Event, key_id: str | None) -> str:
    ids = event.end_device_ids or _Ids()
    return f"{(ids.dev_addr or '').lower()} {(key_id or '').encode().hex()}"  # in hex: it is told apart by its case


class Downlinks:
    """Makes the message that queues a downlink at The Things Stack."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic
        self._targets = DownlinkTargets((device.name, device.id) for device in settings.devices)

    def __call__(self, downlink: Downlink) -> tuple[str, bytes]:
        """Topic and payload. Raises DownlinkError, see `DownlinkTargets.of`."""
        device = self._targets.of(downlink)
        command: dict[str, object] = {
            "f_port": downlink.port,
            "frm_payload": b64encode(downlink.payload).decode(),
            "priority": "NORMAL",
        }
        if downlink.confirmed:
            command["confirmed"] = True
        return f"{self._topic}/{device}/down/push", msgspec.json.encode({"downlinks": [command]})


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> ThingsStackDecoder:
    """See `Driver.new_decoder`."""
    return ThingsStackDecoder(settings, replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`. It is a `Speaker` too."""
    topics = [f"{settings.topic}/+/{kind}" for kind in _HEARD]
    link = MqttLink(settings.broker, topics, name=settings.name, qos=0, keep_session=False)
    names = [device.name for device in settings.devices]
    return MqttSource(settings.name, link, lambda: new_decoder(settings, replay), Downlinks(settings), names)
