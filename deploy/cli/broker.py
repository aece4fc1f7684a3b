"""`vigia deploy`: the files of servers at headquarters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.plain import plain_errors

app = typer.Typer(help="Write the configuration of the servers at headquarters.", no_args_is_help=True)


@app.callback()
def deploy() -> None:
    """Write the configuration of the servers at headquarters."""


@app.command()
def broker(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write, such as /etc/mosquitto/vigia.")],
    pki: Annotated[Path, typer.Option(metavar="DIR", help="The authority's directory (vigia pki init).")],
    port: Annotated[int, typer.Option(help="TCP port, TLS only.")] = 8883,
    host: Annotated[str | None, typer.Option(help="Address to listen on; all of them when left out.")] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="A service that reads all posts; once for each. [default: ingest]")
    ] = None,
    user: Annotated[str, typer.Option(help="Whom Mosquitto runs as.")] = "mosquitto",
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Where Mosquitto keeps its state.")] = None,
    seen_as: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the broker finds DIR, if it runs in a container.")
    ] = None,
) -> None:
    """Write Mosquitto's configuration, access list and certificates. Do it again, and restart Mosquitto, after a
    revocation, a new broker certificate or a new service; a new station needs neither."""
    with plain_errors():
        from deploy.broker.render import render_broker  # cryptography: not in every installation

        written = render_broker(
            directory,
            pki_directory=pki,
            port=port,
            host=host,
            services=tuple(service or ("ingest",)),
            user=user,
            data=data,
            seen_as=seen_as,
        )
        typer.echo(f"{written} written. Restart Mosquitto to use it.")
