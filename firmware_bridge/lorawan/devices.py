"""The devices of a LoRaWAN network server: their settings, their codecs, and how well they were heard."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple, Self, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from firmware_bridge.delivery import ReplayState, SensorName, Tally
from firmware_bridge.lorawan.events import parse_part
from firmware_bridge.lorawan.normalized_payload import NormalizedDecoder, NormalizedPayload
from firmware_bridge.payloads.grouping import KIND_NAMES
from firmware_bridge.payloads.hand_over import take_replay, to_readings
from firmware_bridge.payloads.mapping import FieldMapping
from firmware_bridge.payloads.opening import open_payload
from firmware_bridge.payloads.payload import Decoded, PayloadDecoder
from firmware_bridge.payloads.settings import PayloadSettings
from firmware_bridge.payloads.targets import FieldMap, KindName, check_labels
from firmware_bridge.readings import QUANTITIES, Downlink, DownlinkError, Kind, Reading, Rejected

MAX_DOWNLINK_BYTES: Final = 242
"""Largest payload of any region and data rate (LoRaWAN regional parameters); most data rates carry less."""
_PORTS: Final = range(1, 224)
_ANYTHING: Final = msgspec.json.Decoder(object)
_NOTHING: Final = msgspec.Raw(b"")


class ServerObjectPayload(BaseModel):
    """A payload that the network server's own codec has decoded already."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: Literal["server_object"] = Field(
        description="server_object: what the codec that is set up at the network server made of the payload."
    )
    kind: KindName | None = Field(
        default=None, description="What the payload tells. Not given: it follows from the quantities."
    )
    map: FieldMap = Field(
        default={},
        description="What the fields stand for, by name; names inside objects are joined with dots. Comes before the "
        "well-known names.",
    )
    well_known: bool = Field(
        default=True, description="False: only the fields of map are taken, whatever the others are called."
    )

    @model_validator(mode="after")
    def _labels_are_carried(self) -> Self:
        check_labels(self.kind, self.map)
        return self


AnyPayload: TypeAlias = PayloadSettings | ServerObjectPayload | NormalizedPayload
"""Who decodes: we, or the network server."""


class LorawanDevice(BaseModel):
    """What every device of a network server has beside its id."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: SensorName = Field(
        description="Name of the sensor in everything that is stored: 1 to 32 bytes, and then for good."
    )
    payload: Annotated[AnyPayload, Field(discriminator="codec")] = Field(
        description="How its payload is encoded: see payloads."
    )


class Signal(msgspec.Struct, frozen=True):
    """How one receiver heard a frame. snr_decibels: None where none was measured, as with FSK."""

    rssi_dbm: float
    snr_decibels: float | None


class Receiver(msgspec.Struct):
    """What a network server tells of a receiver; what is 0 it leaves out."""

    rssi: float | None = 0.0
    snr: float | None = 0.0


def signals(receivers: Iterable[Receiver], modulation: Collection[str]) -> list[Signal]:
    """How those heard a frame that measured it: no receiver hears 0 dBm. modulation: what the server calls it (lora,
    fsk, lr_fhss), empty if it does not tell. Only LoRa has an SNR; it is 0 if it is left out and the frame is said to
    be LoRa."""
    zero = 0.0 if "lora" in modulation else None
    may_be_lora = not modulation or "lora" in modulation
    return [
        Signal(receiver.rssi, (receiver.snr or zero) if may_be_lora else None)
        for receiver in receivers
        if receiver.rssi
    ]


def best_signal(heard: Iterable[Signal]) -> dict[str, float]:
    """What goes with a reading: the signal of the receiver with the best SNR, then the best RSSI; empty for none."""
    best = max(heard, key=_quality, default=None)
    if best is None:
        return {}
    if best.snr_decibels is None:
        return {"rssi_dbm": best.rssi_dbm}
    return {"rssi_dbm": best.rssi_dbm, "snr_decibels": best.snr_decibels}


def _quality(signal: Signal) -> tuple[float, float]:
    return (-math.inf if signal.snr_decibels is None else signal.snr_decibels, signal.rssi_dbm)


class Told(NamedTuple):
    """What the network server's own codec made of a payload, as JSON or nothing. sent_s: when the uplink came."""

    decoded: msgspec.Raw = _NOTHING
    normalized: msgspec.Raw = _NOTHING
    sent_s: float | None = None


def _tells(told: msgspec.Raw) -> bool:
    return bytes(told).strip() not in (b"", b"null", b"{}", b"[]")


class _ServerObject:
    """Reads what the network server's codec said."""

    def __init__(self, settings: ServerObjectPayload) -> None:
        self._mapping = FieldMapping(settings.map, well_known=settings.well_known)
        self._kind = KIND_NAMES.get(settings.kind or "")
        self._normalized = NormalizedDecoder(settings.map)

    def decode(self, told: Told) -> list[Decoded | Rejected]:
        """What the server normalised stands in for what it did not tell as decoded.

        Reasons: no_object (the server has no codec for this device, or it said nothing), bad_object.
        """
        if not _tells(told.decoded) and _tells(told.normalized):
            return self._normalized.decode(told.normalized, told.sent_s)
        return self._of_object(told.decoded)

    def _of_object(self, told: msgspec.Raw) -> list[Decoded | Rejected]:
        data = parse_part(_ANYTHING, told, "bad_object") if bytes(told) else None
        if isinstance(data, Rejected):
            return [data]
        if not isinstance(data, dict) or not data:
            return [Rejected("no_object", 1, "the network server did not decode it: has it a codec for this device?")]
        return self._mapping.collect(data).decoded(self._kind)


