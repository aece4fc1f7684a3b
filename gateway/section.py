"""What every table of the gateway's settings has."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, not decoration."""

    model_config = ConfigDict(extra="forbid", frozen=True)
