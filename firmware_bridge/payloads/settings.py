"""How the payload of a device is encoded, in settings: one of these, chosen by `codec`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from firmware_bridge.framing.device_keys import KeyedDevice
from firmware_bridge.payloads.cayenne_lpp import FIELDS
from firmware_bridge.payloads.targets import FieldMap, KindName, Target


class VigiaPayload(KeyedDevice):
    """Our own encrypted frames, carried by another transport."""

    codec: Literal["vigia"] = Field(description="vigia: our own encrypted device frames.")


class CayenneLppPayload(BaseModel):
    """Cayenne Low Power Payload: channel, type, value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: Literal["cayenne_lpp"] = Field(description="cayenne_lpp: Cayenne Low Power Payload, any channels.")
    kind: KindName | None = Field(
        default=None, description="What the payload tells. Not given: it follows from the quantities."
    )
    map: FieldMap = Field(
        default={},
        description="What channels stand for, by type and channel, such as temperature_2, analog_in_1 or "
        "gps_3.altitude. Where a type has one channel only, temperature, humidity, barometer, illuminance, gps, "
        "voltage (the battery's), altitude and distance need no entry.",
    )

    @field_validator("map")
    @classmethod
    def _known_fields(cls, told: dict[str, Target]) -> dict[str, Target]:
        for name in told:
            if re.sub(r"_\d{1,3}(?=\.|$)", "", name) not in FIELDS:
                raise ValueError(f"{name!r} is no field of Cayenne LPP; they are {', '.join(sorted(FIELDS))}")
        return told


PayloadSettings = Annotated[VigiaPayload | CayenneLppPayload, Field(discriminator="codec")]
"""Any codec. The union of models with `codec` as its discriminator."""
