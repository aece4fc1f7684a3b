"""The vigia command."""

from __future__ import annotations

import sys

import typer

from deploy.cli import broker, commands, dashboards, demo, doctor, gateway, generate, ingest, pki, sensor_keys, sensors
from deploy.cli.extras import Commands
from deploy.errors import DeployError

app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,  # it would take [[sources]] for a style and leave it out
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Vigía: del sensor en el bosque al guardaparque en el puesto y a quien coordina en la sede. / From the sensor"
    " in the forest to the ranger at the post and the coordinator at headquarters.",
)
app.add_typer(gateway.app, name="gateway")
app.add_typer(ingest.app, name="ingest")
sensors.app.command()(sensor_keys.key)
app.add_typer(sensors.app, name="sensors")
app.add_typer(pki.app, name="pki")
app.add_typer(commands.app, name="commands")
app.add_typer(dashboards.app, name="dashboards")
app.command()(generate.generate)
app.command()(doctor.doctor)
app.add_typer(broker.app, name="deploy")
app.command()(demo.demo)


def run() -> None:
    """Entry point: a known fault is a sentence on standard error and exit code 1, never a traceback."""
    try:
        app()
    except _known_faults() as error:
        told = error.words("es") if isinstance(error, DeployError) else error
        typer.echo(f"vigia: {told}", err=True)
        sys.exit(1)


def _known_faults() -> tuple[type[Exception], ...]:
    """The exception roots of what has been imported by now; a command imports only what it needs."""
    roots: list[type[Exception]] = [DeployError]
    for module, name in (
        ("firmware_bridge.readings", "BridgeError"),
        ("gateway.errors", "GatewayError"),
        ("ingest.errors", "IngestError"),
        ("dashboards.errors", "DashboardsError"),
    ):
        loaded = sys.modules.get(module)
        if loaded is not None:
            roots.append(getattr(loaded, name))
    return tuple(roots)
