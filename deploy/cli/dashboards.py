"""vigia dashboards ...: the boards in Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.plain import plain_errors

app = typer.Typer(no_args_is_help=True, help="Los tableros de Grafana. / The boards in Grafana.")


@app.command()
def generate(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made if it is not there.")],
) -> None:
    """Write every board as JSON, for a Grafana that reads files."""
    with plain_errors():
        from dashboards.boards import generate as generate_boards

        for path in generate_boards(directory):
            typer.echo(f"{path} written")


@app.command()
def push(
    file: Annotated[
        Path | None, typer.Argument(help="A TOML file with a section [grafana]; without one, the environment alone.")
    ] = None,
) -> None:
    """Make a running Grafana hold our data source, folder and boards. Secrets are best given in the environment
    (VIGIA_GRAFANA__TOKEN, VIGIA_GRAFANA__INFLUX__TOKEN). Doing it again changes nothing that is already right."""
    with plain_errors():
        from dashboards.push import push as push_boards
        from dashboards.settings import load_settings

        for line in push_boards(load_settings(file)):
            typer.echo(line)
