"""The packet forwarders that send to this post: who they are, what they may, and by which of them a packet is sent."""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from firmware_bridge.delivery import SensorName
from firmware_bridge.links.lora_modem import BANDS_HZ, Band
from firmware_bridge.links.udp_link import Peer
from firmware_bridge.lorawan.packet_forwarder import Stat, Transmission, read_tx_ack
from firmware_bridge.readings import DownlinkError, Rejected

ROUTE_LASTS_S: Final = 120.0
TX_ACK_WITHIN_S: Final = 10.0
MAX_FORWARDERS: Final = 64
BURST_S: Final = 10.0
_MAX_SENT: Final = 64


class Gateway(BaseModel):
    """A packet forwarder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, AfterValidator(str.lower)] = Field(
        pattern=r"^[0-9a-fA-F]{16}$", description="Its EUI (gateway_ID in its configuration): 16 hex digits, in quotes."
    )
    name: SensorName = Field(description="Name under which its own state is stored: 1 to 32 bytes.")


class Transmit(BaseModel):
    """How downlinks are sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    band: Band = Field(description="Band plan that the law of the place allows; the frequency must lie within it.")
    frequency_hz: int = Field(ge=137_000_000, le=1_020_000_000, description="Centre frequency in hertz.")
    spreading_factor: int = Field(default=9, ge=7, le=12, description="Spreading factor, 7 to 12.")
    bandwidth_khz: Literal[125, 250, 500] = Field(default=125, description="Bandwidth in kilohertz: 125, 250 or 500.")
    coding_rate: Literal["4/5", "4/6", "4/7", "4/8"] = Field(default="4/5", description="Forward error correction.")
    power_dbm: int = Field(default=14, ge=0, le=30, description="Power in dBm, as the concentrator is calibrated.")
    rf_chain: int = Field(default=0, ge=0, le=1, description="Radio of the concentrator that sends: 0 or 1.")
    inverted: bool = Field(
        default=False, description="Inverted polarity, as LoRaWAN downlinks have; plain LoRa: false."
    )

    @model_validator(mode="after")
    def _within_band(self) -> Self:
        low, high = BANDS_HZ[self.band]
        if not low <= self.frequency_hz <= high:
            raise ValueError(f"{self.frequency_hz} Hz is not in the band {self.band} ({low} to {high} Hz)")
        return self

    def transmission(self) -> Transmission:
        """The same for the datagram."""
        return Transmission(**self.model_dump(exclude={"band"}))


class Forwarder:
    """What is known of one. peer: where it asked from last, None if it never did."""

    def __init__(self, name: str, now: float, rate: float) -> None:
        self.name = name
        self.version = 0
        self.peer: Peer | None = None
        self.pulled_at = 0.0
        self._rate = rate
        self._allowed = self._burst = max(1.0, rate * BURST_S)
        self._counted_at = now
        self._stat_at: float | None = None
        self._heard = self._valid = 0

    def admit(self, now: float) -> bool:
        """Whether it may say one more: ten seconds' worth at once, then so many a second."""
        self._allowed = min(self._burst, self._allowed + (now - self._counted_at) * self._rate)
        self._counted_at = now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True

    def state(self, stat: Stat, now: float, every_s: float) -> dict[str, float]:
        """The values of a status, its counts summed since the last one; none if the last one is too young."""
        self._heard += max(0, stat.rxnb or 0)
        self._valid += max(0, stat.rxok or 0)
        if self._stat_at is not None and now - self._stat_at < every_s:
            return {}
        self._stat_at = now
        values: dict[str, float] = {"frames_heard_count": self._heard, "frames_valid_count": self._valid}
        self._heard = self._valid = 0
        if stat.ackr is not None:
            values["acknowledged_ratio"] = stat.ackr / 100
        if stat.temp is not None:
            values["device_temperature_celsius"] = stat.temp
        return values


