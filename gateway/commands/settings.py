"""[commands]: whose orders the post obeys."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.section import Section


class CommandSettings(Section):
    """[commands]"""

    key_file: Path | None = Field(
        None,
        description="Headquarters' public key for commands, made by `vigia commands key`. Without it none is obeyed.",
    )
    path: Path | None = Field(
        None,
        description="Where commands carried out, settings changed from afar and firmware images are kept; a directory"
        " commands beside the outbox if left out.",
    )
    trial_s: float = Field(
        600.0,
        ge=10,
        le=86400,
        description="How long settings changed from afar are tried: if headquarters is not reached under them within so"
        " much time of open link, the post goes back to the earlier ones by itself.",
    )
