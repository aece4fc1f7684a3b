"""The body of a device frame, version 1, decrypted: what a sensor tells, by kind. Big-endian.

    every body            kind 1 | age 2 | battery 1 | ...
    acoustic detection    label 1 | confidence 1 | level 1 | duration 2          9 bytes: 24 on the air
    camera detection      label 1 | confidence 1 | individuals 1 | picture 2     9 bytes: 24 on the air
    position              latitude 4 | longitude 4 | altitude 2                 14 bytes: 29 on the air
    environment, status   1 to 16 times: quantity 1 | steps, 1 to 5 bytes

    field         bits  step        range               absent
    kind             8  a code of readings.Kind (1 to 5)
    age             16  1 s         0 to 65534 s        (65535 is reserved)   since what is told happened
    battery          8  20 mV       0 to 5.08 V         255
    label            8  a code of readings.LABELS
    confidence       8  1/200       0 to 200 (100 %)    255
    level            8  0.5 dB      0 to 127 dB         255
    duration        16  0.1 s       0 to 6553.4 s       65535
    individuals      8  1           0 to 254            255
    picture         16  1           0 to 65534          65535
    latitude    int 32  1e-6 deg    -90 to 90           (WGS 84)
    longitude   int 32  1e-6 deg    -180 to 180
    altitude    int 16  1 m         -500 to 9000        -32768
    quantity         8  a code of readings.QUANTITIES from 16 to 47, each at most once
    steps               zigzag LEB128 varint of that quantity's steps

Kinds from 128 are not readings: 128 is a device's answer to a command, see `firmware_bridge.framing.downlinks`.
A sentinel becomes an `Absence`, never a number. What the receiver measures (RSSI, SNR) is not told by the device.
"""

from __future__ import annotations

import struct
from typing import Final

from firmware_bridge.readings import (
    KINDS,
    LABELS,
    QUANTITIES,
    QUANTITY_BY_CODE,
    Absence,
    Kind,
    Reading,
    ReadingError,
    Rejected,
    label_from_code,
)

Pairs = tuple[tuple[int, int], ...]
"""(quantity code, steps), ascending."""

ANSWER: Final = b"\x80"
"""First byte of a body that answers a command."""
MAX_VALUES: Final = 16
_MAX_VARINT_BYTES: Final = 5
_HEAD: Final = struct.Struct(">BHB")
_ACOUSTIC: Final = struct.Struct(">BHBBBBH")
_CAMERA: Final = struct.Struct(">BHBBBBH")
_POSITION: Final = struct.Struct(">BHBiih")
MAX_BODY_BYTES: Final = _HEAD.size + MAX_VALUES * (1 + _MAX_VARINT_BYTES)

_NO_AGE: Final = 0xFFFF
_NO_BYTE: Final = 0xFF
_NO_WORD: Final = 0xFFFF
_NO_ALTITUDE: Final = -0x8000

_CONFIDENCE: Final = QUANTITIES["confidence_ratio"].code
_LEVEL: Final = QUANTITIES["sound_level_decibels"].code
_DURATION: Final = QUANTITIES["duration_seconds"].code
_INDIVIDUALS: Final = QUANTITIES["individuals_count"].code
_PICTURE: Final = QUANTITIES["picture_number"].code
_BATTERY: Final = QUANTITIES["battery_volts"].code
RSSI: Final = QUANTITIES["rssi_dbm"].code
SNR: Final = QUANTITIES["snr_decibels"].code
_LATITUDE: Final = QUANTITIES["latitude_degrees"].code
_LONGITUDE: Final = QUANTITIES["longitude_degrees"].code
_ALTITUDE: Final = QUANTITIES["altitude_metres"].code

# Steps of the catalogue in one step of the frame.
_PER_BATTERY: Final = 2
_PER_CONFIDENCE: Final = 5
_PER_LEVEL: Final = 5

