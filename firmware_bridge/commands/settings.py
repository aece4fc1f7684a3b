"""The settings of a source that says commands to sensors of ours."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class CommandSettings(BaseModel):
    """Where the count of what was said is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    counters_path: Path = Field(
        default=Path("/var/lib/vigia/downlink.counters"),
        description="The file that counts what was said to our sensors: one for the whole post. Keep it.",
    )
