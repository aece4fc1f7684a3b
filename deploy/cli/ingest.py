"""vigia ingest ...: the service at headquarters."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.cli.gateway import LogLevel, SettingsPath
from deploy.cli.running import set_up_logging, stop_event
from deploy.settings_file import load_settings, relative_paths
from deploy.settings_text import ingest_text

app = typer.Typer(no_args_is_help=True, help="The service at headquarters: journal, InfluxDB, HTTP API.")

Reason = Annotated[str | None, typer.Option(help="Only those refused for this reason, such as unknown_station.")]


@app.command()
def run(file: SettingsPath, log_level: LogLevel = "INFO") -> None:
    """Run until SIGTERM or Ctrl-C."""
    from ingest.app import Ingest
    from ingest.settings import IngestSettings

    set_up_logging(log_level)
    Ingest(load_settings(file, IngestSettings)).run(stop_event())


@app.command()
def check(file: SettingsPath) -> None:
    """Say what is wrong with a settings file and the registry it names; nothing is started."""
    from ingest.registry import read_registry
    from ingest.settings import IngestSettings

    settings = load_settings(file, IngestSettings)
    registry = read_registry(settings.registry.path)
    typer.echo(f"{file} is in order; {len(registry.stations)} stations of {len(registry.territories)} territories")
    for name in relative_paths(settings):
        typer.echo(f"{name} is a relative path: it is taken from the directory in which vigia is started.")


@app.command()
def config() -> None:
    """Print every setting with its default and what it means: the beginning of a settings file."""
    typer.echo(ingest_text(), nl=False)


@app.command("dead-letters")
def dead_letters(file: SettingsPath, reason: Reason = None, limit: int = 50) -> None:
    """List what was refused for good and why, newest first."""
    from ingest.journal.letters import list_letters
    from ingest.settings import IngestSettings

    settings = load_settings(file, IngestSettings)
    letters = list_letters(settings.journal.path, reason, limit)
    for letter in letters:
        typer.echo(f"{letter.id}\t{letter.at}\t{letter.stage}\t{letter.reason}\t{letter.topic}\t{letter.detail}")
    if not letters:
        typer.echo("No dead letters.")


@app.command()
def redrive(file: SettingsPath, reason: Reason = None) -> None:
    """Give refused messages to the sinks once more, after their cause is mended (ingest may be running)."""
    from ingest.journal.letters import redrive_letters
    from ingest.settings import IngestSettings

    settings = load_settings(file, IngestSettings)
    typer.echo(f"{redrive_letters(settings.journal.path, reason)} messages go to the sinks again")