_TOLD: Final = frozenset(code for code in QUANTITY_BY_CODE if 16 <= code < 48) - {RSSI, SNR}
TOLD_QUANTITIES: Final = frozenset(
    QUANTITY_BY_CODE[code].name
    for code in (
        _TOLD | {_CONFIDENCE, _LEVEL, _DURATION, _INDIVIDUALS, _PICTURE} | {_BATTERY, _LATITUDE, _LONGITUDE, _ALTITUDE}
    )
)
"""Every quantity that a body can tell, by name."""

_RANGE: Final = {
    code: (round(q.minimum * q.per_unit), round(q.maximum * q.per_unit)) for code, q in QUANTITY_BY_CODE.items()
}
_LABEL_NAME: Final = tuple(label_from_code(code) for code in range(256))
_LABEL_CODE: Final = {name: code for code, name in enumerate(_LABEL_NAME)} | {
    name: label.code for name, label in LABELS.items()
}

# The shapes of a detection with nothing absent, wired and by radio: one tuple for all such readings.
_ACOUSTIC_WIRED: Final = (_CONFIDENCE, _LEVEL, _DURATION, _BATTERY)
_ACOUSTIC_RADIO: Final = (*_ACOUSTIC_WIRED, RSSI, SNR)
_ACOUSTIC_KIND: Final = int(Kind.ACOUSTIC_DETECTION)


def decode_body(body: bytes, sensor: str, absences: list[Absence], received: Pairs = ()) -> Reading | Rejected:
    """The reading of a body. `received` is what the receiver measured beside it (RSSI, SNR). Never raises.

    Values that are not there are appended to `absences`: reason `sentinel`, `out_of_range` (not in the catalogue's
    range) or `unknown_quantity` (of newer firmware).
    Reasons: bad_length, bad_kind, bad_age, bad_value (a varint that does not end), too_many_values,
    duplicate_quantity, out_of_range (a position off the globe), no_values (nothing but absent ones), unasked_answer
    (an answer to a command, heard where nobody waits for one).
    """
    if len(body) == _ACOUSTIC.size and body[0] == _ACOUSTIC_KIND:
        kind, age, battery, label, confidence, level, duration = _ACOUSTIC.unpack(body)
        if (
            confidence <= 200
            and age != _NO_AGE
            and battery != _NO_BYTE
            and level != _NO_BYTE
            and duration != _NO_WORD
            and len(received) != 1
        ):
            steps: tuple[int, ...] = (
                confidence * _PER_CONFIDENCE,
                level * _PER_LEVEL,
                duration,
                battery * _PER_BATTERY,
            )
            if received:
                steps += (received[0][1], received[1][1])
                return Reading(kind, sensor, _LABEL_NAME[label], _ACOUSTIC_RADIO, steps, age * 1000)
            return Reading(kind, sensor, _LABEL_NAME[label], _ACOUSTIC_WIRED, steps, age * 1000)
    return _decode_any(body, sensor, absences, received)


