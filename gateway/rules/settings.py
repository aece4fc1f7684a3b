"""[rules] of the gateway's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.section import Section


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        said = "{name} is no time zone; say one such as America/Lima or UTC"
        raise PydanticCustomError("value_error", said, {"name": repr(name)}) from None
    return name


class RulesSettings(Section):
    """[rules]"""

    path: Path | None = Field(
        None, description="TOML file of rules; if left out, each alert label warns, as `lanes` says."
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="The post's time zone, such as America/Lima: hours in rules and in warnings are of it."
    )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)
