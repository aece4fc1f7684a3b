"""What a foreign field stands for, as settings declare it. Shared by the codecs whose fields have names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from firmware_bridge.label_words import LabelWordOrNone
from firmware_bridge.payloads.grouping import AGE, Collector
from firmware_bridge.payloads.units import UnitError, conversion, converter
from firmware_bridge.readings import DEVICE_QUANTITIES

MAX_FIELDS: Final = 256
DETECTIONS: Final = ("acoustic_detection", "camera_detection")
"""The kinds that have a label."""

KindName = Literal["acoustic_detection", "camera_detection", "environment", "device_status", "position"]


class Target(BaseModel):
    """What one field stands for. A bare text is short for `{ quantity = "..." }`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quantity: str = Field(
        default="",
        description="Name of the catalogue's quantity, such as temperature_celsius, or age_seconds: how long before it "
        "was sent the thing happened.",
    )
    unit: str = Field(
        default="",
        description="Unit that the field is in, such as mV, %, [degF], km/h; converted to the quantity's. Empty: the "
        "quantity's own, or, where neither scale nor offset is said, the one that the payload or its layout says.",
    )
    scale: float = Field(default=1.0, allow_inf_nan=False, description="The value is multiplied by this, then:")
    offset: float = Field(default=0.0, allow_inf_nan=False, description="added to this; the result is in the unit.")
    absent: list[float] = Field(
        default=[], max_length=16, description="Values (before scale and offset) that mean that nothing was measured."
    )
    labels: dict[str, LabelWordOrNone] = Field(
        default={},
        max_length=MAX_FIELDS,
        description="For a field that tells what was detected: its text or number, and the label it stands for. An "
        "empty label: nothing was detected.",
    )
    ignore: bool = Field(default=False, description="True: the field is known and not wanted; it is not counted.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"quantity": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if (self.quantity != "") + bool(self.labels) + self.ignore != 1:
            raise ValueError("a field stands for one thing: say either quantity, or labels, or ignore = true")
        check_quantity(self.quantity, self.unit)
        if self.scale == 0:
            raise ValueError("scale is 0: every value would be the same")
        return self


def _no_twins(told: dict[str, Target]) -> dict[str, Target]:
    """Names match whatever their capitals."""
    first: dict[str, str] = {}
    for name in told:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"{name} and {other} differ in capitals only, and stand for one field")
    return told


FieldMap = Annotated[dict[str, Target], Field(max_length=MAX_FIELDS), AfterValidator(_no_twins)]


def check_labels(kind: str | None, targets: Mapping[str, Target]) -> None:
    """Raise ValueError for a label that no reading would carry. kind: what the payload was declared to be."""
    labelled = sorted(name for name, target in targets.items() if target.labels)
    if labelled and kind not in DETECTIONS:
        raise ValueError(f"map.{labelled[0]} has labels: say kind = {' or '.join(DETECTIONS)}")


def check_quantity(quantity: str, unit: str) -> None:
    """Raise ValueError (a `fault_at`) if devices tell no such quantity, or the unit cannot be converted to its own."""
    if quantity in ("", AGE):
        if unit not in ("", "s"):
            raise fault_at("unit", f"{quantity or 'a field without quantity'} has no unit but s: use scale")
        return
    if quantity not in DEVICE_QUANTITIES:
        near = sorted(name for name in DEVICE_QUANTITIES if set(name.split("_")) & set(quantity.split("_")))
        near = near or difflib.get_close_matches(quantity, sorted(DEVICE_QUANTITIES), n=3)
        words = f"{quantity!r} is no quantity of the catalogue; near it: {', '.join(near[:6]) or 'nothing'}"
        raise fault_at("quantity", words)
    try:
        conversion(unit, quantity)
    except UnitError as wrong:
        raise fault_at("unit", str(wrong)) from None


def fault_at(field: str, words: str) -> ValidationError:
    """What is wrong with one field, where only the whole can tell: a ValueError that pydantic puts where it belongs."""
    fault = PydanticCustomError("value_error", "{words}", {"words": words})
    details = [InitErrorDetails(type=fault, loc=(field,), input=None)]
    return ValidationError.from_exception_data("field", details, hide_input=True)


Put = Callable[[Collector, float | str, str], None]
"""(collector, value, field): gives a field's value to the collector."""


def putter(target: Target) -> Put:
    """How the value of a field that stands for this target is taken."""
    if target.ignore:
        return lambda told, value, field: None
    if target.labels:
        return lambda told, value, field: _put_label(target.labels, told, value, field)
    quantity, absent = target.quantity, frozenset(target.absent)
    unit = "" if quantity == AGE else target.unit
    convert = converter(unit, quantity, target.scale, target.offset)

    def put(told: Collector, value: float | str, field: str) -> None:
        if isinstance(value, str):
            told.miss(field)
        elif value in absent:
            told.lack(quantity)
        else:
            told.add(quantity, convert(value), field)

    return put


def _put_label(labels: dict[str, str], told: Collector, value: float | str, field: str) -> None:
    text = value if isinstance(value, str) else f"{value:.17g}"
    label = labels.get(text)
    if label is None:
        told.miss(field)
    elif label:
        told.label = label
    else:
        told.nothing = True
