"""`vigia deploy`: the files of servers at headquarters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.checked import say
from deploy.cli.doctor import Lang, Language
from deploy.cli.plain import plain_errors
from deploy.language import Text

app = typer.Typer(
    help="Escribir la configuración de los servidores de la sede. / Write the configuration of the servers there.",
    no_args_is_help=True,
)


@app.callback()
def deploy() -> None:
    """Escribir la configuración de los servidores de la sede. / Write the configuration of the servers there."""


@app.command()
def broker(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Dónde escribir, como /etc/mosquitto/vigia.")],
    pki: Annotated[Path, typer.Option(metavar="DIR", help="El directorio de la autoridad (vigia pki init).")],
    port: Annotated[int, typer.Option(help="Puerto TCP, solo con TLS.")] = 8883,
    host: Annotated[str | None, typer.Option(help="Dirección en la que escucha; todas, si no se dice.")] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Un servicio que lee a todos los puestos; uno por vez. [default: ingest]")
    ] = None,
    user: Annotated[str, typer.Option(help="Con qué usuario corre Mosquitto.")] = "mosquitto",
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Dónde guarda Mosquitto lo suyo.")] = None,
    seen_as: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Dónde ve el broker a DIR, si corre en un contenedor.")
    ] = None,
    lang: Language = Lang.ES,
) -> None:
    """Escribir la configuración, los permisos y los certificados de Mosquitto. Se repite, y se reinicia Mosquitto, tras
    anular un certificado, o con uno nuevo del broker o de un servicio; un puesto nuevo no lo necesita.

    Write Mosquitto's configuration, access list and certificates. Do it again, and restart Mosquitto, after a
    revocation, a new broker certificate or a new service; a new station needs neither.
    """
    with plain_errors(lang.value):
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
    say(
        Text(
            f"{written} está escrito. Reinicie Mosquitto para usarlo.",
            f"{written} written. Restart Mosquitto to use it.",
        ),
        lang.value,
    )
