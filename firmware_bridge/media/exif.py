"""What a camera wrote into its picture: EXIF and maker note, as one set of facts.

Specification: CIPA DC-008 (EXIF 2.32), section 4.6; maker notes as in `maker_notes`. Whatever is padded, swapped,
missing or damaged gives fewer facts and the reasons for it, never an exception.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from firmware_bridge.media.jpeg import SOI, read_segments
from firmware_bridge.media.maker_notes import MAKE, MakerNote, read_maker_note
from firmware_bridge.media.tiff import Tags, Value, clean, read_tags

_DESCRIPTION, _MAKE, _MODEL, _ORIENTATION, _DATE_TIME = 0x010E, 0x010F, 0x0110, 0x0112, 0x0132
_ORIGINAL, _DIGITIZED, _OFFSET, _OFFSET_ORIGINAL = 0x9003, 0x9004, 0x9010, 0x9011
_BRIGHTNESS, _FLASH, _MAKER_NOTE, _COMMENT = 0x9203, 0x9209, 0x927C, 0x9286
_TEMPERATURE, _SERIAL, _IMAGE_NUMBER = 0x9400, 0xA431, 0x9211

_TRAP_MAKERS: Final = (
    "cuddeback",
    "reconyx",
    "bushnell",
    "browning",
    "moultrie",
    "spypoint",
    "stealth cam",
    "uovision",
)
_TIME: Final = re.compile(r"(\d{4})[:\-/.](\d{1,2})[:\-/.](\d{1,2})[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")
_ZONE: Final = re.compile(r"^([+-])(\d{2}):?(\d{2})$")
_TOLD_TEMPERATURE: Final = re.compile(r"\bT(?:emp(?:erature)?)?\s*[:=]?\s*(-?\d{1,3})\s*°?\s*([CF])\b", re.IGNORECASE)
_TOLD_SERIAL: Final = re.compile(r"\bS(?:/N|N|erial(?:\s*(?:no|number))?)\s*[:=]\s*([A-Z0-9-]{3,30})\b", re.IGNORECASE)


class PictureFacts(msgspec.Struct, frozen=True):
    """What the metadata says; None or "" for what it does not.

    taken: the camera's clock, without a zone; offset_minutes: its offset from UTC where the camera tells one. trigger:
    motion, time_lapse, external, point_and_shoot, codeloc_not_entered, live_view, status. number, of: picture n of m of
    its event. moon: see `moon.PHASES`. faults: reasons for what could not be read.
    """

    make: str = ""
    model: str = ""
    serial: str = ""
    label: str = ""
    taken: dt.datetime | None = None
    offset_minutes: int | None = None
    trigger: str = ""
    number: int | None = None
    of: int | None = None
    event: int | None = None
    temperature_celsius: float | None = None
    moon: int | None = None
    battery_volts: float | None = None
    infrared: bool | None = None
    flash: bool | None = None
    brightness: float | None = None
    latitude_degrees: float | None = None
    longitude_degrees: float | None = None
    altitude_metres: float | None = None
    orientation: int = 1
    faults: tuple[str, ...] = ()


def read_picture(content: bytes) -> PictureFacts:
    """The facts of a JPEG; of any other bytes none. Faults: bad_segments, bad_exif, bad_maker_note, bad_time."""
    if not content.startswith(SOI):
        return PictureFacts()
    segments = read_segments(content)
    tags = read_tags(segments.exif) if segments.exif else Tags()
    raw = tags.exif.get(_MAKER_NOTE)
    note = read_maker_note(raw) if isinstance(raw, bytes) else None
    note = note or MakerNote("")
    told = " ".join((_text(tags.image, _DESCRIPTION), _comment(tags.exif), *map(clean, segments.comments)))
    make, model = _maker(_text(tags.image, _MAKE), _text(tags.image, _MODEL), note)
    taken, bad_time = _taken(tags, note)
    number, of = _sequence(note)
    latitude, longitude, altitude = _position(tags.gps)
    flash = _number(tags.exif, _FLASH)
    orientation = _number(tags.image, _ORIENTATION)
    faults = {
        "bad_segments": segments.damaged,
        "bad_exif": tags.damaged,
        "bad_maker_note": note.damaged,
        "bad_time": bad_time,
    }
    return PictureFacts(
        make=make,
        model=model,
        serial=note.serial or _text(tags.exif, _SERIAL) or _found(_TOLD_SERIAL, told),
        label=note.label,
        taken=taken,
        offset_minutes=_offset(_text(tags.exif, _OFFSET_ORIGINAL) or _text(tags.exif, _OFFSET)),
        trigger=note.trigger,
        number=number,
        of=of,
        event=note.event,
        temperature_celsius=_temperature(tags, note, told),
        moon=note.moon,
        battery_volts=note.battery_millivolts / 1000 if note.battery_millivolts else None,
        infrared=note.infrared,
        flash=None if flash is None else bool(int(flash) & 1),
        brightness=note.brightness if note.brightness is not None else _number(tags.exif, _BRIGHTNESS),
        latitude_degrees=latitude,
        longitude_degrees=longitude,
        altitude_metres=altitude,
        orientation=int(orientation) if orientation is not None and 1 <= orientation <= 8 else 1,
        faults=tuple(reason for reason, present in faults.items() if present),
    )


def _text(tags: Mapping[int, Value], tag: int) -> str:
    value = tags.get(tag, "")
    if isinstance(value, bytes):
        return clean(value)
    return value if isinstance(value, str) else ""


def _number(tags: Mapping[int, Value], tag: int) -> float | None:
    value = tags.get(tag)
    return value[0] if isinstance(value, tuple) and value and math.isfinite(value[0]) else None


def _comment(exif: Mapping[int, Value]) -> str:
    """UserComment: eight bytes of character code, then text."""
    raw = exif.get(_COMMENT)
    if not isinstance(raw, bytes):
        return raw if isinstance(raw, str) else ""
    if raw.startswith(b"UNICODE\0"):
        body = raw[8:]
        little = body[:2] == b"\xff\xfe" or body[1:2] == b"\0"
        return clean(body.decode("utf-16-le" if little else "utf-16-be", errors="replace").encode())
    return clean(raw[8:] if raw.startswith((b"ASCII\0", b"\0" * 8, b"JIS\0")) else raw)


def _maker(make: str, model: str, note: MakerNote) -> tuple[str, str]:
    """Make and model, the right way round: Cuddeback has written them into each other's place."""
    names = [any(maker in text.lower() for maker in _TRAP_MAKERS) for text in (make, model)]
    if names == [False, True] and (
        model.lower() in _TRAP_MAKERS or (make and not model.lower().startswith(make.lower()))
    ):
        make, model = model, make
    return make or (MAKE if note.family else ""), model or note.family


