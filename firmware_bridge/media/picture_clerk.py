"""From pictures to camera detections: one a burst."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import structs

from firmware_bridge.media.bundles import Bundle, Item
from firmware_bridge.media.bursts import Bursts, Shot
from firmware_bridge.media.exif import PictureFacts, read_picture
from firmware_bridge.media.jpeg import SOI, is_whole
from firmware_bridge.media.moon import PHASES, contradicts
from firmware_bridge.media.pictures import Picture, read_pixels
from firmware_bridge.media.settings import Identity, RecorderSettings, identify
from firmware_bridge.media.times import age_s, to_utc
from firmware_bridge.readings import QUANTITIES as CATALOGUE
from firmware_bridge.readings import Attachment, Kind, Reading, ReadingError, Rejected, make_reading

QUANTITIES: Final = frozenset({"picture_number", "temperature_celsius", "battery_volts"})
"""Of the detections made here."""

MAX_BYTES: Final = 32 * 1024 * 1024
"""Of one picture: it is read whole."""

_TAIL_BYTES: Final = 65_536
_HEAD_BYTES: Final = 262_144  # the metadata are in the first segments, of at most 64 KiB each
_NUMBER_IN_NAME: Final = re.compile(r"(\d{1,9})\D*$")


class _Seen(msgspec.Struct, frozen=True):
    item: Item
    facts: PictureFacts
    picture: Picture
    identity: Identity
    moment: dt.datetime | None
    age_s: float
    clock_s: float
    reasons: tuple[str, ...]


class PictureClerk:
    """A `Clerk`. Reasons beside those of `exif`, `pictures` and `times`: unknown_recorder, moon_contradicts_date."""

    suffixes = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp"})
    max_bytes = MAX_BYTES

    def __init__(
        self, settings: RecorderSettings, burst_s: float, moon_tolerance_days: float, event_gap_s: float = 0.0
    ) -> None:
        self._settings = settings
        self._moon_tolerance_days = moon_tolerance_days
        self._bursts: Bursts[_Seen] = Bursts(burst_s, event_gap_s)
        self._ready: list[Bundle] = []

    def is_whole(self, file: BinaryIO, size_bytes: int) -> bool:
        """See `Clerk.is_whole`: a JPEG has its end marker; what is none says nothing of its end."""
        file.seek(0)
        head = file.read(2)
        file.seek(max(2, size_bytes - _TAIL_BYTES))
        return head != SOI or is_whole(head + file.read(_TAIL_BYTES))

    def mark(self, file: BinaryIO) -> bytes | None:
        """See `Clerk.mark`: of the camera's serial number, event, n of m and time, and of what it measured, since clock
        and events may begin anew with each battery."""
        file.seek(0)
        facts = read_picture(file.read(_HEAD_BYTES))
        if not facts.serial or facts.taken is None or facts.number is None:
            return None
        measured = (facts.temperature_celsius, facts.battery_volts, facts.brightness, facts.moon)
        told = (facts.serial, facts.event, facts.number, facts.of, facts.taken.isoformat(), *measured)
        return hashlib.sha256(repr(told).encode()).digest()

    def take(self, item: Item, file: BinaryIO, now_s: float, clock_s: float) -> None:
        """See `Clerk.take`."""
        file.seek(0)
        content = file.read(MAX_BYTES + 1)
        facts = read_picture(content)
        picture = read_pixels(content, facts.orientation)
        if isinstance(picture, Rejected):
            self._ready.append(Bundle((item,), rejected=(Rejected(picture.reason, 1, _detail(item, picture.detail)),)))
            return
        identity = identify(self._settings, facts.serial, item.folder)
        moment = None
        if facts.taken is not None:
            zone = ZoneInfo(identity.zone)
            moment = to_utc(facts.taken, facts.offset_minutes, zone, identity.clock_error_s)
        age, doubt = age_s(moment, item.modified_s, now_s, self._settings.oldest_days * 86_400)
        reasons = [*facts.faults, *picture.faults, *([doubt] if doubt else ())]
        if not identity.known:
            reasons.append("unknown_recorder")
        if moment is not None and facts.moon is not None and contradicts(facts.moon, moment, self._moon_tolerance_days):
            reasons.append("moon_contradicts_date")
        seen = _Seen(item, facts, picture, identity, moment, age, clock_s, tuple(reasons))
        taken_s = None if moment is None else moment.timestamp()
        camera = f"{identity.sensor}/{facts.serial or item.folder}"
        self._bursts.add(Shot(camera, facts.event, facts.number, facts.of, taken_s, seen), clock_s)

    def due(self, clock_s: float) -> list[Bundle]:
        """See `Clerk.due`."""
        ready, self._ready = self._ready, []
        return ready + [_bundle([shot.what for shot in shots], clock_s) for shots in self._bursts.due(clock_s)]

    def waiting(self) -> int:
        """See `Clerk.waiting`."""
        return self._bursts.waiting()


def _bundle(seen: list[_Seen], clock_s: float) -> Bundle:
    items = tuple(one.item for one in seen)
    rejected = [Rejected(reason, 1, _detail(one.item)) for one in seen for reason in one.reasons]
    attachments = tuple(
        Attachment(
            one.item.sha256,
            one.picture.media_type,
            one.item.size_bytes,
            one.item.path,
            thumbnail=one.picture.thumbnail,
            number=one.facts.number or place,
            of=one.facts.of or len(seen),
            notes=tuple(_notes(one)),
        )
        for place, one in enumerate(seen, 1)
    )
    return Bundle(items, _reading(seen, clock_s, rejected), attachments, tuple(rejected))


def _reading(seen: list[_Seen], clock_s: float, rejected: list[Rejected]) -> Reading:
    """One detection; its time is that of the first picture, to which the waiting adds."""
    values: dict[str, float] = {}
    told: dict[str, list[int | None] | list[float | None]] = {
        "picture_number": [_picture_number(seen[0])],
        "temperature_celsius": [one.facts.temperature_celsius for one in seen],
        "battery_volts": [one.facts.battery_volts for one in seen],
    }
    for name, found in told.items():
        value = next((value for value in found if value is not None), None)
        if value is None:
            continue
        try:
            CATALOGUE[name].to_steps(value)
        except ReadingError as error:
            rejected.append(Rejected(error.reason, 1, error.detail))
        else:
            values[name] = value
    if not values:
        values["picture_number"] = 0  # a reading must have a value: without one the detection would be lost
    identity = seen[0].identity
    age = max(one.age_s + max(0.0, clock_s - one.clock_s) for one in seen)
    reading = make_reading(Kind.CAMERA_DETECTION, identity.sensor, values, label=identity.label)
    return structs.replace(reading, age_ms=round(age * 1000))  # more than the year that a live sensor is allowed


def _picture_number(one: _Seen) -> int | None:
    """The event's number, else the last digits of the file's name, else None."""
    if one.facts.event is not None:
        return one.facts.event
    found = _NUMBER_IN_NAME.search(PurePath(one.item.name).stem)
    return int(found[1]) if found else None


def _notes(one: _Seen) -> Iterable[tuple[str, str]]:
    facts = one.facts
    told = {
        "file": one.item.name,
        "make": facts.make,
        "model": facts.model,
        "serial": facts.serial,
        "label": facts.label,
        "taken": one.moment.isoformat() if one.moment is not None else "",
        "trigger": facts.trigger,
        "event": facts.event,
        "moon": PHASES[facts.moon] if facts.moon is not None and 0 <= facts.moon < len(PHASES) else "",
        "infrared": facts.infrared,
        "flash": facts.flash,
        "brightness": facts.brightness,
        "latitude_degrees": facts.latitude_degrees,
        "longitude_degrees": facts.longitude_degrees,
        "altitude_metres": facts.altitude_metres,
        "pixels": f"{one.picture.width}x{one.picture.height}" if one.picture.width else "",
    }
    for key, value in told.items():
        if isinstance(value, bool):
            yield key, "yes" if value else "no"
        elif value is not None and value != "":
            yield key, str(value)


def _detail(item: Item, words: str = "") -> str:
    return f"{item.name}: {words}" if words else item.name
