"""Meshtastic radio: a node of the mesh on USB, on a UART or in the network; hears patrol radios and speaks to them.

Device          any radio with Meshtastic firmware 2.x (LilyGO, Heltec, RAK WisBlock, Seeed, ...)
Specification   meshtastic.org, "Client API (Serial/TCP/BLE)"; github.com/meshtastic/protobufs: mesh.proto,
                telemetry.proto, portnums.proto, channel.proto
Link            serial, 8N1, no flow control, 115200 baud; or TCP, port 4403. The host asks first (want_config_id) and
                says every minute that it is there (heartbeat)

Data layout     one letter a nibble; length big-endian, what is within protobuf (little-endian)

    frame           94 C3 LLLL  message, FromRadio or ToRadio

    L  16  length       0 to 512; more is no frame
    FromRadio           packet 2, my_info 3, node_info 4, config_complete_id 7, rebooted 8, channel 10
    packet              from 1 (fixed32), channel 3, decoded 4, encrypted 5, id 6 (fixed32), rx_time 7 (fixed32, s),
                        rx_snr 8 (float, dB), rx_rssi 12 (int32, dBm)
    decoded             portnum 1: text 1, position 3, node info 4, routing 5, detection sensor 10, alert 11,
                        telemetry 67; payload 2; request_id 6 (fixed32)
    position            latitude 1, longitude 2 (sfixed32, 1e-7 degree), altitude 3 (int32, m), time 4, timestamp 7,
                        PDOP 11 (1/100), gps_accuracy 14 (mm), precision_bits 23; 0, 0 = absent
    telemetry           time 1 (fixed32); device metrics 2: battery 1 (%, 101 = external power), volts 2 (float, 0 =
                        absent), channel use 3 (%), uptime 5 (s); environment 3: temperature 1 (Celsius), humidity 2
                        (%), pressure 3 (hPa), distance 8 (mm), lux 9, wind direction 13 (degrees), wind speed 14 (m/s)

Integrity       none on the wire (the radio has checked what came by air); a message must be sound protobuf with the
                right wire types; duplicates by (from, id); range
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from firmware_bridge.delivery import ReplayState, Source, SourceSettings
from firmware_bridge.framing.our_frames import check_all_different
from firmware_bridge.links.mesh_source import MeshSource
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.links.tcp_link import TcpLink
from firmware_bridge.meshtastic import fields
from firmware_bridge.meshtastic.decoder import MeshDecoder
from firmware_bridge.meshtastic.nodes import MeshNode
from firmware_bridge.meshtastic.session import MeshSession

QUANTITIES: Final = fields.QUANTITIES
SAMPLE: Final = """\
driver = "meshtastic_radio"
name = "malla"
port = "/dev/serial/by-id/usb-1a86_USB_Single_Serial_0001-if00"

[[devices]]
id = "!a1b2c3d4"
name = "patrulla-1"

[[devices]]
id = "!0badcafe"
name = "repetidor-cerro"
"""


class Settings(SourceSettings):
    """A radio of a Meshtastic mesh."""

    driver: Literal["meshtastic_radio"] = Field(
        description="meshtastic_radio: a radio of a Meshtastic mesh, on a serial port or in the network."
    )
    port: str = Field(
        default="",
        description="Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in. "
        "Empty: it is in the network.",
    )
    baud: int = Field(default=115200, ge=300, le=4_000_000, description="Speed of the serial line in baud.")
    host: str = Field(
        default="", max_length=253, description="Its IP address or name, for a radio in the network. Empty: serial."
    )
    tcp_port: int = Field(default=4403, ge=1, le=65535, description="Its TCP port.")
    hops: int = Field(
        default=3,
        ge=0,
        le=7,
        description="How many radios may pass a text of ours on; 0 reaches only those in earshot.",
    )
    devices: list[MeshNode] = Field(
        default=[],
        max_length=4096,
        description="The radios whose telemetry and positions are kept; those of others are counted. Texts are taken "
        "from all.",
    )

    @model_validator(mode="after")
    def _one_link(self) -> Self:
        if bool(self.port) == bool(self.host):
            raise ValueError("a radio is on a serial port or in the network: say either port or host")
        check_all_different(self.devices)
        return self


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> MeshDecoder:
    """See `Driver.new_decoder`."""
    return MeshDecoder(settings.name, settings.devices)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    if settings.host:
        link: SerialLink | TcpLink = TcpLink(settings.host, settings.tcp_port, name=settings.name)
    else:
        link = SerialLink(settings.port, settings.baud, name=settings.name)
    session = MeshSession(settings.name, new_decoder(settings, replay), settings.devices, settings.hops)
    return MeshSource(settings.name, link, session)
