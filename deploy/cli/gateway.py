"""vigia gateway ...: the daemon at a post."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.running import set_up_logging, stop_event
from deploy.settings_file import load_settings, relative_paths
from deploy.settings_text import gateway_text

app = typer.Typer(no_args_is_help=True, help="The daemon at a post: listens to sensors, keeps, warns, sends.")

SettingsPath = Annotated[Path, typer.Argument(help="The settings file, such as /etc/vigia/gateway.toml.")]
LogLevel = Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")]


@app.command()
def run(file: SettingsPath, log_level: LogLevel = "INFO") -> None:
    """Run until SIGTERM or Ctrl-C."""
    from gateway.app import Gateway
    from gateway.settings import GatewaySettings

    set_up_logging(log_level)
    Gateway(load_settings(file, GatewaySettings)).run(stop_event())


@app.command()
def check(file: SettingsPath) -> None:
    """Say what is wrong with a settings file, line by line; nothing is started."""
    from gateway.settings import GatewaySettings

    settings = load_settings(file, GatewaySettings)
    typer.echo(f"{file} is in order: station {settings.station.name}, {len(settings.sources)} sources")
    for name in relative_paths(settings):
        typer.echo(f"{name} is a relative path: it is taken from the directory in which vigia is started.")
    if not settings.sources:
        typer.echo("No [[sources]]: this post will hear nothing. `vigia gateway config` shows how one looks.")


@app.command()
def config() -> None:
    """Print every setting with its default and what it means: the beginning of a settings file."""
    typer.echo(gateway_text(), nl=False)