def _sequence(note: MakerNote) -> tuple[int | None, int | None]:
    """n of m, where that makes sense: n from 1 to m. Of a single picture some cameras say 0 of 0."""
    if note.number is None or note.of is None or not 1 <= note.number <= note.of:
        return None, None
    return note.number, note.of


def _taken(tags: Tags, note: MakerNote) -> tuple[dt.datetime | None, bool]:
    """The first time that can be one: EXIF before the maker note, whose day and month have been seen swapped."""
    bad = False
    for text in (_text(tags.exif, _ORIGINAL), _text(tags.exif, _DIGITIZED)):
        taken, wrong = _parse_time(text)
        if taken is not None:
            return taken, False
        bad |= wrong
    if note.taken is not None:
        return note.taken, False
    taken, wrong = _parse_time(_text(tags.image, _DATE_TIME))
    return taken, taken is None and (bad or wrong)


def _parse_time(text: str) -> tuple[dt.datetime | None, bool]:
    """A time, and whether there is something that should be one and cannot. Blanks and zeros mean: unknown."""
    if not text.strip(" :0-/"):
        return None, False
    found = _TIME.match(text)
    if found is None:
        return None, True
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return dt.datetime(year, month, day, hour, minute, second), False  # noqa: DTZ001  # the camera's own zone
    except ValueError:
        return None, True


def _offset(text: str) -> int | None:
    found = _ZONE.match(text)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return -minutes if found[1] == "-" else minutes


def _temperature(tags: Tags, note: MakerNote, told: str) -> float | None:
    if note.temperature_celsius is not None:
        return float(note.temperature_celsius)
    if (ambient := _number(tags.exif, _TEMPERATURE)) is not None:
        return ambient
    found = _TOLD_TEMPERATURE.search(told)
    if found is None:
        return None
    degrees = float(found[1])
    return degrees if found[2].upper() == "C" else round((degrees - 32) * 5 / 9, 1)


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _position(gps: Mapping[int, Value]) -> tuple[float | None, float | None, float | None]:
    """Latitude, longitude, altitude, WGS 84. A camera without a fix writes zeros or nothing: both are absent."""
    latitude = _degrees(gps.get(2), _text(gps, 1) == "S", 90)
    longitude = _degrees(gps.get(4), _text(gps, 3) == "W", 180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None, None, None
    altitude = _number(gps, 6)
    if altitude is not None and gps.get(5) in (b"\1", (1,)):
        altitude = -altitude
    return latitude, longitude, altitude


def _degrees(value: Value | None, negative: bool, most: int) -> float | None:
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3 or not all(map(math.isfinite, value)):
        return None
    degrees = sum(part / 60**place for place, part in enumerate(value))
    if not 0 <= degrees <= most:
        return None
    return round(float(-degrees if negative else degrees), 6)