NOTHING_TOLD: Final = Told()


def _open(payload: AnyPayload, replay: Mapping[str, ReplayState]) -> PayloadDecoder | _ServerObject | NormalizedDecoder:
    if isinstance(payload, ServerObjectPayload):
        return _ServerObject(payload)
    if isinstance(payload, NormalizedPayload):
        return NormalizedDecoder(payload.map)
    return open_payload(payload, replay)


class Payloads:
    """The codecs of some devices. Opens them when it is made."""

    def __init__(self, devices: Sequence[tuple[str, LorawanDevice]], replay: Mapping[str, ReplayState]) -> None:
        self._names = {device_id: device.name for device_id, device in devices}
        self._codecs = {device_id: _open(device.payload, replay) for device_id, device in devices}

    def name_of(self, device_id: str) -> str | None:
        """The sensor's name, None for a device that is not in the settings."""
        return self._names.get(device_id)

    def uplink(
        self,
        device_id: str,
        payload: bytes,
        port: int,
        signal: dict[str, float],
        age_s: float,
        tally: Tally,
        *,
        told: Told = NOTHING_TOLD,
    ) -> tuple[list[Reading], dict[str, ReplayState]]:
        """The readings of one uplink of a known device, and the replay states that its codec changed. told: what the
        network server's own codec made of the payload.

        An uplink without an application's payload is a sign of life: a status with the signal. Reasons: mac_commands
        (port 0), empty_payload (nothing at all to tell), those of the codec.
        """
        name = self._names[device_id]
        if payload and port:
            codec = self._codecs[device_id]
            if isinstance(codec, _ServerObject | NormalizedDecoder):
                items = (
                    codec.decode(told)
                    if isinstance(codec, _ServerObject)
                    else codec.decode(told.normalized, told.sent_s)
                )
                return to_readings(items, name, tally, received=signal, age_s=age_s), {}
            items = codec.decode(payload, port)
            return to_readings(items, name, tally, received=signal, age_s=age_s), take_replay(codec)
        if payload:
            tally.add("mac_commands", f"{name}: {len(payload)} bytes for the network server itself")
        elif not signal:
            tally.add("empty_payload", name)
        return (self.status(name, signal, age_s, tally) if signal else []), {}

    def status(self, name: str, values: dict[str, float], age_s: float, tally: Tally) -> list[Reading]:
        """A status of a device that the network server knows."""
        return to_readings([Decoded(Kind.DEVICE_STATUS, values)], name, tally, age_s=age_s)

    def position(
        self, name: str, latitude: float, longitude: float, rest: dict[str, float], age_s: float, tally: Tally
    ) -> list[Reading]:
        """A position that the network server worked out. Reasons: see `position_of`."""
        return to_readings(position_of(name, latitude, longitude, rest, tally), name, tally, age_s=age_s)


def position_of(name: str, latitude: float, longitude: float, rest: Mapping[str, float], tally: Tally) -> list[Decoded]:
    """A position as somebody else told it: whole, or none. rest: altitude_metres, horizontal_error_metres.

    Reasons: no_fix (latitude and longitude 0), out_of_range.
    """
    if not latitude and not longitude:
        tally.add("no_fix", f"{name}: latitude and longitude 0")
        return []
    fix = {"latitude_degrees": latitude, "longitude_degrees": longitude}
    for quantity, value in fix.items():
        known = QUANTITIES[quantity]
        if not known.minimum <= value <= known.maximum:  # also for NaN
            tally.add("out_of_range", f"{name}: {quantity} = {value!r}")
            return []
    return [Decoded(Kind.POSITION, {**fix, **rest})]


class DownlinkTargets:
    """The devices of a network server that something may be said to. devices: name and id of each."""

    def __init__(self, devices: Iterable[tuple[str, str]]) -> None:
        self._ids: dict[str, str] = {}
        for name, device_id in devices:
            self._ids |= {device_id: device_id, name: device_id}

    def of(self, downlink: Downlink) -> str:
        """The id of the device that is meant, by its name or its id. Raises DownlinkError: unknown_device, and those of
        `check_downlink`."""
        device = self._ids.get(downlink.device) or self._ids.get(downlink.device.lower())
        if device is None:
            raise DownlinkError("unknown_device", f"{downlink.device!r} is no device of this source")
        check_downlink(downlink.payload, downlink.port)
        return device


def check_downlink(payload: bytes, port: int) -> None:
    """Raises DownlinkError: empty, too_long, bad_port."""
    if not payload:
        raise DownlinkError("empty", "a LoRaWAN downlink carries bytes; text is for radios that carry words")
    if len(payload) > MAX_DOWNLINK_BYTES:
        raise DownlinkError("too_long", f"{len(payload)} bytes; a LoRaWAN downlink has at most {MAX_DOWNLINK_BYTES}")
    if port not in _PORTS:
        raise DownlinkError("bad_port", f"port {port}; for applications there are 1 to 223")
