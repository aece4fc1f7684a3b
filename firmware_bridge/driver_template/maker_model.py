"""Maker Model: a weather stick that writes a line of text a minute. Say here, in one line, what yours is.

Device          who makes it, which versions of hardware and firmware this was tried with
Specification   the maker's document, its version and page: where everything below comes from
Link            serial, 9600 baud, 8N1, no flow control; the device only talks
Data layout     text lines of fields and a checksum, ended by CR LF

    T=27.4;H=81;B=3.98;A=5*1B

    T   temperature      degrees Celsius; "-" = the probe is not connected
    H   humidity         percent, 0 to 100; "-" likewise
    B   battery          volts
    A   age              seconds since it was measured; left out = now
    *1B                  exclusive or of all bytes before the asterisk, two hex digits

Integrity       checksum; the range of each quantity
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from firmware_bridge.delivery import Delivery, ReplayState, SensorName, Source, SourceSettings, Tally
from firmware_bridge.framing.text_lines import LineSplitter
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.links.serial_source import SerialSource
from firmware_bridge.payloads.hand_over import to_readings
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import Absence, Kind, Rejected

# Names of the catalogue (deploy/reference/quantities.md). A reading may have these and no others.
QUANTITIES: Final = frozenset({"temperature_celsius", "humidity_ratio", "battery_volts"})
# What `vigia sensors sample` prints. A path under /dev/serial/by-id stays the same whatever else is plugged in.
SAMPLE: Final = """\
driver = "maker_model"
name = "clima"
port = "/dev/serial/by-id/usb-Maker_Model_0001-if00-port0"
sensor = "clima-maloca"
"""

# The longest line that the device can write, with some room: what is longer is noise, and is not kept in memory.
MAX_LINE_BYTES: Final = 80
_LINE: Final = re.compile(rb"([A-Z]=[^;*]{1,12}(?:;[A-Z]=[^;*]{1,12})*)\*([0-9A-F]{2})")
_NUMBER: Final = re.compile(r"-?\d{1,6}(?:\.\d{1,3})?")
_AGE: Final = "A"
_ABSENT: Final = "-"
# Field of the device to quantity, and what its number is multiplied by to be in the quantity's unit.
_FIELDS: Final = {"T": ("temperature_celsius", 1.0), "H": ("humidity_ratio", 0.01), "B": ("battery_volts", 1.0)}


class Settings(SourceSettings):
    """One weather stick on a serial line. Every field has a description: it is the help that people see."""

    driver: Literal["maker_model"] = Field(description="maker_model: the weather stick Model by Maker.")
    port: str = Field(
        min_length=1,
        description="Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in.",
    )
    baud: int = Field(default=9600, ge=300, le=4_000_000, description="Speed of the line in baud.")
    sensor: SensorName = Field(description="Name of the sensor in everything that is stored: 1 to 32 bytes.")


class MakerModelDecoder:
    """A `Decoder`: bytes in, readings or reasons out. It opens nothing, reads no clock, and never raises.

    Reasons: overlong_bytes, bad_line, bad_checksum, bad_value, no_values, and those of `to_readings`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lines = LineSplitter(MAX_LINE_BYTES)

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`. A chunk may end in the middle of a line: the splitter keeps what is not complete."""
        tally = Tally()
        told: list[Decoded | Rejected] = []
        for line in self._lines.feed(chunk):
            told.append(line if isinstance(line, Rejected) else decode_line(line))
        # Checks names and ranges, takes out what may not enter, and counts it.
        readings = to_readings(told, self._settings.sensor, tally)
        rejected = tally.items()
        if not readings and not rejected:
            return None
        return Delivery(self._settings.name, readings, rejected, {})


def decode_line(line: bytes) -> Decoded | Rejected:
    """What a line tells. A reason is a counter's name, at most 32 of a-z, 0-9 and _; the detail is for the log."""
    found = _LINE.fullmatch(line)
    if found is None:
        return Rejected("bad_line", 1, repr(line[:60]))
    if checksum(found[1]) != int(found[2], 16):
        return Rejected("bad_checksum", 1, repr(line[:60]))
    values: dict[str, float] = {}
    absent: list[Absence] = []
    unknown: list[str] = []
    age_s = 0.0
    for field in found[1].decode("latin-1").split(";"):
        name, _, text = field.partition("=")
        if name in _FIELDS and text == _ABSENT:
            absent.append(Absence(_FIELDS[name][0], "sentinel"))  # absent is a reason, never a number
        elif name not in _FIELDS and name != _AGE:
            unknown.append(name)  # counted as unmapped_<name>: newer firmware is seen, not lost in silence
        elif _NUMBER.fullmatch(text) is None:
            return Rejected("bad_value", 1, repr(line[:60]))
        elif name == _AGE:
            age_s = float(text)
        else:
            quantity, factor = _FIELDS[name]
            values[quantity] = float(text) * factor
    return Decoded(Kind.ENVIRONMENT, values, absent=tuple(absent), unknown=tuple(unknown), age_s=age_s)


def checksum(content: bytes) -> int:
    """Exclusive or of all bytes."""
    total = 0
    for byte in content:
        total ^= byte
    return total


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> MakerModelDecoder:
    """See `Driver.new_decoder`. replay: for drivers that refuse what they heard before; here is no counter."""
    return MakerModelDecoder(settings)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`. Nothing is opened before it runs. Other links are in firmware_bridge/links."""
    link = SerialLink(settings.port, settings.baud, name=settings.name)
    return SerialSource(settings.name, link, lambda: new_decoder(settings, replay), end=b"\n")
