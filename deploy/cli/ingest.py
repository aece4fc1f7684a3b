"""vigia ingest ...: the service at headquarters."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.cli.checked import say, tell_files, tell_paths
from deploy.cli.doctor import Lang, Language
from deploy.cli.gateway import LogLevel
from deploy.cli.running import set_up_logging, stop_event
from deploy.errors import DeployError
from deploy.settings.file import load_settings
from deploy.settings.text import ingest_text

if TYPE_CHECKING:
    from ingest.settings import IngestSettings

app = typer.Typer(
    no_args_is_help=True, help="El servicio de la sede: diario, InfluxDB, API. / The service at headquarters."
)

SettingsPath = Annotated[Path, typer.Argument(help="El archivo de ajustes, como /etc/vigia/ingest.toml.")]
Reason = Annotated[str | None, typer.Option(help="Solo lo rechazado por este motivo, como unknown_station.")]


@app.command()
def run(file: SettingsPath, log_level: LogLevel = "INFO", lang: Language = Lang.ES) -> None:
    """Trabajar hasta SIGTERM o Ctrl-C. / Run until SIGTERM or Ctrl-C."""
    from ingest.app import Ingest
    from ingest.settings import IngestSettings

    set_up_logging(log_level)
    Ingest(load_settings(file, IngestSettings, lang.value)).run(stop_event())
    _leave()


@app.command()
def check(file: SettingsPath, lang: Language = Lang.ES) -> None:
    """Decir qué está mal en los ajustes, en el registro que nombran y en su certificado; no arranca nada.

    Say what is wrong with a settings file and the registry it names, and with its certificate; nothing is started.

    Exit code 1 when a file itself is wrong. A certificate that is not on this machine is a warning.
    """
    from deploy.doctor.files import at_headquarters
    from deploy.doctor.findings import Text
    from deploy.settings.registry import load_registry
    from ingest.settings import IngestSettings

    settings = load_settings(file, IngestSettings, lang.value)
    registry = load_registry(settings.registry.path, lang.value)
    stations, territories = len(registry.stations), len(registry.territories)
    say(
        Text(
            f"{file} está en orden; {stations} {'puesto' if stations == 1 else 'puestos'} de {territories}"
            f" {'territorio' if territories == 1 else 'territorios'}",
            f"{file} is in order; {stations} {'station' if stations == 1 else 'stations'} of {territories}"
            f" {'territory' if territories == 1 else 'territories'}",
        ),
        lang.value,
    )
    tell_paths(settings, lang.value)
    tell_files(file, "headquarters", at_headquarters(settings), lang.value)


@app.command()
def config(lang: Language = Lang.ES) -> None:
    """Escribir todos los ajustes, con su valor y lo que quieren decir: así empieza un archivo de ajustes.

    Print every setting with its default and what it means: the beginning of a settings file.
    """
    typer.echo(ingest_text(lang.value), nl=False)


@app.command("dead-letters")
def dead_letters(
    file: SettingsPath,
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Mostrar a lo más tantas, las últimas.")] = 50,
    lang: Language = Lang.ES,
) -> None:
    """Mostrar lo que se rechazó y por qué, lo último primero; ingest puede estar corriendo.

    List what was refused for good and why, newest first; ingest may be running.

    On a terminal a table; otherwise one line each: number, time (UTC), stage that refused it, reason, topic, bytes, and
    what is wrong with it in words, separated by tabs.
    """
    from deploy.doctor.findings import Text
    from ingest.journal.letters import list_letters
    from ingest.settings import IngestSettings

    letters = list_letters(_journal(load_settings(file, IngestSettings, lang.value), lang.value), reason, limit)
    rows = [(str(x.id), x.at, x.stage, x.reason, x.topic, str(x.size), x.detail) for x in letters.shown]
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    if rows:
        heads = Text(
            "N.º|Hora (UTC)|Lo rechazó|Motivo|Tema|Bytes|Qué tiene",
            "No.|Time (UTC)|Refused by|Reason|Topic|Bytes|What is wrong",
        )
        table = Table(*heads(lang.value).split("|"))
        for row in rows:
            table.add_row(*map(escape, row))
        Console().print(table)
    why = Text(f" con el motivo {reason}", f" with reason {reason}") if reason else Text("", "")
    of = Text(f"{len(rows)} de {letters.total} cartas muertas", f"{len(rows)} of {letters.total} dead letters")
    shown = Text(f"{of.es}{why.es}.", f"{of.en}{why.en}.")
    say(shown if rows else Text(f"Ninguna carta muerta{why.es}.", f"No dead letters{why.en}."), lang.value)
    if letters.dropped:
        say(
            Text(
                f"{letters.dropped} más antiguas se borraron para hacer lugar.",
                f"{letters.dropped} older ones went to make room.",
            ),
            lang.value,
        )
    if rows:
        say(
            Text(
                "Cuando se corrija la causa: vigia ingest redrive, con --reason.",
                "When the cause is mended: vigia ingest redrive, with --reason.",
            ),
            lang.value,
        )


@app.command()
def redrive(file: SettingsPath, reason: Reason = None, lang: Language = Lang.ES) -> None:
    """Dar otra vez a sus destinos lo rechazado, cuando se corrigió la causa; ingest puede estar corriendo.

    Give refused messages to the sinks once more, after their cause is mended; ingest may be running.

    A message that was stored in part is written whole, which changes nothing for what is stored. What never was a
    message stays in the list.
    """
    from deploy.doctor.findings import Text, counted
    from ingest.journal.letters import redrive_letters
    from ingest.settings import IngestSettings

    moved = redrive_letters(_journal(load_settings(file, IngestSettings, lang.value), lang.value), reason)
    told = counted(moved, Text("mensaje va", "message goes"), Text("mensajes van", "messages go"))
    say(Text(f"{told.es} otra vez a sus destinos", f"{told.en} to the sinks again"), lang.value)


def _journal(settings: IngestSettings, language: str) -> Path:
    """The journal, which must be there. Raises DeployError."""
    path = settings.journal.path
    if not path.exists():
        raise DeployError(
            f"no hay diario en {path}: ¿ha corrido ingest aquí, y es esta su configuración?"
            if language == "es"
            else f"there is no journal at {path}: has ingest run here, and are these its settings?"
        )
    return path


def _leave() -> None:
    """End although a request of the API still waits in a thread for a database that hangs: nothing depends on it."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        logging.shutdown()
        os._exit(0)
