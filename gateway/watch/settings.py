"""[history] of the gateway's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.section import Section


class HistorySettings(Section):
    """[history]"""

    path: Path | None = Field(
        None, description="The file of what was heard in the last days; history.db beside the outbox if left out."
    )
    days: float = Field(14.0, ge=0.1, le=400, description="How many days are kept, to begin from and to try rules on.")
    max_megabytes: int = Field(64, ge=1, le=100_000, description="Largest size. When full, the oldest goes first.")
    commit_every_s: float = Field(
        60.0, ge=0.1, le=600, description="Longest time that what is no incident waits for the disk, seconds."
    )
