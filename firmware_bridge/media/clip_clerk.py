"""From sound clips to acoustic detections: one a clip."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from msgspec import structs

from firmware_bridge.label_words import known_label
from firmware_bridge.media.bundles import Bundle, Item
from firmware_bridge.media.settings import Identity, RecorderSettings, identify
from firmware_bridge.media.times import age_s, to_utc
from firmware_bridge.media.wav import WavFacts, read_wav
from firmware_bridge.readings import QUANTITIES as CATALOGUE
from firmware_bridge.readings import Attachment, Kind, ReadingError, Rejected, make_reading

QUANTITIES: Final = frozenset(
    {"duration_seconds", "sound_level_decibels", "battery_volts", "device_temperature_celsius"}
)
"""Of the detections made here."""

_LABEL_GROUP: Final = "label"
_TIME_IN_NAME: Final = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)[_T-](\d\d)(\d\d)(\d\d)(Z?)(?!\d)")


class ClipClerk:
    """A `Clerk`. full_scale_decibels: the sound level that drives the recorder to full scale, None when it is not
    calibrated. name_pattern: finds a group `label` in the file's name. Reasons beside those of `wav` and `times`:
    unknown_recorder, bad_label, free_label (kept, but no label of the vocabulary: no rule knows it)."""

    suffixes = frozenset({".wav", ".wave"})

    def __init__(
        self,
        settings: RecorderSettings,
        max_bytes: int,
        full_scale_decibels: float | None,
        name_pattern: re.Pattern[str] | None,
    ) -> None:
        self.max_bytes = max_bytes
        self._settings = settings
        self._full_scale_decibels = full_scale_decibels
        self._name_pattern = name_pattern
        self._ready: list[Bundle] = []

    def is_whole(self, file: BinaryIO, size_bytes: int) -> bool:
        """See `Clerk.is_whole`: the size that the RIFF header tells is there."""
        file.seek(0)
        head = file.read(8)
        return head[:4] != b"RIFF" or int.from_bytes(head[4:], "little") + 8 <= size_bytes

    def mark(self, file: BinaryIO) -> bytes | None:
        """See `Clerk.mark`: recorders number nothing."""
        return None

    def take(self, item: Item, file: BinaryIO, now_s: float, clock_s: float) -> None:
        """See `Clerk.take`."""
        facts = read_wav(file, item.size_bytes)
        if isinstance(facts, Rejected):
            detail = f"{item.name}: {facts.detail}"
            self._ready.append(Bundle((item,), rejected=(Rejected(facts.reason, 1, detail),)))
        else:
            self._ready.append(self._bundle(item, facts, now_s))

    def due(self, clock_s: float) -> list[Bundle]:
        """See `Clerk.due`: a clip waits for nothing."""
        ready, self._ready = self._ready, []
        return ready

    def waiting(self) -> int:
        """See `Clerk.waiting`."""
        return 0

    def _bundle(self, item: Item, facts: WavFacts, now_s: float) -> Bundle:
        notes = facts.notes
        reasons = list(facts.faults)
        identity = identify(self._settings, notes.device.removeprefix("AudioMoth "), item.folder)
        moment = self._moment(item, facts, identity)
        age, doubt = age_s(moment, item.modified_s, now_s, self._settings.oldest_days * 86_400)
        if doubt == "time_from_file":  # the file was closed when the recording ended
            age += facts.duration_s
        reasons += [doubt] if doubt else []
        reasons += [] if identity.known else ["unknown_recorder"]
        label = self._label(item, identity, reasons)
        rejected = [
            Rejected(reason, 1, f"{label}: {item.name}" if reason == "free_label" else item.name) for reason in reasons
        ]
        values = {}
        for name, value in self._values(facts):
            try:
                CATALOGUE[name].to_steps(value)
            except ReadingError as error:
                rejected.append(Rejected(error.reason, 1, error.detail))
            else:
                values[name] = value
        if not values:
            rejected.append(Rejected("no_values", 1, item.name))
            return Bundle((item,), rejected=tuple(rejected))
        reading = make_reading(Kind.ACOUSTIC_DETECTION, identity.sensor, values, label=label)
        reading = structs.replace(reading, age_ms=round(age * 1000))  # more than the year of a live sensor
        told = tuple(_notes(item, facts, moment))
        attachment = Attachment(item.sha256, "audio/wav", item.size_bytes, item.path, notes=told)
        return Bundle((item,), reading, (attachment,), tuple(rejected))

    def _moment(self, item: Item, facts: WavFacts, identity: Identity) -> dt.datetime | None:
        """When it began: as the recorder wrote it, else as the file is named."""
        zone, notes = ZoneInfo(identity.zone), facts.notes
        if notes.taken is not None:
            return to_utc(notes.taken, notes.offset_minutes, zone, identity.clock_error_s)
        found = _TIME_IN_NAME.search(PurePath(item.name).name)
        if found is None:
            return None
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        try:
            named = dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # to_utc gives it its zone
        except ValueError:
            return None
        return to_utc(named, 0 if found[7] else None, zone, identity.clock_error_s)

    def _label(self, item: Item, identity: Identity, reasons: list[str]) -> str:
        found = self._name_pattern.search(PurePath(item.name).name) if self._name_pattern else None
        label = (found[_LABEL_GROUP] or "").lower() if found else ""
        if not label:
            return identity.label
        if len(label.encode()) > 32 or not label.isprintable():
            reasons.append("bad_label")
            return identity.label
        if not (known := known_label(label)):
            reasons.append("free_label")
        return known or label

    def _values(self, facts: WavFacts) -> Iterable[tuple[str, float]]:
        yield "duration_seconds", facts.duration_s
        if facts.rms_dbfs is not None and self._full_scale_decibels is not None:
            yield "sound_level_decibels", facts.rms_dbfs + self._full_scale_decibels
        if facts.notes.battery_volts is not None:
            yield "battery_volts", facts.notes.battery_volts
        if facts.notes.temperature_celsius is not None:
            yield "device_temperature_celsius", facts.notes.temperature_celsius


def _notes(item: Item, facts: WavFacts, moment: dt.datetime | None) -> Iterable[tuple[str, str]]:
    notes = facts.notes
    told = {
        "file": item.name,
        "device": notes.device,
        "deployment": notes.deployment,
        "taken": moment.isoformat() if moment is not None else "",
        "gain": notes.gain,
        "battery": f"{notes.battery_bound}{notes.battery_volts} V" if notes.battery_bound else "",
        "threshold": notes.threshold,
        "stopped_by": notes.stopped_by,
        "microphone": "external" if notes.external_microphone else "",
        "rate_hz": facts.rate_hz,
        "channels": facts.channels,
        "rms_dbfs": facts.rms_dbfs,
        "peak_dbfs": facts.peak_dbfs,
        "latitude_degrees": notes.latitude_degrees,
        "longitude_degrees": notes.longitude_degrees,
    }
    return ((key, str(value)) for key, value in told.items() if value is not None and value != "")
