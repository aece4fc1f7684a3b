"""vigia doctor: what is wrong here, in plain words."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer
from rich.console import Console

from deploy.cli.plain import plain_errors

if TYPE_CHECKING:
    from deploy.doctor.findings import Text, Told

GATEWAY_FILE: Final = Path("/etc/vigia/gateway.toml")
INGEST_FILE: Final = Path("/etc/vigia/ingest.toml")


class Lang(StrEnum):
    """Languages of the report."""

    ES = "es"
    EN = "en"


Language = Annotated[Lang, typer.Option(help="Idioma de lo que se dice / language of what is said.")]


def doctor(
    post: Annotated[Path | None, typer.Option(metavar="FILE", help="Mirar un puesto con estos ajustes.")] = None,
    headquarters: Annotated[Path | None, typer.Option(metavar="FILE", help="Mirar la sede con estos ajustes.")] = None,
    lang: Language = Lang.ES,
    json: Annotated[bool, typer.Option("--json", help="Para programas: un documento JSON.")] = False,
) -> None:
    """Decir qué está mal en un puesto o en la sede, y qué hacer. No cambia nada ni corta a nadie.

    Sin archivo busca /etc/vigia/gateway.toml y /etc/vigia/ingest.toml.

    Say what is wrong at a post or at headquarters and what to do. Nothing is changed, nobody is disconnected.
    Without a file it looks for /etc/vigia/gateway.toml and /etc/vigia/ingest.toml. Exit code: 0 nothing is wrong, 1
    something is wrong, 2 something could not be looked at.
    """
    if post is None and headquarters is None:
        from deploy.doctor.findings import is_there

        # A file that we may not see counts as there: the report says to use sudo.
        post = GATEWAY_FILE if is_there(GATEWAY_FILE) is not False else None
        headquarters = INGEST_FILE if is_there(INGEST_FILE) is not False else None
        if is_there(GATEWAY_FILE) is None and is_there(INGEST_FILE) is None:
            headquarters = None  # it is the directory that hides both; one of them says so
    if post is None and headquarters is None:
        typer.echo(
            f"No hay {GATEWAY_FILE} ni {INGEST_FILE}: diga qué archivo con --post o --headquarters"
            if lang is Lang.ES
            else f"There is neither {GATEWAY_FILE} nor {INGEST_FILE}: name a file with --post or --headquarters",
            err=True,
        )
        raise typer.Exit(2)
    with plain_errors(), Console(stderr=True).status("Mirando…" if lang is Lang.ES else "Looking…"):
        parts = _examine(post, headquarters)
    from deploy.doctor.report import as_json, as_lines, exit_code, show

    told = [item for part in parts for item in part.told]
    console = Console(highlight=False)
    if json:
        typer.echo(as_json(told, lang.value))
    else:
        for part in parts:
            title = f"{part.title(lang.value)}: {part.path}"
            if console.is_terminal:
                show(console, title, part.told, lang.value)
            else:
                typer.echo("\n".join(as_lines(title, part.told, lang.value)))
    raise typer.Exit(exit_code(told))


class _Part(NamedTuple):
    title: Text
    path: Path
    told: list[Told]


def _examine(post: Path | None, headquarters: Path | None) -> list[_Part]:
    """Imports only what is installed on this kind of machine."""
    from deploy.doctor.findings import Text

    parts = []
    if post is not None:
        from deploy.doctor.post import examine_post

        parts.append(_Part(Text("Puesto", "Post"), post, examine_post(post)))
    if headquarters is not None:
        from deploy.doctor.headquarters import examine_headquarters

        parts.append(_Part(Text("Sede", "Headquarters"), headquarters, examine_headquarters(headquarters)))
    return parts
