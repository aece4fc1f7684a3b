"""The gateway's settings of pictures and clips."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.label_names import LabelName
from gateway.section import Section


class MediaSettings(Section):
    """[media]"""

    path: Path | None = Field(
        None, description="Where pictures and clips are kept; a directory media beside the outbox if left out."
    )
    max_megabytes: int = Field(
        4096,
        ge=1,
        le=10_000_000,
        description="Most that is kept of them. When full, the oldest that headquarters has go first, then the oldest"
        " that nobody wants.",
    )
    send: bool = Field(True, description="Whether headquarters is told of them, with a thumbnail of each picture.")
    send_whole: list[LabelName] = Field(
        default_factory=lambda: ["person", "boat", "vehicle"],
        description="What is sent whole without being asked for, when the link has nothing more urgent. The rest goes"
        " when somebody at headquarters asks for it.",
    )
    chunk_bytes: int = Field(
        8192,
        ge=1024,
        le=16_000,
        description="Most of a file in one message. An alert waits for at most one: 4 s at 2 kB/s.",
    )
