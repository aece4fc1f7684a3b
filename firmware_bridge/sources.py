"""PUBLISHED. The sources of readings: their settings, and how the gateway opens and runs them.

A driver is a module in `firmware_bridge/drivers`; its file name is its name in the configuration. Whatever lies in that
folder is found here, so that a new device needs no edit elsewhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, cast

from pydantic import Field

from firmware_bridge import drivers
from firmware_bridge.delivery import Deliver, Delivery, Driver, RadioText, ReplayState, Source, Speaker
from firmware_bridge.delivery import SourceSettings as _BaseSettings

__all__ = [
    "DRIVERS",
    "Deliver",
    "Delivery",
    "RadioText",
    "ReplayState",
    "Source",
    "SourceSettings",
    "Speaker",
    "open_source",
]


def _find_drivers() -> dict[str, Driver]:
    names = sorted(module.name for module in pkgutil.iter_modules(drivers.__path__))
    return {name: cast(Driver, importlib.import_module(f"{drivers.__name__}.{name}")) for name in names}


DRIVERS: Final[Mapping[str, Driver]] = _find_drivers()
"""Every driver by name. `DRIVERS[name].SAMPLE` is a TOML table of its settings; `.Settings` their model."""

if TYPE_CHECKING:
    SourceSettings: TypeAlias = _BaseSettings
else:
    # A union that only pydantic needs to see: its members are known when the folder has been read. pydantic refuses a
    # discriminator on a union of one.
    SourceSettings = reduce(or_, (driver.Settings for driver in DRIVERS.values()))
    if len(DRIVERS) > 1:
        SourceSettings = Annotated[SourceSettings, Field(discriminator="driver")]


def open_source(settings: SourceSettings, replay: Mapping[str, ReplayState]) -> Source:
    """The source that the settings name; no I/O until it is run.

    replay: device (8 hex digits) to the replay state last stored, for this and any other devices. A device belongs to
    one source only: two sources that both know a key would each accept its frames once.
    """
    return DRIVERS[settings.driver].open_source(settings, replay)
