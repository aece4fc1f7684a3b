"""A command whose libraries are not installed here says which extra brings them."""

from __future__ import annotations

import sys
from typing import Any, Final

from typer.core import TyperGroup

from deploy.errors import DeployError
from deploy.language import Text

_OURS: Final = frozenset(("firmware_bridge", "gateway", "ingest", "dashboards", "deploy"))
_EXTRAS: Final = {
    "gateway": "gateway",
    "sensors": "gateway",
    "ingest": "ingest",
    "pki": "ingest",
    "commands": "ingest",
    "deploy": "ingest",
    "dashboards": "dashboards",
    "demo": "gateway,ingest",
    "generate": "gateway,ingest,dashboards",
}


class MissingExtraError(DeployError):
    """A library of an extra is not installed."""

    def __init__(self, library: str, command: str) -> None:
        pip = f"{sys.prefix}/bin/pip install"
        if command == "doctor":
            gateway, ingest = f"{pip} 'vigia[gateway]'", f"{pip} 'vigia[ingest]'"
            where = Text(
                f"en un puesto: {gateway}; en la sede: {ingest}", f"at a post: {gateway}; at headquarters: {ingest}"
            )
        else:
            extra = f"{pip} 'vigia[{_EXTRAS[command]}]'"
            where = Text(extra, extra)
        super().__init__(
            Text(
                f"a `vigia {command}` le falta algo que aquí no está instalado ({library}): {where.es}",
                f"`vigia {command}` needs an extra that is not installed here ({library}): {where.en}",
            )
        )


def missing_extra(error: ModuleNotFoundError, command: str) -> MissingExtraError | None:
    """What to say of a module that is not here; None for one that no extra brings."""
    library = (error.name or "").partition(".")[0]
    return MissingExtraError(library, command) if library and library not in _OURS else None


class Commands(TyperGroup):
    """The commands of `vigia`. Raises MissingExtraError for a library that an extra brings."""

    def invoke(self, ctx: Any) -> Any:  # click's Context, or that of the click in newer typers
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            command = ctx.invoked_subcommand
            if command is None or (missing := missing_extra(error, command)) is None:
                raise
            raise missing from error