class Forwarders:
    """All of them; for several threads. names: of those that are known; if there are none, any is let in, the 64 last
    heard are remembered. devices: ids of the sensors that may be spoken to."""

    def __init__(
        self,
        names: Mapping[str, str],
        devices: frozenset[str],
        rate: float,
        random_bytes: Callable[[int], bytes] = random.randbytes,
    ) -> None:
        self._names = names
        self._devices = devices
        self._rate = rate
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Forwarder] = OrderedDict()
        self._heard_by: dict[str, str] = {}
        self._sent: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def admit(self, eui: str, now: float) -> Forwarder | Rejected:
        """One that said something. Reasons: unknown_gateway, rate_exceeded."""
        with self._lock:
            if self._names and eui not in self._names:
                return Rejected("unknown_gateway", 1, f"packet forwarder {eui} is not in the settings")
            forwarder = self._known.get(eui)
            if forwarder is None:
                forwarder = self._known[eui] = Forwarder(self._names.get(eui, eui), now, self._rate)
                if len(self._known) > MAX_FORWARDERS:
                    self._known.popitem(last=False)
            self._known.move_to_end(eui)
            if not forwarder.admit(now):
                return Rejected("rate_exceeded", 1, f"{forwarder.name}: more than {self._rate:g} datagrams a second")
            return forwarder

    def pulled(self, forwarder: Forwarder, version: int, peer: Peer, now: float) -> None:
        """It asked for packets to send."""
        with self._lock:
            forwarder.version, forwarder.peer, forwarder.pulled_at = version, peer, now

    def heard(self, device: str, eui: str) -> None:
        """It is the last that heard a sensor."""
        with self._lock:
            self._heard_by[device] = eui

    def route(self, device: str, now: float) -> tuple[int, bytes, Peer]:
        """Protocol version, token and address to send a packet with: of the concentrator with that EUI, or for a
        sensor, of the one that heard it last, or else of the one that asked last.

        Raises DownlinkError: unknown_device, no_route (it, or none, has asked within two minutes).
        """
        with self._lock:
            open_ones = {
                eui: one for eui, one in self._known.items() if now - one.pulled_at < ROUTE_LASTS_S and one.peer
            }
            if device in self._known or device in self._names:
                forwarder = open_ones.get(device)
            elif device in self._devices:
                latest = max(open_ones.values(), key=lambda one: one.pulled_at, default=None)
                forwarder = open_ones.get(self._heard_by.get(device, ""), latest)
            else:
                raise DownlinkError("unknown_device", f"{device!r} is no sensor and no concentrator of this source")
            if forwarder is None or forwarder.peer is None:
                raise DownlinkError("no_route", "no concentrator has asked for packets to send in the last two minutes")
            token = bytes(2)
            if forwarder.version > 1:  # version 1 has no TX_ACK, and no use for a token
                token = self._random_bytes(2)
                self._sent[token] = (now, forwarder.name)
                self._sent.move_to_end(token)
                if len(self._sent) > _MAX_SENT:
                    self._sent.popitem(last=False)
            return forwarder.version, token, forwarder.peer

    def sent(self, forwarder: Forwarder, token: bytes, body: bytes) -> list[Rejected]:
        """It answers a packet. Reasons: unknown_token (never asked, or too late), and those of `read_tx_ack`."""
        with self._lock:
            known = self._sent.pop(token, None)
        if known is None:
            return [Rejected("unknown_token", 1, f"{forwarder.name} answers what was not asked, or too late")]
        refused = read_tx_ack(body)
        return [] if refused is None else [Rejected(refused.reason, 1, f"{forwarder.name}: {refused.detail}")]

    def expired(self, now: float) -> list[Rejected]:
        """Packets that were never answered. Reason: tx_unacknowledged."""
        late = []
        with self._lock:
            while self._sent and now - next(iter(self._sent.values()))[0] > TX_ACK_WITHIN_S:
                late.append(Rejected("tx_unacknowledged", 1, self._sent.popitem(last=False)[1][1]))
        return late
