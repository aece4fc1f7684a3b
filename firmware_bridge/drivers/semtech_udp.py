"""Semtech UDP packet forwarder: plain LoRa packets, by way of a multi-channel concentrator, no network server between.

Device          SX1301, SX1302 and SX1308 concentrators (RAK, Seeed, Dragino, Kerlink, ...) with Semtech's packet
                forwarder or one that speaks its protocol; behind them our sensors, and others that send plain LoRa
Specification   Semtech (Lora-net/packet_forwarder), PROTOCOL.TXT, version 1.4; protocol versions 1 and 2
Link            UDP, port 1700; this end is the server; nothing is authenticated: only on a network of one's own

Data layout     see firmware_bridge/lorawan/packet_forwarder.py

    rxpk  data (base64), size, stat (CRC), rssi or rssis, lsnr, rsig (by antenna), time
          a frame of our own, or a payload of a declared device, or of the default one: a reading
          a LoRaWAN frame: counted; only a network server can read it (see chirpstack_v4)
    stat  rxnb, rxok, ackr, temp, lati, long, alti
          device_status of the concentrator, and its position, once in status_every_s
    txpk  what `say` sends by way of the concentrator that last heard the device

Integrity       the radio's CRC; the size told; our own frames are authenticated; a packet that several concentrators
                heard, or one heard on two channels, is one
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Annotated, Final, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from firmware_bridge.commands.voice import Said, Voice
from firmware_bridge.delivery import Claim, Delivery, ReplayState, SensorAnswer, Source, SourceSettings, Tally
from firmware_bridge.framing.our_frames import check_all_different
from firmware_bridge.links.modem_dialect import Packet
from firmware_bridge.links.udp_link import Peer, UdpLink
from firmware_bridge.links.udp_source import UdpSource
from firmware_bridge.lorawan.devices import position_of
from firmware_bridge.lorawan.forwarders import MAX_FORWARDERS, Forwarder, Forwarders, Gateway, Transmit
from firmware_bridge.lorawan.packet_forwarder import (
    MAX_DATAGRAM_BYTES,
    Heard,
    Kind,
    Stat,
    open_datagram,
    pull_resp,
    read_push,
)
from firmware_bridge.lorawan.server_times import age_s, epoch_seconds
from firmware_bridge.payloads.hand_over import MAX_AGE_S, to_readings
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.radio_packets import PacketReader, RadioDevices
from firmware_bridge.readings import DEVICE_QUANTITIES, Downlink, DownlinkError, Reading, Rejected
from firmware_bridge.readings import Kind as ReadingKind

log = logging.getLogger(__name__)

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "semtech_udp"
name = "concentrador"
listen_address = "127.0.0.1"

[[gateways]]
id = "0016c001f153a14c"
name = "techo"

[transmit]
band = "au915"
frequency_hz = 923_300_000
spreading_factor = 10

[[devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "/etc/vigia/keys/00a1b2c3.key"
"""

SAME_PACKET_S: Final = 1.0
_MAX_RECENT: Final = 1024
_MAX_LORA_BYTES: Final = 255
_OURS: Final = 0x10


class Settings(SourceSettings, RadioDevices):
    """Packet forwarders that send to this post."""

    driver: Literal["semtech_udp"] = Field(description="semtech_udp: concentrators with Semtech's packet forwarder.")
    listen_address: Annotated[str, AfterValidator(lambda told: str(ip_address(told)))] = Field(
        default="127.0.0.1",
        description="Address of this machine to listen at: 127.0.0.1 for a concentrator on this machine only, 0.0.0.0 "
        "for any in the network.",
    )
    listen_port: int = Field(default=1700, ge=1, le=65535, description="UDP port to listen at; usually 1700.")
    gateways: list[Gateway] = Field(
        default=[],
        max_length=MAX_FORWARDERS,
        description="Packet forwarders that are listened to; datagrams of others are counted. Empty: any, each named "
        "by its EUI.",
    )
    status_every_s: float = Field(
        default=600.0, ge=0, le=86_400, description="Seconds between readings of the state of each packet forwarder."
    )
    max_per_second: float = Field(
        default=50.0, gt=0, le=10_000, description="Most datagrams a second of one packet forwarder, on average."
    )
    transmit: Transmit | None = Field(default=None, description="How downlinks are sent. Not given: none are.")

    def claims(self) -> Iterator[Claim]:
        """See `SourceSettings.claims`. At whatever addresses: 0.0.0.0 is each of them."""
        yield from super().claims()
        yield Claim(("listen_port",), "listens at UDP port", str(self.listen_port))

    @model_validator(mode="after")
    def _all_names_different(self) -> Self:
        check_all_different(self.gateways)
        check_all_different([*self.gateways, *self.devices], what=("name",))
        return self


