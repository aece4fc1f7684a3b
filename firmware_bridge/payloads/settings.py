"""How the payload of a device is encoded, in settings: one of these, chosen by `codec`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from firmware_bridge.framing.device_keys import KeyedDevice
from firmware_bridge.payloads.cayenne_lpp import FIELDS
from firmware_bridge.payloads.javascript import MAX_SOURCE_BYTES
from firmware_bridge.payloads.layout import LayoutDecoder
from firmware_bridge.payloads.layout_files import load_layout
from firmware_bridge.payloads.layout_settings import Layout
from firmware_bridge.payloads.targets import FieldMap, KindName, Target, check_labels


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
            if re.sub(r"_\d{1,3}(?=\.|$)", "", name.lower()) not in FIELDS:
                raise ValueError(f"{name!r} is no field of Cayenne LPP; they are {', '.join(sorted(FIELDS))}")
        return {name.lower(): target for name, target in told.items()}

    @model_validator(mode="after")
    def _labels_are_carried(self) -> Self:
        check_labels(self.kind, self.map)
        return self


class LayoutPayload(BaseModel):
    """A binary payload whose layout is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: Literal["layout"] = Field(description="layout: a declared binary layout.")
    layout: Annotated[
        Annotated[str, Tag("file")] | Annotated[Layout, Tag("table")],
        Discriminator(lambda told: "file" if isinstance(told, str) else "table"),
    ] = Field(
        description="Name of a layout that comes with Vigía, such as dragino_lht65; or the path of a TOML file of your "
        "own, ending in .toml; or the layout itself, as a table.",
    )
    map: FieldMap = Field(
        default={}, description="What named fields of the layout stand for here, in place of what the layout says."
    )

    @model_validator(mode="after")
    def _layout_is_sound(self) -> Self:
        try:
            layout = self.read_layout()
        except OSError:  # settings are also checked on machines that have not the file
            return self
        known = layout.names()
        alike = {name.casefold() for name in known}
        if strange := sorted(name for name in self.map if name.casefold() not in alike):
            raise ValueError(f"map: the layout has no field {', '.join(strange)}; it has {', '.join(sorted(known))}")
        check_labels(layout.kind, self.map)
        LayoutDecoder(layout, self.map)  # what it cannot work with is refused now, not with every payload
        return self

    def read_layout(self) -> Layout:
        """The layout. Raises OSError or ValueError."""
        return self.layout if isinstance(self.layout, Layout) else load_layout(self.layout)


class JavascriptPayload(BaseModel):
    """A decoder in JavaScript, as makers publish them for LoRaWAN network servers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: Literal["javascript"] = Field(description="javascript: the maker's decoder.")
    file: Path = Field(
        description="The maker's file. It defines decodeUplink(input), Decode(fPort, bytes) or Decoder(bytes, port); "
        f"at most {MAX_SOURCE_BYTES} bytes."
    )
    kind: KindName | None = Field(
        default=None, description="What the payload tells. Not given: it follows from the quantities."
    )
    map: FieldMap = Field(
        default={},
        description="What the decoder's fields stand for, by name; names inside objects are joined with dots. Comes "
        "before the well-known names.",
    )
    well_known: bool = Field(
        default=True, description="False: only the fields of map are taken, whatever the others are called."
    )
    time_limit_s: float = Field(
        default=0.25, ge=0.01, le=5, description="Processor time in seconds that decoding one payload may take."
    )

    @model_validator(mode="after")
    def _labels_are_carried(self) -> Self:
        check_labels(self.kind, self.map)
        return self


PayloadSettings = Annotated[
    VigiaPayload | CayenneLppPayload | LayoutPayload | JavascriptPayload, Field(discriminator="codec")
]
"""Any codec. The union of models with `codec` as its discriminator."""
