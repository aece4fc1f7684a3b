"""What a recorder wrote into its clip: the comment of an AudioMoth, GUANO.

Specification: comments of AudioMoth-Firmware-Basic 1.0 to 1.11, in ICMT and IART
(github.com/OpenAcousticDevices/AudioMoth-Firmware-Basic, setHeaderComment); GUANO 1.0 (guano-md.org), which later
AudioMoth firmware writes too.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from firmware_bridge.media.tiff import clean

_RECORDED: Final = re.compile(
    r"Recorded at (\d{2}):(\d{2}):(\d{2})(?:\.\d{1,3})? (\d{2})/(\d{2})/(\d{4})"
    r"(?: \(UTC(?:([+-])(\d{1,2})(?::(\d{1,2}))?)?\))?"
)
_DEVICE: Final = re.compile(r"\bby (AudioMoth [0-9A-Fa-f]{8,16})\b")
_DEPLOYMENT: Final = re.compile(r"\bduring deployment ([0-9A-Fa-f]{8,16})\b")
_GAIN: Final = re.compile(r"\bat (?:gain setting (\d)|(low-medium|medium-high|low|medium|high) gain)\b")
_BATTERY: Final = re.compile(r"\bbattery (?:state )?was (?:(less than|greater than|<|>) ?)?(\d+(?:\.\d+)?) ?V")
_TEMPERATURE: Final = re.compile(r"\btemperature was (-?\d+(?:\.\d+)?) ?C")
_STOPPED: Final = re.compile(r"Recording (?:stopped|cancelled before completion) (?:due to |by )([a-z -]+?)\.?\s*$")
_THRESHOLD: Final = re.compile(r"\b[Tt]hreshold was (-?\d+(?:\.\d+)?(?: ?dB|%)?)")
_GUANO_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$")


class RecorderNotes(msgspec.Struct, frozen=True):
    """What it says; None or "" for what it does not. taken: in the recorder's zone, offset_minutes from UTC (None: not
    told). battery_bound: "<" or ">" when only that much is said. bad_time: there is a time that cannot be read."""

    taken: dt.datetime | None = None
    offset_minutes: int | None = None
    device: str = ""
    deployment: str = ""
    gain: str = ""
    battery_volts: float | None = None
    battery_bound: str = ""
    temperature_celsius: float | None = None
    stopped_by: str = ""
    threshold: str = ""
    external_microphone: bool = False
    latitude_degrees: float | None = None
    longitude_degrees: float | None = None
    comment: str = ""
    bad_time: bool = False


def read_notes(info: Mapping[str, str], guano: Mapping[str, str]) -> RecorderNotes:
    """The comment, and GUANO for what the comment does not tell. info: LIST/INFO texts by chunk name. Never raises."""
    comment, artist = info.get("ICMT", ""), info.get("IART", "")
    taken, offset, bad_time = _commented_time(comment)
    if taken is None and not bad_time:
        taken, offset, bad_time = _guano_time(guano.get("Timestamp", ""))
    battery, celsius, gain = _BATTERY.search(comment), _TEMPERATURE.search(comment), _GAIN.search(comment)
    bound = (battery[1] or "") if battery else ""
    latitude, longitude = _position(guano.get("Loc Position", ""))
    device = _group(_DEVICE, comment) or (artist if artist.startswith("AudioMoth") else guano.get("Serial", ""))
    return RecorderNotes(
        taken=taken,
        offset_minutes=offset,
        device=clean(device.encode()),
        deployment=_group(_DEPLOYMENT, comment),
        gain=(gain[1] or gain[2]) if gain else "",
        battery_volts=float(battery[2]) if battery else _float(guano.get("OAD|Battery Voltage", "")),
        battery_bound={"less than": "<", "greater than": ">"}.get(bound, bound),
        temperature_celsius=float(celsius[1]) if celsius else _float(guano.get("Temperature Int", "")),
        stopped_by=_group(_STOPPED, comment),
        threshold=_group(_THRESHOLD, comment),
        external_microphone="external microphone" in comment,
        latitude_degrees=latitude,
        longitude_degrees=longitude,
        comment=clean(comment.encode()),
        bad_time=bad_time,
    )


_Told = tuple[dt.datetime | None, int | None, bool]


def _commented_time(comment: str) -> _Told:
    found = _RECORDED.search(comment)
    if found is None:
        return None, None, "Recorded at" in comment
    hour, minute, second, day, month, year = (int(part) for part in found.groups()[:6])
    minutes = int(found[8] or 0) * 60 + int(found[9] or 0)  # no zone at all is firmware 1.0.0, which counts in UTC
    return _moment((year, month, day, hour, minute, second), -minutes if found[7] == "-" else minutes)


def _guano_time(stamp: str) -> _Told:
    found = _GUANO_TIME.match(stamp)
    if found is None:
        return None, None, bool(stamp)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    zone = found[7]
    offset = None if zone is None else 0
    if zone not in (None, "Z"):
        offset = (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    return _moment((year, month, day, hour, minute, second), offset)


def _moment(parts: tuple[int, int, int, int, int, int], offset: int | None) -> _Told:
    if offset is not None and abs(offset) > 14 * 60:
        return None, None, True
    try:
        return dt.datetime(*parts), offset, False  # noqa: DTZ001  # the offset goes beside it
    except ValueError:
        return None, None, True


def _position(text: str) -> tuple[float | None, float | None]:
    """GUANO's `Loc Position`: latitude and longitude, WGS 84."""
    parts = [_float(part) for part in text.split()]
    if len(parts) != 2 or parts[0] is None or parts[1] is None or abs(parts[0]) > 90 or abs(parts[1]) > 180:
        return None, None
    return parts[0], parts[1]


def _group(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
