"""PUBLISHED. The sources of readings: their settings, and how the gateway opens and runs them.

A driver is a module in `firmware_bridge/drivers`; its file name is its name in the configuration. Whatever lies in that
folder is found here, so that a new device needs no edit elsewhere. A driver is imported when it is asked for, not
before: a post does not pay, in memory and in seconds at its start, for sensors that it has not got.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, cast

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from firmware_bridge import drivers
from firmware_bridge.delivery import (
    Deliver,
    Delivery,
    Driver,
    EndingDecoder,
    FileDecoder,
    FirmwareCarrier,
    RadioText,
    ReplayState,
    SensorAnswer,
    Source,
    SourceStanding,
    Speaker,
)
from firmware_bridge.delivery import SourceSettings as _BaseSettings

__all__ = [
    "DRIVERS",
    "Deliver",
    "Delivery",
    "EndingDecoder",
    "FileDecoder",
    "FirmwareCarrier",
    "RadioText",
    "ReplayState",
    "SensorAnswer",
    "Source",
    "SourceSettings",
    "SourceStanding",
    "Speaker",
    "open_source",
]

_TAG: Final = "driver"


class _Drivers(Mapping[str, Driver]):
    """Its names are those of the files; a driver is imported when it is taken."""

    def __getitem__(self, name: str) -> Driver:
        if name not in self:
            raise KeyError(name)
        return cast(Driver, importlib.import_module(_module(name)))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(module.name for module in pkgutil.iter_modules(drivers.__path__)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in set(self)  # without importing it


DRIVERS: Final[Mapping[str, Driver]] = _Drivers()
"""Every driver by name. `DRIVERS[name].SAMPLE` is a TOML table of its settings; `.Settings` their model."""


class ByDriver:
    """Makes pydantic check a table by the settings of the driver that it names, as a union of all of them with `driver`
    as its discriminator would, faults and their places included; but only that driver is imported."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def imported(self) -> list[type[_BaseSettings]]:
        """The settings of the drivers that were imported by now, among them those of any fault."""
        return [DRIVERS[name].Settings for name in DRIVERS if _module(name) in sys.modules]

    def _validate(self, told: Any) -> _BaseSettings:
        if isinstance(told, _BaseSettings):
            return told
        if not isinstance(told, Mapping):
            raise PydanticKnownError("model_attributes_type")
        if _TAG not in told:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": repr(_TAG)})
        name = told[_TAG]
        if not isinstance(name, str) or name not in DRIVERS:
            known = ", ".join(map(repr, DRIVERS))
            context = {"discriminator": repr(_TAG), "tag": str(name), "expected_tags": known}
            raise PydanticKnownError("union_tag_invalid", context)
        settings: Any = DRIVERS[name].Settings
        # As the value of a dictionary, so that the driver's name stands in the place of every fault.
        checked: dict[str, _BaseSettings] = TypeAdapter(dict[str, settings]).validate_python({name: told})
        return checked[name]


def _module(name: str) -> str:
    return f"{drivers.__name__}.{name}"


if TYPE_CHECKING:
    SourceSettings: TypeAlias = _BaseSettings
else:
    SourceSettings = Annotated[_BaseSettings, ByDriver()]


def open_source(settings: SourceSettings, replay: Mapping[str, ReplayState]) -> Source:
    """The source that the settings name; no I/O until it is run.

    replay: device (8 hex digits) to the replay state last stored, for this and any other devices. A device belongs to
    one source only: two sources that both know a key would each accept its frames once.
    """
    return DRIVERS[settings.driver].open_source(settings, replay)
