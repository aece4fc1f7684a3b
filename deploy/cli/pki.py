"""`vigia pki`: certificates of the broker, the posts and the services."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.plain import plain_errors

if TYPE_CHECKING:
    from deploy.pki.certificates import Issued

# deploy.pki is imported inside the commands: it needs cryptography, which is slow to load on
# a Pi and not in every installation.

app = typer.Typer(
    help="Certificates: who may speak to the broker, and as whom. One authority in a directory at headquarters.",
    no_args_is_help=True,
)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The authority's directory.", show_default=False)]
Replace = Annotated[
    bool, typer.Option("--replace", help="Make another although there is one. The old one stays good until revoked.")
]

_SOON = dt.timedelta(days=180)


@app.command()
def init(
    directory: Directory,
    name: Annotated[str, typer.Option(help="Name of the authority, as it is seen in certificates.")] = "Vigia",
) -> None:
    """Make an authority in a new directory. Do this once for a network of posts, and keep the directory safe:
    whoever has its ca.key can be any post."""
    with plain_errors():
        from deploy.pki.authority import create_authority

        create_authority(directory, name)
        typer.echo(f"Authority {name!r} made in {directory}. Keep a copy on an encrypted disk, off this computer.")


@app.command()
def server(
    directory: Directory,
    names: Annotated[list[str], typer.Argument(metavar="NAMES...", help="DNS names and IP addresses of the broker.")],
    replace: Replace = False,
) -> None:
    """Make the broker's certificate, for every name and address by which posts and services reach it."""
    with plain_errors():
        from deploy.pki.authority import issue_server

        _tell(issue_server(directory, names, replace=replace))


@app.command()
def station(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The station: a-z, 0-9 and inner hyphens.")],
    replace: Replace = False,
) -> None:
    """Make a post's certificate. Carry it there with `vigia pki bundle`."""
    with plain_errors():
        from deploy.pki.authority import issue_station

        _tell(issue_station(directory, name, replace=replace))


@app.command()
def service(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The process, such as ingest; a second one, ingest-2.")],
    replace: Replace = False,
) -> None:
    """Make the certificate of a process at headquarters: `ingest` is known to the broker as `service.ingest`."""
    with plain_errors():
        from deploy.pki.authority import issue_service

        _tell(issue_service(directory, name, replace=replace))


@app.command()
def revoke(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in `vigia pki list`.")],
) -> None:
    """Shut out every certificate of a name: a lost or stolen post. Then write the broker's files again
    (`vigia deploy broker`) and restart it; until then the broker does not know."""
    with plain_errors():
        from deploy.pki.authority import revoke as revoke_name

        for one in revoke_name(directory, name):
            typer.echo(f"Revoked {one.name}, serial {one.serial:040x}.")
        typer.echo("Now write the broker's files again (vigia deploy broker) and restart the broker.")


@app.command("list")
def list_(directory: Directory) -> None:
    """List every certificate ever issued: name, role, state, last day, serial.

    On a terminal a table; otherwise one line each, separated by tabs, the first with the columns' names.
    """
    with plain_errors():
        from deploy.pki.authority import issued

        now = dt.datetime.now(dt.UTC)
        heads = ("Name", "Role", "State", "Until", "Serial")
        rows = [
            (one.name, one.role.value, _state(one, now), f"{one.not_after:%Y-%m-%d}", f"{one.serial:040x}")
            for one in issued(directory)
        ]
        if sys.stdout.isatty():
            table = Table(*heads, title=f"Certificates of {directory}")
            for row in rows:
                table.add_row(*row, style=None if row[2] == "good" else "yellow")
            Console().print(table)
        else:
            typer.echo("\t".join(heads).lower())
            for row in rows:
                typer.echo("\t".join(row))


@app.command()
def bundle(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A station, or a service such as ingest.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, or a file ending in .tar.gz.")],
) -> None:
    """Put what one post needs (ca.crt, station.crt, station.key) into a folder or .tar.gz, for a USB stick; or what a
    service needs (ca.crt, ingest.crt, ingest.key) into the folder in which it looks for them."""
    with plain_errors():
        from deploy.pki.authority import issued_name
        from deploy.pki.bundles import bundle as make_bundle

        made = make_bundle(directory, name, out)
        full = issued_name(directory, name)
        todo = (
            "Only that service should be able to read it."
            if full.startswith("service.")
            else "Erase it once it is installed at the post."
        )
        typer.echo(f"{made}: whoever has this can speak as {full}. {todo}")


def _tell(one: Issued) -> None:
    hosts = f" for {', '.join(one.hosts)}" if one.hosts else ""
    typer.echo(f"Certificate {one.name}{hosts}, good until {one.not_after:%Y-%m-%d}.")


def _state(one: Issued, now: dt.datetime) -> str:
    if one.revoked_at is not None:
        return "revoked"
    if one.not_after <= now:
        return "ended"
    return "ends soon" if one.not_after - now < _SOON else "good"
