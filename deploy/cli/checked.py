"""What `check` says of a settings file without a fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import BaseModel

from deploy.settings.file import relative_paths

if TYPE_CHECKING:
    from deploy.doctor.findings import Finding, Language, Text


def tell_paths(settings: BaseModel, language: Language) -> None:
    """A line for each relative path."""
    for name in relative_paths(settings):
        typer.echo(
            f"{name} es una ruta relativa: parte del directorio en que se inicia vigia."
            if language == "es"
            else f"{name} is a relative path: it is taken from the directory in which vigia is started."
        )


def tell_files(file: Path, side: str, troubles: Sequence[Finding], language: Language) -> None:
    """Warnings of what the settings name on this machine. It is no fault of the file, which may be for another machine.

    side: the doctor's option for this file, `post` or `headquarters`.
    """
    if not troubles:
        return
    typer.echo("Pero los archivos que nombra, en este equipo:" if language == "es" else "But the files it names, here:")
    for finding in troubles:
        where = f" [{finding.where}]" if finding.where else ""
        typer.echo(f"  {finding.what(language)}{where}")
        if finding.todo is not None:
            typer.echo(f"    {'Qué hacer' if language == 'es' else 'What to do'}: {finding.todo(language)}")
    doctor = f"sudo vigia doctor --{side} {file}"
    typer.echo(f"Para ver más: {doctor}" if language == "es" else f"To see more: {doctor} --lang en")


def tell_rules(path: Path, rules: Sequence[str], language: Language) -> None:
    """What each rule does."""
    typer.echo(f"Lo que hacen las reglas de {path}:" if language == "es" else f"What the rules of {path} do:")
    for line in rules:
        typer.echo(f"  {line}")


def tell_doubts(doubts: Sequence[Text], language: Language) -> None:
    """What of the rules cannot work at this post."""
    for doubt in doubts:
        typer.echo(f"{'Ojo' if language == 'es' else 'Mind'}: {doubt(language)}")


def say(text: Text, language: Language) -> None:
    """One line in a language."""
    typer.echo(text(language))
