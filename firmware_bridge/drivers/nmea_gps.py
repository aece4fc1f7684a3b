"""Any GPS that speaks NMEA 0183: the position of the post, and the time for a machine without a clock battery.

Device          u-blox, Quectel, MediaTek, SiRF, Allystar and other receivers on USB or a UART
Specification   NMEA 0183 / IEC 61162-1 as in the makers' manuals: u-blox "Receiver Description including Protocol
                Specification", NMEA Protocol (RMC, GGA, GSA); Garmin GPS 19x technical specifications, chapter 4
Link            serial, 9600 baud (some newer 38400 or 115200), 8N1, no flow control; the receiver only talks

Data layout     text lines, $ ... *hh CR LF; hh: exclusive or of all between $ and *; tt: talker GP GN GL GA BD GB GQ GI

    $ttRMC,hhmmss.ss,s,ddmm.mmmm,N,dddmm.mmmm,E,knots,course,ddmmyy,,,m      s: A valid, V none; m: mode
    $ttGGA,hhmmss.ss,ddmm.mmmm,N,dddmm.mmmm,E,q,satellites,HDOP,altitude,M,..   q: 0 none, 1 to 5 true fixes
    $ttGSA,A,d,...                                                           d: 1 none, 2 no altitude, 3 full fix

    RMC and GGA of one second are put together; a receiver that sends only one of them is understood too. Modes and
    qualities that are reckoned, entered by hand or simulated (E 6, M 7, S 8) are refused: not_measured. The
    navigational status at the end of an RMC is not looked at: many good receivers always say V there.

Integrity       checksum, fields in range; a date before 2020 is a receiver whose 1024-week count has rolled over
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from pydantic import Field

from firmware_bridge.delivery import (
    SENSOR_NAME,
    Claim,
    Decoder,
    Delivery,
    ReplayState,
    SensorName,
    Source,
    SourceSettings,
    Tally,
)
from firmware_bridge.framing.text_lines import LineSplitter
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.links.serial_source import SerialSource
from firmware_bridge.payloads.hand_over import to_readings
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import Kind, Reading, Rejected

QUANTITIES: Final = frozenset({"latitude_degrees", "longitude_degrees", "altitude_metres", "horizontal_error_metres"})
SAMPLE: Final = """\
driver = "nmea_gps"
name = "gps"
port = "/dev/serial/by-id/usb-u-blox_GNSS_receiver-if00"
sensor = "gps-puesto"
every_s = 3600
"""

MAX_SENTENCE_BYTES: Final = 160
"""82 by the standard; receivers go beyond it."""
FIRST_YEAR: Final = 2020
_TALKERS: Final = frozenset({b"GP", b"GN", b"GL", b"GA", b"BD", b"GB", b"GQ", b"GI"})
_SENTENCE: Final = re.compile(rb"\$([\x20-\x7e]{4,})\*([0-9A-Fa-f]{2})")
_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(?:\.(\d{1,3})\d*)?")
_DATE: Final = re.compile(r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])(\d\d)")
_ANGLE: Final = re.compile(r"(\d{2,3})([0-5]\d(?:\.\d{1,10})?)")
_NUMBER: Final = re.compile(r"-?\d{1,6}(?:\.\d{1,6})?")
_MEASURED_QUALITIES: Final = frozenset("12345")
_NOT_MEASURED_MODES: Final = frozenset("EMS")
_DAY_S: Final = 86_400.0
_EARTH_M: Final = 6_371_009.0


class Settings(SourceSettings):
    """A GPS at the post."""

    driver: Literal["nmea_gps"] = Field(description="nmea_gps: any GPS receiver that speaks NMEA 0183.")
    port: str = Field(
        min_length=1,
        description="Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in.",
    )
    baud: int = Field(default=9600, ge=300, le=4_000_000, description="Speed of the line in baud.")
    sensor: SensorName = Field(default="gps", description="Name of the sensor in everything that is stored.")
    every_s: int = Field(
        default=3600, ge=1, le=43_200, description="How often the position is told, in seconds, up to half a day."
    )
    moved_metres: float = Field(
        default=100.0, ge=1, le=100_000, description="It is told at once when it is so far from the last one told."
    )
    error_per_hdop_metres: float = Field(
        default=5.0, gt=0, le=100, description="Horizontal error of the receiver at an HDOP of 1, in metres."
    )

    def claims(self) -> Iterator[Claim]:
        """See `SourceSettings.claims`."""
        yield from super().claims()
        yield Claim(("sensor",), SENSOR_NAME, self.sensor)


class _Fix(NamedTuple):
    """One moment's position. time_s: of the day, UTC."""

    time_s: float
    latitude: float
    longitude: float
    altitude: float | None = None
    hdop: float | None = None