def _decode_any(body: bytes, sensor: str, absences: list[Absence], received: Pairs) -> Reading | Rejected:
    if body[:1] == ANSWER:
        return Rejected("unasked_answer", 1, f"{sensor}: an answer to a command")
    if len(body) < _HEAD.size:
        return Rejected("bad_length", 1, f"{sensor}: a body of {len(body)} bytes")
    code, age, battery = _HEAD.unpack_from(body)
    if age == _NO_AGE:
        return Rejected("bad_age", 1, f"{sensor}: age {age} is reserved")
    fixed = _FIXED.get(code)
    if fixed is None and code not in _REPEATED:
        return Rejected("bad_kind", 1, f"{sensor}: a body of kind {code}")
    if fixed is not None and len(body) != fixed.size:
        return Rejected("bad_length", 1, f"{sensor}: {Kind(code).slug} of {len(body)} bytes (it is {fixed.size})")
    label = ""
    told: dict[int, int | None]
    if code == Kind.ACOUSTIC_DETECTION:
        *_, label_code, confidence, level, duration = _ACOUSTIC.unpack(body)
        label = _LABEL_NAME[label_code]
        told = {
            _CONFIDENCE: None if confidence == _NO_BYTE else confidence * _PER_CONFIDENCE,
            _LEVEL: None if level == _NO_BYTE else level * _PER_LEVEL,
            _DURATION: None if duration == _NO_WORD else duration,
        }
    elif code == Kind.CAMERA_DETECTION:
        *_, label_code, confidence, individuals, picture = _CAMERA.unpack(body)
        label = _LABEL_NAME[label_code]
        told = {
            _CONFIDENCE: None if confidence == _NO_BYTE else confidence * _PER_CONFIDENCE,
            _INDIVIDUALS: None if individuals == _NO_BYTE else individuals,
            _PICTURE: None if picture == _NO_WORD else picture,
        }
    elif code == Kind.POSITION:
        *_, latitude, longitude, altitude = _POSITION.unpack(body)
        if not _within(_LATITUDE, latitude) or not _within(_LONGITUDE, longitude):
            return Rejected("out_of_range", 1, f"{sensor}: a position that is not on the globe")
        told = {
            _LATITUDE: latitude,
            _LONGITUDE: longitude,
            _ALTITUDE: None if altitude == _NO_ALTITUDE else altitude,
        }
    else:
        repeated = _decode_repeated(body, sensor, absences)
        if isinstance(repeated, Rejected):
            return repeated
        told = repeated
    if battery != _NO_BYTE:
        if _BATTERY in told:
            return Rejected("duplicate_quantity", 1, f"{sensor}: battery_volts is told twice")
        told[_BATTERY] = battery * _PER_BATTERY
    elif _BATTERY not in told:
        told[_BATTERY] = None
    there = []
    for quantity, steps in told.items():
        if steps is None:
            absences.append(Absence(QUANTITY_BY_CODE[quantity].name, "sentinel"))
        elif not _within(quantity, steps):
            absences.append(Absence(QUANTITY_BY_CODE[quantity].name, "out_of_range"))
        else:
            there.append((quantity, steps))
    if not there and not label:
        return Rejected("no_values", 1, f"{sensor}: {Kind(code).slug} without any value")
    there.extend(received)
    if not there:
        return Rejected("no_values", 1, f"{sensor}: {Kind(code).slug} without any value")
    there.sort()
    codes, values = zip(*there, strict=True)
    return Reading(code, sensor, label, codes, values, age * 1000)


_FIXED: Final = {
    int(Kind.ACOUSTIC_DETECTION): _ACOUSTIC,
    int(Kind.CAMERA_DETECTION): _CAMERA,
    int(Kind.POSITION): _POSITION,
}
_REPEATED: Final = frozenset((int(Kind.ENVIRONMENT), int(Kind.DEVICE_STATUS)))


def _within(code: int, steps: int) -> bool:
    low, high = _RANGE[code]
    return low <= steps <= high


def _decode_repeated(body: bytes, sensor: str, absences: list[Absence]) -> dict[int, int | None] | Rejected:
    told: dict[int, int | None] = {}
    seen: set[int] = set()
    at, end = _HEAD.size, len(body)
    while at < end:
        code = body[at]
        at += 1
        coded = shift = 0
        while True:
            if at == end or shift == 7 * _MAX_VARINT_BYTES:
                return Rejected("bad_value", 1, f"{sensor}: the value of quantity {code} does not end")
            byte = body[at]
            at += 1
            coded |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if code in seen:
            return Rejected("duplicate_quantity", 1, f"{sensor}: quantity {code} is told twice")
        if len(seen) == MAX_VALUES:
            return Rejected("too_many_values", 1, f"{sensor}: more than {MAX_VALUES} values")
        seen.add(code)
        if code in _TOLD:
            told[code] = ~(coded >> 1) if coded & 1 else coded >> 1
        else:
            absences.append(Absence(f"quantity_{code}", "unknown_quantity"))
    return told


