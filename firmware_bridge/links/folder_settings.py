"""Settings of every source that takes files from a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from firmware_bridge.delivery import Claim
from firmware_bridge.media.settings import RecorderSettings

_STATE_DIRECTORY = Path("/var/lib/vigia")


class FolderSettings(RecorderSettings):
    """A watched directory."""

    directory: Path = Field(description="The directory: a mounted card, what an FTP server or a Wi-Fi camera fills.")
    state_path: Path | None = Field(
        default=None,
        description="The file that remembers what was taken in; /var/lib/vigia/<name>.taken.db if left out. Keep it.",
    )
    aside_directory: Path | None = Field(
        default=None,
        description="Where files go that are no use (broken, too large); left out, they stay where they are.",
    )
    aside_after_s: float = Field(
        default=3600.0,
        ge=0,
        le=7 * 86400,
        description="How long such a file must not have changed before it goes there, seconds: longer than any upload"
        " stalls, since what is written after the move can be lost.",
    )
    keep_originals: bool = Field(
        default=True,
        description="Leave files where they are; otherwise they are deleted an hour after they were taken in.",
    )
    max_depth: int = Field(default=4, ge=0, le=16, description="How many directories deep to look.")
    poll_s: float = Field(default=2.0, ge=0.02, le=3600, description="Seconds between two looks at the directory.")
    settle_s: float = Field(
        default=3.0, ge=0, le=3600, description="How long a file must not have changed before it is read, seconds."
    )
    incomplete_s: float = Field(
        default=120.0,
        ge=0,
        le=86400,
        description="How long to wait for the rest of a file that does not have its end, seconds: longer than any"
        " upload stalls.",
    )
    most_at_once: int = Field(
        default=100, ge=1, le=1000, description="Most files that are read before what they say is handed over."
    )

    def claims(self) -> Iterator[Claim]:
        """See `SourceSettings.claims`. Pictures and sounds may lie in one directory."""
        yield from super().claims()
        directory = os.path.normpath(self.directory)
        yield Claim(("directory",), f"takes files ({self.driver}) from", directory)
        yield Claim(("state_path",), "remembers in", os.path.normpath(self.ledger))

    @property
    def ledger(self) -> Path:
        """The file that remembers what was taken in."""
        return self.state_path or _STATE_DIRECTORY / f"{self.name}.taken.db"

    @model_validator(mode="after")
    def _aside_is_elsewhere(self) -> Self:
        if self.aside_directory is not None and self.aside_directory == self.directory:
            raise ValueError("aside_directory is the watched directory itself: name another")
        return self