def _what_else(line: bytes) -> str:
    """Why a line is no sentence. Most bytes of a line that is read at another speed are none of ASCII's letters."""
    if 2 * sum(0x20 <= byte < 0x7F for byte in line) < len(line):
        return "unreadable_line"
    return "bad_sentence" if line.startswith(b"$") else "other_text"


class NmeaGpsDecoder:
    """A `Decoder`. The interval runs by the time that the receiver tells.

    Reasons: no_fix (an RMC or GGA without one), bad_checksum, bad_sentence, not_measured, week_rollover (the position
    is kept, its time is not), other_text, unreadable_line (hardly a letter in it: another speed), overlong_bytes.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lines = LineSplitter(MAX_SENTENCE_BYTES)
        self._rmc: _Fix | None = None
        self._gga: _Fix | None = None
        self._has_rmc = False
        self._flat = False  # two-dimensional fix
        self._told: _Fix | None = None

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        tally = Tally()
        readings: list[Reading] = []
        utc_ms: int | None = None
        for line in self._lines.feed(chunk):
            if isinstance(line, Rejected):
                tally.add(line.reason, line.detail, line.count)
                continue
            found = _SENTENCE.fullmatch(line)
            if found is None:
                tally.add(_what_else(line), repr(line[:60]))
            elif _checksum(found[1]) != int(found[2], 16):
                tally.add("bad_checksum", repr(line[:60]))
            elif found[1][:2] in _TALKERS:
                try:
                    heard = self._take(found[1][2:5], found[1].decode("ascii").split(","), tally, readings)
                except ValueError as wrong:
                    tally.add("bad_sentence", f"{wrong}: {line[:60]!r}")
                else:
                    utc_ms = utc_ms if heard is None else heard
        rejected = tally.items()
        if not readings and not rejected and utc_ms is None:
            return None
        return Delivery(self._settings.name, readings, rejected, {}, gps_utc_ms=utc_ms)

    def _take(self, kind: bytes, fields: list[str], tally: Tally, readings: list[Reading]) -> int | None:
        """One sentence; the UTC that it tells, if any. Raises ValueError for one that cannot be."""
        if kind == b"GSA":
            self._flat = fields[2] == "2" if len(fields) > 2 else False
        elif kind == b"RMC":
            self._has_rmc = True
            return self._take_rmc(_need(fields, 10), tally, readings)
        elif kind == b"GGA":
            self._take_gga(_need(fields, 11), tally, readings)
        return None

    def _take_rmc(self, fields: list[str], tally: Tally, readings: list[Reading]) -> int | None:
        mode = fields[12] if len(fields) > 12 else "A"
        if fields[2] != "A" or mode == "N":
            tally.add("no_fix", "RMC")
            return None
        if mode in _NOT_MEASURED_MODES:
            tally.add("not_measured", f"RMC in mode {mode}")
            return None
        time_s = _time_of_day(fields[1])
        fix = _Fix(time_s, _angle(fields[3], fields[4], "NS"), _angle(fields[5], fields[6], "EW"))
        self._pair(self._gga, self._rmc, fix, tally, readings)
        self._rmc = fix
        return _utc_ms(fields[9], time_s, tally)

    def _take_gga(self, fields: list[str], tally: Tally, readings: list[Reading]) -> None:
        if fields[6] == "0":
            if not self._has_rmc:
                tally.add("no_fix", "GGA")
            return
        if fields[6] not in _MEASURED_QUALITIES:
            tally.add("not_measured", f"GGA of quality {fields[6]}")
            return
        fix = _Fix(
            _time_of_day(fields[1]),
            _angle(fields[2], fields[3], "NS"),
            _angle(fields[4], fields[5], "EW"),
            _number(fields[9]) if fields[10] == "M" else None,
            _number(fields[8]),
        )
        self._pair(self._rmc, self._gga, fix, tally, readings)
        self._gga = fix

    def _pair(self, other: _Fix | None, before: _Fix | None, fix: _Fix, tally: Tally, readings: list[Reading]) -> None:
        """Tell the fix if the other sentence of its moment is here; or the one before, whose other never came."""
        if other is not None and other.time_s == fix.time_s:
            self._consider(fix if fix.hdop is not None or fix.altitude is not None else other, tally, readings)
        elif before is not None and (other is None or other.time_s != before.time_s):
            self._consider(before, tally, readings)

    def _consider(self, fix: _Fix, tally: Tally, readings: list[Reading]) -> None:
        """Tell a fix if it is time to, or if it is elsewhere."""
        settings, told = self._settings, self._told
        error = None if fix.hdop is None else fix.hdop * settings.error_per_hdop_metres
        if told is not None:
            moved = _metres_between(told, fix) > max(settings.moved_metres, 2 * (error or 0.0))
            if not moved and (fix.time_s - told.time_s) % _DAY_S < settings.every_s:
                return
        values = {"latitude_degrees": fix.latitude, "longitude_degrees": fix.longitude}
        if fix.altitude is not None and not self._flat:
            values["altitude_metres"] = fix.altitude
        if error is not None:
            values["horizontal_error_metres"] = error
        readings += to_readings([Decoded(Kind.POSITION, values)], settings.sensor, tally)
        self._told = fix


def _need(fields: list[str], count: int) -> list[str]:
    if len(fields) < count:
        raise ValueError(f"{len(fields)} fields")
    return fields


def _checksum(text: bytes) -> int:
    total = 0
    for byte in text:
        total ^= byte
    return total


def _time_of_day(text: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) + int((found[4] or "0").ljust(3, "0")) / 1000


def _utc_ms(text: str, time_s: float, tally: Tally) -> int | None:
    """Unix time in milliseconds of a date ddmmyy and a time of the day; None for one that cannot be believed."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no date")
    year = int(found[3])
    day = datetime(year + (1900 if year >= 80 else 2000), int(found[2]), int(found[1]), tzinfo=UTC)
    if day.year < FIRST_YEAR:
        tally.add("week_rollover", f"the receiver says {day:%Y-%m-%d}")
        return None
    return round((day.timestamp() + time_s) * 1000)


def _angle(text: str, side: str, sides: str) -> float:
    """Degrees of ddmm.mmmm and a side."""
    found = _ANGLE.fullmatch(text)
    if found is None or side not in sides or len(side) != 1 or len(found[1]) != (2 if sides == "NS" else 3):
        raise ValueError(f"{text!r} {side!r} is no angle")
    angle = int(found[1]) + float(found[2]) / 60
    if angle > (90 if sides == "NS" else 180):
        raise ValueError(f"{text!r} is beyond the globe")
    return round(angle if side == sides[0] else -angle, 7)


def _number(text: str) -> float | None:
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no number")
    return float(text)


def _metres_between(one: _Fix, other: _Fix) -> float:
    """Distance on a sphere, good enough to see whether something has moved."""
    north = math.radians(other.latitude - one.latitude)
    east = math.radians((other.longitude - one.longitude + 180) % 360 - 180) * math.cos(math.radians(one.latitude))
    return _EARTH_M * math.hypot(north, east)


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> Decoder:
    """See `Driver.new_decoder`."""
    return NmeaGpsDecoder(settings)


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`."""
    link = SerialLink(settings.port, settings.baud, name=settings.name)
    return SerialSource(settings.name, link, lambda: new_decoder(settings, replay), end=b"\n")