def encode_body(reading: Reading) -> bytes:
    """The body that tells a reading, each value rounded to the frame's step; what it has not is told as absent.

    Raises ReadingError: bad_kind, bad_label, bad_age, unknown_quantity, no_values, too_many_values, or out_of_range of
    what a frame can tell.
    """
    told = dict(zip(reading.codes, reading.steps, strict=True))
    if not told:
        raise ReadingError("no_values", f"{reading.sensor}: nothing to tell")
    if reading.kind not in _FIXED and reading.kind not in _REPEATED:
        raise ReadingError("bad_kind", f"a device frame cannot tell a reading of kind {reading.kind}")
    age = _fit("age", round(reading.age_ms / 1000), 0, _NO_AGE - 1)
    label = 0
    if KINDS[Kind(reading.kind)].labelled:
        if reading.label not in _LABEL_CODE:
            raise ReadingError("bad_label", f"{reading.label!r} has no code")
        label = _LABEL_CODE[reading.label]
    large_battery = reading.kind in _REPEATED and told.get(_BATTERY, 0) > 254 * _PER_BATTERY
    battery = _NO_BYTE if large_battery else _pop(told, _BATTERY, _PER_BATTERY, 254, _NO_BYTE)
    head = _HEAD.pack(reading.kind, age, battery)
    if reading.kind == Kind.ACOUSTIC_DETECTION:
        confidence = _pop(told, _CONFIDENCE, _PER_CONFIDENCE, 200, _NO_BYTE)
        level = _pop(told, _LEVEL, _PER_LEVEL, 254, _NO_BYTE)
        rest = struct.pack(">BBBH", label, confidence, level, _pop(told, _DURATION, 1, 65534, _NO_WORD))
    elif reading.kind == Kind.CAMERA_DETECTION:
        confidence = _pop(told, _CONFIDENCE, _PER_CONFIDENCE, 200, _NO_BYTE)
        individuals = _pop(told, _INDIVIDUALS, 1, 254, _NO_BYTE)
        rest = struct.pack(">BBBH", label, confidence, individuals, _pop(told, _PICTURE, 1, 65534, _NO_WORD))
    elif reading.kind == Kind.POSITION:
        if _LATITUDE not in told or _LONGITUDE not in told:
            raise ReadingError("no_values", f"{reading.sensor}: a position without latitude or longitude")
        latitude, longitude = told.pop(_LATITUDE), told.pop(_LONGITUDE)
        altitude = _fit("altitude_metres", told.pop(_ALTITUDE, _NO_ALTITUDE), -0x8000, 0x7FFF)
        rest = struct.pack(">iih", latitude, longitude, altitude)
    else:
        if len(told) > MAX_VALUES:
            raise ReadingError("too_many_values", f"{len(told)} values (at most {MAX_VALUES})")
        rest = b"".join(_encode_value(code, told.pop(code)) for code in sorted(told) if code in _TOLD)
    if told:
        raise ReadingError("unknown_quantity", f"{Kind(reading.kind).slug} frames do not tell quantities {set(told)}")
    return head + rest


def _pop(told: dict[int, int], code: int, per: int, highest: int, absent: int) -> int:
    if code not in told:
        return absent
    return _fit(QUANTITY_BY_CODE[code].name, round(told.pop(code) / per), 0, highest)


def _fit(name: str, value: int, lowest: int, highest: int) -> int:
    if not lowest <= value <= highest:
        raise ReadingError("out_of_range", f"{name}: {value} is not in {lowest} to {highest} of a device frame")
    return value


def _encode_value(code: int, steps: int) -> bytes:
    coded = ~(steps << 1) if steps < 0 else steps << 1
    if coded >= 1 << 7 * _MAX_VARINT_BYTES:
        raise ReadingError("out_of_range", f"{steps} steps of quantity {code} do not fit a device frame")
    out = bytearray((code,))
    while coded > 0x7F:
        out.append(coded & 0x7F | 0x80)
        coded >>= 7
    out.append(coded)
    return bytes(out)
