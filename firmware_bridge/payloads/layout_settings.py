"""A binary payload, declared: what a technician writes in TOML to have a device read without Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from firmware_bridge.label_words import LabelWordOrNone
from firmware_bridge.payloads.targets import DETECTIONS, MAX_FIELDS, KindName, check_quantity

MAX_PAYLOAD_BYTES: Final = 1_024
MAX_REPEATS: Final = 64
_FLOAT_BITS: Final = (16, 32, 64)
_HEX: Final = re.compile(r"^(?:[0-9a-f]{2})+$")

Order = Literal["big", "little"]
Name = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.\-]*$")]
Port = Annotated[int, Field(ge=0, le=255)]


class Condition(BaseModel):
    """When a field is there: everything that is said must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: list[Port] = Field(
        default=[], max_length=32, description="The payload came on one of these LoRaWAN ports; does not hold without."
    )
    field: Name = Field(
        default="", description="Name of an earlier field, of whose raw number (taken as unsigned) this is said:"
    )
    equals: list[int] = Field(default=[], max_length=64, description="it is one of these;")
    bit: int | None = Field(default=None, ge=0, le=63, description="this bit of it is 1 (0 is the least significant);")
    minimum: int | None = Field(default=None, description="it is not less than this;")
    maximum: int | None = Field(default=None, description="it is not more than this.")
    unless: bool = Field(default=False, description="True: the field is there when all this does not hold.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        about = self.equals or self.bit is not None or self.minimum is not None or self.maximum is not None
        if bool(self.field) != bool(about):
            raise ValueError("a condition on a field needs field, and equals, bit, minimum or maximum")
        if not self.field and not self.port:
            raise ValueError("an empty condition: say port, or field and what must hold for it")
        return self

    def check_possible(self, bits: int) -> None:
        """Raise ValueError where it can never hold for a field so wide: a value would be read always, or never."""
        top = (1 << bits) - 1
        if self.bit is not None and self.bit >= bits:
            raise ValueError(f"bit {self.bit} of {self.field!r} is never 1: it has {bits} bits, 0 to {bits - 1}")
        if beyond := [one for one in self.equals if not 0 <= one <= top]:
            raise ValueError(f"{self.field!r} is never {beyond[0]}: with {bits} bits it is 0 to {top}")
        low = max(0, self.minimum or 0)
        high = top if self.maximum is None else min(top, self.maximum)
        if self.equals:
            fit = [one for one in self.equals if low <= one <= high and _has(self.bit, one)]
        else:
            least = _least_with(self.bit, low)
            fit = [least] if least <= high else []
        if not fit:
            raise ValueError(f"it can never hold: no number of {bits} bits is all that is said of {self.field!r}")


def _has(bit: int | None, number: int) -> bool:
    return bit is None or bool(number >> bit & 1)


def _least_with(bit: int | None, low: int) -> int:
    """The least number from `low` on that has the bit."""
    return low if bit is None or _has(bit, low) else (low >> bit | 1) << bit


class LayoutField(BaseModel):
    """One number in the payload, or, without name and quantity, bits to pass over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(default="", description="Its name, to be referred to and listed under.")
    byte: int | None = Field(
        default=None,
        ge=0,
        lt=MAX_PAYLOAD_BYTES,
        description="First byte, from 0. Not given: right after the one before.",
    )
    bit: int | None = Field(
        default=None,
        ge=0,
        lt=8 * MAX_PAYLOAD_BYTES,
        description="First bit, counted from that byte: from its most significant bit in big order, from its least "
        "significant one in little order.",
    )
    bits: int = Field(default=8, ge=1, le=64, description="Width in bits.")
    type: Literal["unsigned", "signed", "sign_magnitude", "float", "bcd"] = Field(
        default="unsigned",
        description="signed: two's complement. sign_magnitude: the top bit is the sign. float: IEEE 754 of 16, 32 or "
        "64 bits. bcd: a decimal digit in each 4 bits.",
    )
    order: Order | Literal["word_swapped"] | None = Field(
        default=None,
        description="Byte order, where it is not the layout's. word_swapped: words of 16 bits, the least significant "
        "first, each with its most significant byte first; for whole bytes and 32 or 64 bits.",
    )
    scale: float = Field(default=1.0, allow_inf_nan=False, description="The raw number is multiplied by this, then:")
    offset: float = Field(default=0.0, allow_inf_nan=False, description="added to this; the result is in the unit.")
    polynomial: list[Annotated[float, Field(allow_inf_nan=False)]] = Field(
        default=[], max_length=8, description="In place of scale and offset: factors of the powers 0, 1, 2 ... of it."
    )
    lookup: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        default={}, max_length=MAX_FIELDS, description="In place of scale and offset: raw number to value."
    )
    labels: dict[str, LabelWordOrNone] = Field(
        default={},
        max_length=MAX_FIELDS,
        description="For a field that tells what was detected: raw number to label; an empty one: nothing was.",
    )
    quantity: str = Field(
        default="",
        description="Name of the catalogue's quantity, or age_seconds: how long before it was sent it happened.",
    )
    unit: str = Field(
        default="",
        description="Unit of the value, such as mV, %, [degF]; converted to the quantity's. A field with a unit and "
        "without a quantity is a value that is counted until the settings map it.",
    )
    absent: list[float] = Field(
        default=[], max_length=16, description="Raw numbers that mean that nothing was measured."
    )
    equals: list[int] = Field(
        default=[], max_length=64, description="It must be one of these raw numbers, or the payload is refused."
    )
    when: Condition | None = Field(default=None, description="When it is there at all; otherwise it takes no room.")
    optional: bool = Field(default=False, description="True: it may be missing at the end of the payload.")

    @field_validator("lookup", "labels")
    @classmethod
    def _whole_numbers(cls, table: dict[str, Any]) -> dict[str, Any]:
        for raw in table:
            if not re.fullmatch(r"-?\d{1,20}", raw):
                raise ValueError(f"{raw!r} is no raw number: write whole numbers in decimal, in quotes")
        return table

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.type == "float" and self.bits not in _FLOAT_BITS:
            raise ValueError(f"a float has 16, 32 or 64 bits, not {self.bits}")
        if self.type == "bcd" and self.bits % 4:
            raise ValueError(f"bcd takes 4 bits a digit; {self.bits} is not a multiple of 4")
        if self.type in ("signed", "sign_magnitude") and self.bits < 2:
            raise ValueError("a signed number has 2 bits or more")
        if self.order == "word_swapped" and (self.bits not in (32, 64) or self.bit):
            raise ValueError("word_swapped is for 32 or 64 bits that begin at a byte")
        if self.bit is not None and self.byte is None and self.bit > 7:
            raise ValueError("say byte beside bit, or a bit of 0 to 7 of the first byte")
        ways = (self.scale != 1 or self.offset != 0) + bool(self.polynomial) + bool(self.lookup) + bool(self.labels)
        if ways > 1:
            raise ValueError("say only one of scale and offset, polynomial, lookup, labels")
        if self.scale == 0:
            raise ValueError("scale is 0: every value would be the same")
        if self.labels and self.quantity:
            raise ValueError("a field stands for a label or for a quantity, not both")
        if self.type == "float" and (self.lookup or self.labels or self.equals):
            raise ValueError("lookup, labels and equals are for whole numbers")
        if self.unit and not self.quantity and not self.name:
            raise ValueError("a field with a unit needs a quantity, or a name to be listed under")
        if self.quantity:
            check_quantity(self.quantity, self.unit)
        return self


Fields = Annotated[list[LayoutField], Field(max_length=MAX_FIELDS)]


class Records(BaseModel):
    """What follows the fields, to the end of the payload: a key, and data whose shape the key tells."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_bytes: int = Field(default=1, ge=1, le=4, description="Length of the key.")
    length_bytes: int = Field(
        default=0, ge=0, le=2, description="Length of the length that follows the key: 0 where the key implies it."
    )
    cases: dict[str, Fields] = Field(
        min_length=1,
        max_length=MAX_FIELDS,
        description="Key (lower-case hex, as sent) to the fields of its data; positions are counted from there.",
    )

    @model_validator(mode="after")
    def _keys(self) -> Self:
        for key in self.cases:
            if not _HEX.match(key) or len(key) != 2 * self.key_bytes:
                raise ValueError(f"the key {key!r} is not {2 * self.key_bytes} lower-case hex digits")
        return self


class Repeat(BaseModel):
    """A group of fields that comes several times after the others, such as measurements kept and sent together. Each
    time it is a reading of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: Fields = Field(min_length=1, description="The fields of the group; positions are counted from its start.")
    count: int | None = Field(default=None, ge=1, le=MAX_REPEATS, description="How often. Not given: to the end.")
    count_field: Name = Field(default="", description="In place of count: the field that tells how often.")

    @model_validator(mode="after")
    def _one_count(self) -> Self:
        if self.count is not None and self.count_field:
            raise ValueError("say only one of count and count_field")
        return self


class Layout(BaseModel):
    """A binary payload: fields one after the other or at given places; then records or a group that repeats."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(default="", max_length=100, description="Device, for people.")
    source: str = Field(default="", max_length=300, description="Where the layout is specified.")
    order: Order = Field(default="big", description="Byte order of the fields that do not say their own.")
    kind: KindName | None = Field(
        default=None, description="What the payload tells. Not given: it follows from the quantities."
    )
    ports: list[Port] = Field(
        default=[], max_length=32, description="LoRaWAN ports that carry it; others are refused. Empty: any."
    )
    minimum_bytes: int = Field(default=1, ge=1, le=MAX_PAYLOAD_BYTES, description="Shortest payload.")
    maximum_bytes: int = Field(default=MAX_PAYLOAD_BYTES, ge=1, le=MAX_PAYLOAD_BYTES, description="Longest payload.")
    fields: Fields = Field(default=[], description="The fields, in order.")
    records: Records | None = Field(default=None, description="Records that follow: key, then data.")
    repeat: Repeat | None = Field(default=None, description="A group that follows, several times.")

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.records and self.repeat:
            raise ValueError("records and repeat both follow the fields: say only one")
        if self.minimum_bytes > self.maximum_bytes:
            raise ValueError("minimum_bytes is more than maximum_bytes")
        head = _check_names(self.fields, {}, "fields")
        if self.repeat:
            _check_names(self.repeat.fields, head, "repeat.fields")
            if self.repeat.count_field and self.repeat.count_field not in head:
                raise ValueError(f"repeat.count_field: no earlier field is named {self.repeat.count_field!r}")
            if sum(field.bits for field in self.repeat.fields if field.when is None) < 8:
                raise ValueError("repeat.fields: a group without conditions on all its fields has 8 bits or more")
        if self.records:
            for key, fields in self.records.cases.items():
                _check_names(fields, head, f"records.cases.{key}")
        every = self.every_field()
        for told in (field.when.port for field in every if field.when and field.when.port):
            if self.ports and set(told).isdisjoint(self.ports):
                raise ValueError(f"when.port: the layout refuses the ports {told}; its own are {self.ports}")
        if not any(field.quantity or field.unit or field.labels for field in every):
            raise ValueError("no field has a quantity, a unit or labels: nothing would be read")
        if any(field.labels for field in every) and self.kind not in DETECTIONS:
            raise ValueError("a field has labels: say kind = " + " or ".join(DETECTIONS))
        return self

    def every_field(self) -> list[LayoutField]:
        """All fields, wherever they are."""
        fields = [*self.fields, *(self.repeat.fields if self.repeat else ())]
        for case in self.records.cases.values() if self.records else ():
            fields += case
        return fields

    def names(self) -> set[str]:
        """The names of its fields."""
        return {field.name for field in self.every_field() if field.name}


def _check_names(fields: Iterable[LayoutField], before: Mapping[str, int], where: str) -> dict[str, int]:
    """The names known after these fields, with their bits. Raises ValueError for a name used twice or before it is
    there, and for a condition that can never hold."""
    known = dict(before)
    for number, field in enumerate(fields):
        if field.when and field.when.field:
            if field.when.field not in known:
                raise ValueError(f"{where}.{number}.when: no earlier field is named {field.when.field!r}")
            try:
                field.when.check_possible(known[field.when.field])
            except ValueError as never:
                raise ValueError(f"{where}.{number}.when: {never}") from None
        if field.name in known:
            raise ValueError(f"{where}.{number}: the name {field.name!r} is used twice")
        if field.name:
            known[field.name] = field.bits
    return known
