"""`vigia pki`: certificates of the broker, the posts and the services."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.checked import say
from deploy.cli.doctor import Lang, Language
from deploy.cli.plain import plain_errors
from deploy.language import Text

if TYPE_CHECKING:
    from deploy.pki.certificates import Issued

# deploy.pki is imported inside the commands: it needs cryptography, which is slow to load on
# a Pi and not in every installation.

app = typer.Typer(
    help="Certificados: quién puede hablar con el broker, y en nombre de quién. Una autoridad en un directorio de la"
    " sede. / Certificates: who may speak to the broker, and as whom.",
    no_args_is_help=True,
)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="El directorio de la autoridad.", show_default=False)]
Replace = Annotated[
    bool, typer.Option("--replace", help="Hacer otro aunque ya haya. El de antes vale hasta que se anule.")
]

_SOON = dt.timedelta(days=180)
_ROLES = {
    "station": Text("puesto", "station"),
    "service": Text("servicio", "service"),
    "server": Text("broker", "server"),
}


@app.command()
def init(
    directory: Directory,
    name: Annotated[str, typer.Option(help="El nombre de la autoridad, como se ve en los certificados.")] = "Vigia",
    lang: Language = Lang.ES,
) -> None:
    """Hacer una autoridad en un directorio nuevo. Una sola vez para toda una red de puestos. Guarde bien el directorio:
    quien tenga su ca.key puede hacerse pasar por cualquier puesto.

    Make an authority in a new directory, once for a network of posts, and keep it safe: whoever has its ca.key can be
    any post.
    """
    with plain_errors(lang.value):
        from deploy.pki.authority import create_authority

        create_authority(directory, name)
    say(
        Text(
            f"La autoridad {name!r} está en {directory}. Guarde una copia en un disco cifrado, fuera de este equipo.",
            f"Authority {name!r} made in {directory}. Keep a copy on an encrypted disk, off this computer.",
        ),
        lang.value,
    )


@app.command()
def server(
    directory: Directory,
    names: Annotated[list[str], typer.Argument(metavar="NAMES...", help="Nombres DNS y direcciones IP del broker.")],
    replace: Replace = False,
    lang: Language = Lang.ES,
) -> None:
    """Hacer el certificado del broker, con cada nombre y dirección por la que llegan puestos y servicios.

    Make the broker's certificate, for every name and address by which posts and services reach it.
    """
    with plain_errors(lang.value):
        from deploy.pki.authority import issue_server

        _tell(issue_server(directory, names, replace=replace), lang)


@app.command()
def station(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="El puesto: a-z, 0-9 y guiones por dentro.")],
    replace: Replace = False,
    lang: Language = Lang.ES,
) -> None:
    """Hacer el certificado de un puesto. Se lleva con `vigia pki bundle`. / Make a post's certificate."""
    with plain_errors(lang.value):
        from deploy.pki.authority import issue_station

        _tell(issue_station(directory, name, replace=replace), lang)


@app.command()
def service(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="El proceso, como ingest; si hay otro, ingest-2.")],
    replace: Replace = False,
    lang: Language = Lang.ES,
) -> None:
    """Hacer el certificado de un proceso de la sede: el broker conoce a `ingest` como `service.ingest`.

    Make the certificate of a process at headquarters.
    """
    with plain_errors(lang.value):
        from deploy.pki.authority import issue_service

        _tell(issue_service(directory, name, replace=replace), lang)


@app.command()
def revoke(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Como lo muestra `vigia pki list`.")],
    lang: Language = Lang.ES,
) -> None:
    """Anular todos los certificados de un nombre: un puesto perdido o robado. Después escriba otra vez los archivos del
    broker (`vigia deploy broker`) y reinícielo; hasta entonces el broker no lo sabe.

    Shut out every certificate of a name. Then write the broker's files again and restart it.
    """
    with plain_errors(lang.value):
        from deploy.pki.authority import revoke as revoke_name

        for one in revoke_name(directory, name):
            serial = f"{one.serial:040x}"
            say(Text(f"Anulado: {one.name}, serie {serial}.", f"Revoked {one.name}, serial {serial}."), lang.value)
    say(
        Text(
            "Ahora escriba otra vez los archivos del broker (vigia deploy broker) y reinicie el broker.",
            "Now write the broker's files again (vigia deploy broker) and restart the broker.",
        ),
        lang.value,
    )


@app.command("list")
def list_(directory: Directory, lang: Language = Lang.ES) -> None:
    """Todos los certificados que se han dado: nombre, papel, estado, último día, serie. En una terminal, una tabla; si
    no, una línea por certificado, separada con tabuladores.

    List every certificate ever issued. On a terminal a table; otherwise one line each, separated by tabs.
    """
    with plain_errors(lang.value):
        from deploy.pki.authority import issued

        now = dt.datetime.now(dt.UTC)
        heads = Text("Nombre|Papel|Estado|Hasta|Serie", "Name|Role|State|Until|Serial")(lang.value).split("|")
        good = Text("vale", "good")
        rows = [
            (
                one.name,
                _ROLES[one.role.value](lang.value),
                _state(one, now, good)(lang.value),
                f"{one.not_after:%Y-%m-%d}",
                f"{one.serial:040x}",
            )
            for one in issued(directory)
        ]
    if sys.stdout.isatty():
        table = Table(*heads, title=Text("Certificados de", "Certificates of")(lang.value) + f" {directory}")
        for row in rows:
            table.add_row(*row, style=None if row[2] == good(lang.value) else "yellow")
        Console().print(table)
    else:
        typer.echo("\t".join(heads).lower())
        for row in rows:
            typer.echo("\t".join(row))


@app.command()
def bundle(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Un puesto, o un servicio como ingest.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Una carpeta nueva, o un archivo que acaba en .tar.gz.")],
    lang: Language = Lang.ES,
) -> None:
    """Reunir lo que necesita un puesto (ca.crt, station.crt, station.key) en una carpeta o un .tar.gz, para una memoria
    USB; o lo que necesita un servicio (ca.crt, ingest.crt, ingest.key) en la carpeta donde lo busca.

    Put what one post needs into a folder or .tar.gz, for a USB stick; or what a service needs into its folder.
    """
    with plain_errors(lang.value):
        from deploy.pki.authority import issued_name
        from deploy.pki.bundles import bundle as make_bundle

        made = make_bundle(directory, name, out)
        full = issued_name(directory, name)
    todo = (
        Text("Solo ese servicio debe poder leerlo.", "Only that service should be able to read it.")
        if full.startswith("service.")
        else Text("Bórrelo cuando esté instalado en el puesto.", "Erase it once it is installed at the post.")
    )
    say(
        Text(
            f"{made}: quien tenga esto puede hablar en nombre de {full}. {todo.es}",
            f"{made}: whoever has this can speak as {full}. {todo.en}",
        ),
        lang.value,
    )


def _tell(one: Issued, lang: Lang) -> None:
    hosts = ", ".join(one.hosts)
    words = Text(f" para {hosts}", f" for {hosts}") if hosts else Text("", "")
    last = f"{one.not_after:%Y-%m-%d}"
    say(
        Text(
            f"Certificado de {one.name}{words.es}; vale hasta el {last}.",
            f"Certificate {one.name}{words.en}, good until {last}.",
        ),
        lang.value,
    )


def _state(one: Issued, now: dt.datetime, good: Text) -> Text:
    if one.revoked_at is not None:
        return Text("anulado", "revoked")
    if one.not_after <= now:
        return Text("vencido", "ended")
    return Text("vence pronto", "ends soon") if one.not_after - now < _SOON else good
