"""What the devices on a Modbus line have in their registers, as settings declare it."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from firmware_bridge.delivery import SensorName
from firmware_bridge.payloads.targets import check_quantity, fault_at
from firmware_bridge.readings import DEVICE_QUANTITIES

MAX_REGISTERS: Final = 125
"""Most that one request may ask for (Modbus Application Protocol, functions 03 and 04)."""

RegisterType = Literal["int16", "uint16", "int32", "uint32", "float32"]
WORDS: Final[dict[RegisterType, int]] = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2}


class Register(BaseModel):
    """One value in one or two registers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: int = Field(
        ge=0,
        le=65_535,
        description="Address of the (first) register as it is sent, counted from 0: what a manual calls 40001 or 30001 "
        "is 0.",
    )
    function: Literal["holding", "input"] = Field(
        default="holding", description="Table that it is in: holding (function 03, 4xxxx) or input (04, 3xxxx)."
    )
    type: RegisterType = Field(default="uint16", description="How the number is encoded; those of 32 bits take two.")
    word_order: Literal["big", "little"] = Field(
        default="big", description="big: the first of two registers has the upper half. little: the lower."
    )
    byte_order: Literal["big", "little"] = Field(
        default="big", description="Within a register; little only for devices that swap the bytes."
    )
    quantity: str = Field(description="Name of the catalogue's quantity, such as water_level_metres.")
    unit: str = Field(
        default="", description="Unit that the value is in after scale and offset, such as mm or %. Empty: its own."
    )
    scale: float = Field(default=1.0, allow_inf_nan=False, description="The number is multiplied by this, then:")
    offset: float = Field(default=0.0, allow_inf_nan=False, description="added to this.")
    absent: list[float] = Field(
        default=[],
        max_length=16,
        description="Numbers (before scale and offset) that mean that nothing was measured, such as 32767 or -9999.",
    )
    counter: bool = Field(
        default=False,
        description="True: it only counts up, and the reading is what was added since the last one, as for rain.",
    )
    wraps_at: int | None = Field(
        default=None,
        ge=2,
        le=2**32,
        description="A counter's highest number plus 1, where that is not 65536 or 4294967296 by its type.",
    )
    most: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="A counter's largest believable amount in one reading, in the quantity's unit: more is counted as "
        "implausible_count.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.quantity not in DEVICE_QUANTITIES:
            check_quantity(self.quantity or "?", self.unit)  # says what is near it
            raise fault_at("quantity", f"{self.quantity!r} is no quantity of the catalogue")
        check_quantity(self.quantity, self.unit)
        if self.scale == 0:
            raise fault_at("scale", "scale is 0: every value would be the same")
        if self.address + self.words > 65_536:
            raise fault_at("address", f"address {self.address}: the second register is beyond the last, 65535")
        if self.counter and (self.type not in ("uint16", "uint32") or self.offset):
            raise ValueError("a counter is of type uint16 or uint32 and has no offset")
        if not self.counter and (self.wraps_at is not None or self.most is not None):
            raise ValueError("wraps_at and most are for a counter: say counter = true")
        if self.wraps_at is not None and self.wraps_at > 1 << (16 * self.words):
            raise ValueError(f"wraps_at {self.wraps_at} is more than {self.type} can count to")
        return self

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return WORDS[self.type]


class ModbusDevice(BaseModel):
    """One device on the line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: int = Field(
        ge=1,
        le=247,
        description="Its number on the line (slave address), 1 to 247. A device with two gauges of one kind is two "
        "devices of one unit.",
    )
    name: SensorName = Field(
        description="Name of the sensor in everything that is stored: 1 to 32 bytes, and then for good."
    )
    interval_s: float = Field(default=60.0, ge=0.1, le=86_400, description="Seconds from one asking to the next.")
    kind: Literal["environment", "device_status"] | None = Field(
        default=None, description="What it tells. Not given: it follows from the quantities."
    )
    most_registers: int = Field(
        default=16,
        ge=1,
        le=MAX_REGISTERS,
        description="Most registers in one request: neighbours are asked for together. 1 for a device that gives only "
        "one value at a time.",
    )
    registers: list[Register] = Field(min_length=1, max_length=64, description="What is read of it.")

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        told = [register.quantity for register in self.registers]
        if twice := {quantity for quantity in told if told.count(quantity) > 1}:
            raise ValueError(f"{self.name}: two registers stand for {', '.join(sorted(twice))}; make it two devices")
        return self

    @property
    def id(self) -> str:
        """What tells it from the devices of other sources: its name, since a unit counts on its own line only."""
        return self.name
