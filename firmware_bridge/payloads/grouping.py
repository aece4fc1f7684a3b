"""From the values of one payload to readings of the right kind: ranges checked, nothing dropped without a name."""

from __future__ import annotations

import math
import re
from typing import Final

from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import KINDS, MAX_NAME_BYTES, QUANTITIES, Absence, Kind, Rejected

KIND_NAMES: Final = {
    kind.slug: kind
    for kind in (Kind.ACOUSTIC_DETECTION, Kind.CAMERA_DETECTION, Kind.ENVIRONMENT, Kind.DEVICE_STATUS, Kind.POSITION)
}
"""What a payload can be declared to be."""

AGE: Final = "age_seconds"
"""In place of a quantity: how long before it was sent the thing happened."""

MAX_UNKNOWN: Final = 16
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]+")
_FIX: Final = frozenset({"latitude_degrees", "longitude_degrees"})
_DETECTION: Final = frozenset(name for name, q in QUANTITIES.items() if q.code < 16)
_DEVICE: Final = frozenset(name for name, q in QUANTITIES.items() if 16 <= q.code < 32)
_POSITION: Final = frozenset(name for name, q in QUANTITIES.items() if 48 <= q.code < 52)


class Collector:
    """Gathers what one payload, or one repetition in it, says."""

    __slots__ = ("absent", "age_s", "label", "nothing", "unknown", "values")

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.absent: list[Absence] = []
        self.unknown: list[str] = []
        self.label = ""
        self.nothing = False  # the device said that it detected nothing
        self.age_s = 0.0

    def add(self, quantity: str, value: float, field: str) -> None:
        """A value in the quantity's unit, or an age. field: its foreign name, listed if the quantity is told twice."""
        if quantity == AGE:
            self.age_s = value if math.isfinite(value) else 0.0
            return
        known = QUANTITIES[quantity]
        if quantity in self.values:
            self.miss(field)
        elif known.minimum <= value <= known.maximum:  # also false for NaN
            self.values[quantity] = value
        else:
            self.absent.append(Absence(quantity, "out_of_range"))

    def lack(self, quantity: str, reason: str = "sentinel", field: str = "") -> None:
        """The device said that it has not this quantity. field: the foreign name, to be told with the reason."""
        if quantity != AGE:
            self.absent.append(Absence(quantity, reason, field))

    def miss(self, field: str) -> None:
        """A field that nothing maps."""
        if len(self.unknown) < MAX_UNKNOWN and field not in self.unknown:
            self.unknown.append(field)

    def decoded(self, kind: Kind | None = None) -> list[Decoded | Rejected]:
        """The readings. kind: what the payload was declared to be; otherwise it follows from the quantities.

        A position is a reading of its own; it is none without latitude and longitude both, or at exactly 0, 0. What a
        device says of itself goes with the first other reading, or is a status. A kind of detection holds only when
        there is a label; one that tells nothing but its label has a confidence of 1. Reasons: no_values; where a
        detection was to be and what would go with it is dropped, no_detection (the device says there was none) or
        unlabelled (nothing says what was detected).
        """
        detecting = kind is not None and KINDS[kind].labelled
        lost = self._undetected() if detecting and not self.label else []
        parts = self._parts(kind)
        if not parts:
            if detecting and self.nothing and not lost:
                lost = [Rejected("no_detection", 1, "the device says that there was none")]
            elif not lost:
                names = ", ".join((*self.unknown, *(f"{a.quantity} ({a.reason})" for a in self.absent)))
                lost.append(Rejected("no_values", 1, f"nothing that maps to a quantity: {names or 'empty'}"))
            return [
                *(Rejected(_reason(absence), 1, told_of(absence)) for absence in self.absent),
                *(Rejected(unmapped_reason(field), 1, field) for field in self.unknown),
                *lost,
            ]
        (first, values), *others = parts
        label = self.label if KINDS[first].labelled else ""
        return [
            Decoded(first, values, label, tuple(self.absent), tuple(self.unknown), self.age_s),
            *(Decoded(other, theirs, age_s=self.age_s) for other, theirs in others),
            *lost,
        ]

    def _undetected(self) -> list[Decoded | Rejected]:
        """Drop what only a detection has, there being none."""
        dropped = _take(self.values, _DETECTION)
        if not dropped:
            return []
        reason = "no_detection" if self.nothing else "unlabelled"
        return [Rejected(reason, 1, f"without a label: {', '.join(dropped)}")]

    def _parts(self, kind: Kind | None) -> list[tuple[Kind, dict[str, float]]]:
        detection = kind is not None and KINDS[kind].labelled
        if kind is not None and not detection:
            return [(kind, self.values)] if self.values else []
        left = dict(self.values)
        parts: list[tuple[Kind, dict[str, float]]] = []
        if kind is not None and self.label:
            parts.append((kind, _take(left, _DETECTION) or {"confidence_ratio": 1.0}))
        fix = _take(left, _POSITION)
        if fix.get("latitude_degrees") == 0 == fix.get("longitude_degrees"):  # what receivers without a fix say
            self.absent.extend(Absence(name, "sentinel") for name in sorted(fix))
            fix = {}
        if fix and not fix.keys() >= _FIX:
            self.absent.extend(Absence(name, "incomplete_position") for name in sorted(fix))
            fix = {}
        device = _take(left, _DEVICE)
        if left:
            parts.append((Kind.ENVIRONMENT, left))
        if fix:
            parts.append((Kind.POSITION, fix))
        if device and not parts:
            parts.append((Kind.DEVICE_STATUS, {}))
        if device:
            parts[0] = (parts[0][0], parts[0][1] | device)
        return parts


def _take(values: dict[str, float], names: frozenset[str]) -> dict[str, float]:
    return {name: values.pop(name) for name in list(values) if name in names}


def unmapped_reason(field: str) -> str:
    """The counter of a field that nothing maps: `unmapped_` and as much of its name as a counter's name can hold."""
    return f"unmapped_{_NOT_A_NAME.sub('_', field.lower()).strip('_') or 'field'}"[:MAX_NAME_BYTES]


def told_of(absence: Absence) -> str:
    """What an absence is about: its quantity, and the field where that is not plain."""
    return ": ".join(part for part in (absence.field, absence.quantity) if part)


def _reason(absence: Absence) -> str:
    return (f"absent_{absence.quantity}" if absence.reason == "sentinel" else absence.reason)[:MAX_NAME_BYTES]