class SemtechServer:
    """A `Decoder` of datagrams and a `DatagramServer`. Reads key and layout files when it is made.

    Reasons beside those of `packet_forwarder`, `Forwarders`, the framing and the codecs: duplicate, lorawan_frame,
    no_crc (of a packet that is not our own), no_fix, implausible_time.
    """

    def __init__(
        self,
        settings: Settings,
        replay: Mapping[str, ReplayState],
        voice: Voice | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._voice = settings.voice() if voice is None else voice
        self._reader = PacketReader(settings.name, settings.devices, settings.default, replay, self._voice.hear)
        self._addresses = {device.name: device.id for device in settings.devices}
        if settings.default is not None:
            self._addresses[settings.default.name] = settings.default.name  # it has no id, but is heard by somebody
        self._forwarders = Forwarders(
            {gateway.id: gateway.name for gateway in settings.gateways},
            frozenset(self._addresses.values()),
            settings.max_per_second,
        )
        self._wall = wall
        self._clock = clock
        self._answers: list[SensorAnswer] = []
        self._recent: OrderedDict[bytes, float] = OrderedDict()

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`: one datagram."""
        return self.hear(chunk, None)[1]

    def hear(self, datagram: bytes, peer: Peer | None) -> tuple[bytes, Delivery | None]:
        """See `DatagramServer.hear`."""
        tally = Tally()
        opened = open_datagram(datagram)
        now = self._clock()
        if isinstance(opened, Rejected):
            tally.extend([opened])
            return b"", self._delivery([], tally, {})
        forwarder = self._forwarders.admit(opened.eui, now)
        if isinstance(forwarder, Rejected):
            tally.extend([forwarder])
            return b"", self._delivery([], tally, {})
        readings: list[Reading] = []
        replay: dict[str, ReplayState] = {}
        if opened.kind is Kind.PULL_DATA and peer is not None:
            self._forwarders.pulled(forwarder, opened.version, peer, now)
        elif opened.kind is Kind.TX_ACK:
            tally.extend(self._forwarders.sent(forwarder, opened.token, opened.body))
        elif opened.kind is Kind.PUSH_DATA:
            packets, stat = read_push(opened.body)
            readings += self._packets(packets, opened.eui, now, tally, replay)
            if stat is not None:
                readings += self._state(stat, forwarder, now, tally)
        return opened.answer(), self._delivery(readings, tally, replay)

    def rest(self) -> Delivery | None:
        """See `DatagramServer.rest`."""
        tally = Tally()
        tally.extend(self._forwarders.expired(self._clock()))
        return self._delivery([], tally, {})

    def downlink(self, downlink: Downlink) -> tuple[bytes, Peer]:
        """See `DatagramServer.downlink`. device: a sensor's name; or its id or the EUI of a concentrator, see
        `Forwarders.route`, with the packet as it goes on the air for payload.

        Raises DownlinkError: no_transmit, empty, too_long, and those of `Voice.seal` and `Forwarders.route`.
        """
        if self._settings.transmit is not None and self._voice.knows(downlink.device):
            return self._packet_of(self._voice.seal(downlink))
        return self._packet_of(Said(downlink.payload, downlink.device.lower()))

    def repeats(self) -> Iterator[tuple[bytes, Peer]]:
        """See `DatagramServer.repeats`."""
        while (said := self._voice.take()) is not None:
            try:
                yield self._packet_of(said)
            except DownlinkError as trouble:
                log.debug("%s: %s is not told again: %s", self._settings.name, said.device, trouble)

    def _packet_of(self, said: Said) -> tuple[bytes, Peer]:
        how = self._settings.transmit
        if how is None:
            raise DownlinkError("no_transmit", "the settings of this source do not say how to transmit")
        if not 1 <= len(said.content) <= _MAX_LORA_BYTES:
            reason = "too_long" if said.content else "empty"
            raise DownlinkError(reason, f"{len(said.content)} bytes; a LoRa packet has 1 to {_MAX_LORA_BYTES}")
        device = self._addresses.get(said.device) or said.address
        version, token, peer = self._forwarders.route(device, self._clock())
        return pull_resp(version, token, said.content, how.transmission()), peer

    def _packets(
        self, packets: Sequence[Heard | Rejected], eui: str, now: float, tally: Tally, replay: dict[str, ReplayState]
    ) -> list[Reading]:
        """Best heard first, so that of a packet that was heard on two channels the better one is kept."""
        heard = [packet for packet in packets if isinstance(packet, Heard)]
        tally.extend(packet for packet in packets if isinstance(packet, Rejected))
        best: dict[bytes, Heard] = {}
        for packet in heard:
            known = best.get(packet.content)
            if known is None or (packet.snr_decibels or 0.0) > (known.snr_decibels or 0.0):
                best[packet.content] = packet
        if len(best) < len(heard):
            tally.add("duplicate", "heard on several channels", len(heard) - len(best))
        readings = []
        for packet in best.values():
            readings += self._packet(packet, eui, now, tally, replay)
        return readings

    def _packet(
        self, packet: Heard, eui: str, now: float, tally: Tally, replay: dict[str, ReplayState]
    ) -> list[Reading]:
        if self._is_recent(packet.content, now):
            tally.add("duplicate", "heard by several concentrators")
            return []
        if is_lorawan(packet.content):
            tally.add("lorawan_frame", f"{len(packet.content)} bytes, header {packet.content[0]:02x}")
            return []
        if not packet.checked and packet.content[0] != _OURS:
            tally.add("no_crc", f"{len(packet.content)} bytes")
            return []
        delivery = self._reader.read([Packet(packet.content, packet.rssi_dbm, packet.snr_decibels)])
        if delivery is None:
            return []
        self._answers += delivery.answers
        tally.extend(delivery.rejected)
        replay |= delivery.replay
        if not delivery.readings:
            return []
        for reading in delivery.readings:
            if (device := self._addresses.get(reading.sensor)) is not None:
                self._forwarders.heard(device, eui)
        age = age_s(epoch_seconds(packet.time), self._wall())
        if not 0 <= age <= MAX_AGE_S:  # also for NaN
            tally.add("implausible_time", packet.time[:40])
            return delivery.readings  # heard just now: a concentrator's clock may be wrong, its ears are not
        return [_older(reading, age) for reading in delivery.readings]

    def _is_recent(self, content: bytes, now: float) -> bool:
        while self._recent and (
            now - next(iter(self._recent.values())) > SAME_PACKET_S or len(self._recent) > _MAX_RECENT
        ):
            self._recent.popitem(last=False)
        if content in self._recent:
            return True
        self._recent[content] = now
        return False

    def _state(self, stat: Stat, forwarder: Forwarder, now: float, tally: Tally) -> list[Reading]:
        """Its time is left alone: it is told at once, by a clock that may be wrong."""
        values = forwarder.state(stat, now, self._settings.status_every_s)
        if not values:
            return []
        items = [Decoded(ReadingKind.DEVICE_STATUS, values)]
        if stat.lati is not None and stat.long is not None:
            altitude = {"altitude_metres": stat.alti} if stat.alti is not None else {}
            items += position_of(forwarder.name, stat.lati, stat.long, altitude, tally)
        return to_readings(items, forwarder.name, tally)

    def _delivery(self, readings: list[Reading], tally: Tally, replay: dict[str, ReplayState]) -> Delivery | None:
        rejected = tally.items()
        answers, self._answers = self._answers, []
        if not readings and not rejected and not replay and not answers:
            return None
        return Delivery(self._settings.name, readings, rejected, replay, answers=answers)


def is_lorawan(content: bytes) -> bool:
    """Whether a packet has the shape of a LoRaWAN uplink (LoRaWAN specification 1.1, section 4): join request, rejoin
    request, data up."""
    header, size = content[0], len(content)
    if header & 0x1F:
        return False
    kind = header >> 5
    if kind in (0, 6):
        return size == 23 if kind == 0 else size in (19, 24)
    return kind in (2, 4) and size >= 12 and size >= 12 + (content[5] & 0x0F)


def _older(reading: Reading, age: float) -> Reading:
    return msgspec.structs.replace(reading, age_ms=reading.age_ms + round(age * 1000)) if age else reading


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> SemtechServer:
    """See `Driver.new_decoder`."""
    return SemtechServer(settings, replay)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`. It is a `Speaker` too."""
    link = UdpLink(settings.listen_address, settings.listen_port, name=settings.name, max_bytes=MAX_DATAGRAM_BYTES)
    voice = settings.voice()
    return UdpSource(settings.name, link, lambda: SemtechServer(settings, replay, voice), voice.knows)
