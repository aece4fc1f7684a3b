"""vigia commands ...: orders to posts, signed here, sent by ingest, answered by the post."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.checked import say
from deploy.cli.doctor import Lang, Language
from deploy.cli.ordering import REGISTRY, Asked, BookFile, order
from deploy.cli.plain import plain_errors
from deploy.errors import DeployError
from deploy.language import Text
from deploy.orders.checking import (
    Post,
    Remark,
    Weight,
    image_remarks,
    picture_remarks,
    rules_remarks,
    saying_remarks,
    sensor_remarks,
    settings_remarks,
)
from deploy.orders.giving import BOOK, Part, listed, now_ms, withdraw
from deploy.orders.pictures import stored_remarks
from deploy.orders.sensor_words import words_remarks
from deploy.orders.waiting import times, told, when

if TYPE_CHECKING:
    from gateway.contract.commands import Setting
    from ingest.commands.book import Given, Hearing

INGEST: Final = Path("/etc/vigia/ingest.toml")

# What is told of an order's parts goes into the book, for `vigia commands list`.

app = typer.Typer(
    no_args_is_help=True,
    help="Órdenes a los puestos: pedir una foto, cambiar reglas o ajustes, decir algo a un sensor, ponerle firmware,"
    " arrancar de nuevo. Se firman aquí, ingest las envía cuando el puesto escucha, se cumplen una vez y se contestan."
    " Guía: deploy/docs/ordenes.md. / Orders to posts, signed here, sent by ingest, carried out once, answered.",
)


@app.command()
def key(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Dónde poner los dos archivos.", show_default=False)],
    lang: Language = Lang.ES,
) -> None:
    """Hacer el par de claves: commands.key se queda con quien da órdenes, headquarters.pub va a cada puesto.

    Make the key pair: the private half signs orders, the public half goes to every post.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    from deploy.pki import files

    private, public = directory / "commands.key", directory / "headquarters.pub"
    with plain_errors(lang.value):
        if private.exists():
            words = Text(
                f"{private} ya existe; los puestos que tienen su headquarters.pub no obedecen a otra",
                f"{private} is there already; posts that have its headquarters.pub obey no other",
            )
            raise DeployError(words)
        made = Ed25519PrivateKey.generate()
        files.make_directory(directory)
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.write(private, pem, files.PRIVATE)
        pem = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        files.write(public, pem, files.PUBLIC)
    say(
        Text(
            f"Clave privada: {private} (guárdela: quien la tenga puede dar órdenes a los puestos).\n"
            f"Clave pública: {public}. Cópiela a cada puesto, y en su gateway.toml:\n"
            '  [commands]\n  key_file = "/etc/vigia/headquarters.pub"',
            f"Private key: {private} (keep it: whoever has it can order posts about).\n"
            f"Public key: {public}. Copy it to each post, and in its gateway.toml:\n"
            '  [commands]\n  key_file = "/etc/vigia/headquarters.pub"',
        ),
        lang.value,
    )


@app.command("send-media")
@order(hours=72.0, any_time=False)
def send_media(
    post: Post | None,
    sha256: Annotated[
        str,
        typer.Argument(help="Su código (SHA-256), 64 cifras hexadecimales: lo da /api/v1/media.", show_default=False),
    ],
    ingest: Annotated[Path, typer.Option(help="Los ajustes de ingest, para ver si ya llegó a la sede.")] = INGEST,
) -> Asked:
    """Pedir a un puesto una foto o un audio entero. / Ask a post for a whole picture or clip."""
    from gateway.contract.commands import SendMedia

    stored = stored_remarks(ingest, post.name, sha256) if post is not None else ()
    words = Text(f"enviar la foto o el audio {sha256[:12]}", f"send media {sha256[:12]}")
    return Asked([Part(SendMedia(sha256.lower()), words)], [*picture_remarks(sha256), *stored])


@app.command()
@order(hours=72.0)
def rules(
    post: Post | None,
    file: Annotated[Path | None, typer.Argument(help="Las reglas (TOML); ninguna: las propias del puesto.")] = None,
) -> Asked:
    """Dar otras reglas a un puesto. Se revisan, se prueban, y vuelven las de antes si con ellas se pierde la sede.

    Give a post other rules. They are checked here and there, tried, and taken back if headquarters is lost under them.
    """
    from gateway.contract.commands import SetRules

    if file is None:
        return Asked([Part(SetRules(""), Text("las reglas propias del puesto", "the post's own rules"))], [])
    words = Text(f"reglas de {file.name}", f"rules of {file.name}")
    remarks = list(rules_remarks(post, file))
    return Asked([Part(SetRules(file.read_bytes().decode(errors="replace")), words)], remarks)


@app.command()
@order(hours=72.0)
def settings(
    post: Post | None,
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...", help='Como health.every_s=300 o uplink.mode="windows"; NAME= deshace un cambio.'
        ),
    ],
) -> Asked:
    """Cambiar ajustes de un puesto. Se prueban, y vuelven los de antes si con ellos se pierde la sede.

    Change settings of a post: tried first, and taken back by the post itself if headquarters is lost under them.
    """
    from gateway.contract.commands import ChangeSettings

    told, remarks = _changes(changes)
    words = Text(" ".join(changes), " ".join(changes))
    return Asked([Part(ChangeSettings(told), words)], [*remarks, *settings_remarks(told)])


@app.command("say")
@order(hours=24.0, any_time=False)
def say_to(
    post: Post | None,
    sensor: Annotated[
        str, typer.Argument(help="El nombre del sensor, o de la fuente, en el puesto.", show_default=False)
    ],
    text: Annotated[
        str,
        typer.Option(
            help="Palabras: cualquiera para una radio; para un sensor nuestro ping, status, identify SEGUNDOS,"
            " interval TIPO SEGUNDOS o reboot."
        ),
    ] = "",
    payload: Annotated[str, typer.Option("--hex", help="Bytes en cifras hexadecimales, para otros equipos.")] = "",
    port: Annotated[int, typer.Option(min=1, max=255, help="El puerto (LoRaWAN) de esos bytes.")] = 1,
) -> Asked:
    """Decir algo a un sensor o a una radio de un puesto. / Say something to a sensor or a radio: --text or --hex."""
    from gateway.contract.commands import SayToSensor

    said = SayToSensor(sensor, payload.lower(), port, text)
    words = Text(f"decir a {sensor}: {text or payload}", f"say to {sensor}: {text or payload}")
    remarks = [*saying_remarks(text, payload), *sensor_remarks(post, sensor), *words_remarks(post, sensor, text)]
    return Asked([Part(said, words)], remarks)


@app.command()
@order(hours=336.0)
def firmware(
    post: Post | None,
    sensor: Annotated[str, typer.Argument(help="El nombre del sensor en el puesto.", show_default=False)],
    image: Annotated[Path, typer.Argument(help="El firmware firmado, como lo toma `vigia sensors update`.")],
) -> Asked:
    """Poner firmware nuevo a un sensor: viaja en pedazos y luego va al sensor. / Bring a sensor new firmware."""
    import hashlib

    from gateway.contract.commands import PIECE_BYTES, PutFirmware, UpdateFirmware

    content = image.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    parts = [
        Part(
            PutFirmware(sha256, len(content), at, content[at : at + PIECE_BYTES]),
            Text(f"{image.name}, desde el byte {at}", f"{image.name} from byte {at}"),
        )
        for at in range(0, len(content), PIECE_BYTES)
    ]
    words = Text(f"firmware {image.name} a {sensor}", f"firmware {image.name} to {sensor}")
    parts.append(Part(UpdateFirmware(sensor, sha256), words))
    remarks = [*image_remarks(image, content), *sensor_remarks(post, sensor, must_be_listed=True)]
    return Asked(parts, remarks)


@app.command()
@order(hours=24.0)
def restart(
    post: Post | None,
    machine: Annotated[bool, typer.Option("--machine", help="El equipo entero, no solo el gateway.")] = False,
) -> Asked:
    """Arrancar de nuevo el gateway de un puesto, o su equipo. / Start a post's gateway anew, or its machine."""
    from gateway.contract.commands import Restart

    if machine:
        return Asked([Part(Restart("machine"), Text("arrancar el equipo de nuevo", "restart machine"))], [])
    return Asked([Part(Restart("gateway"), Text("arrancar el gateway de nuevo", "restart gateway"))], [])


@app.command("withdraw")
def withdraw_(
    order_id: Annotated[str, typer.Argument(metavar="ORDER_ID", help="Su número, el que da `vigia commands list`.")],
    book: BookFile = BOOK,
    lang: Language = Lang.ES,
) -> None:
    """Anular una orden que no tiene respuesta: queda retirada. Dice si puede que el puesto ya la tenga.

    Withdraw an order that has no answer: it is not sent any more. Says whether it may have reached the post.
    """
    with plain_errors(lang.value):
        withdrawn = withdraw(book, order_id)
    for one in withdrawn:
        say(Text(f"Retirada: {one.id}  {one.words}", f"Withdrawn: {one.id}  {one.words}"), lang.value)
    sent = [one for one in withdrawn if one.sends]
    if not sent:
        say(
            Text("No se llegó a enviar: el puesto no la verá.", "It was never sent: the post will not see it."),
            lang.value,
        )
    for one in sent:
        often, last = times(one.sends), when(one.sent_ms or 0)
        say(
            Text(
                f"La orden {one.id} ya se envió {often.es} (la última, {last}): puede que el puesto la haya recibido y"
                " la cumpla. Si contesta, `vigia commands list` lo dirá.",
                f"Order {one.id} was sent {often.en} already (last {last}): the post may have it and carry it out. If"
                " it answers, `vigia commands list` will say so.",
            ),
            lang.value,
        )


@app.command("list")
def list_(
    station: Annotated[str | None, typer.Option(help="Solo las de este puesto.")] = None,
    book: BookFile = BOOK,
    registry: Annotated[Path, typer.Option(help="El registro de puestos, por si el nombre está mal.")] = REGISTRY,
    lang: Language = Lang.ES,
) -> None:
    """Las últimas órdenes, qué pasó con cada una, y por qué espera la que espera.

    The last orders, what became of each, and why those wait that do.
    """
    with plain_errors(lang.value):
        given, hearings = listed(book, station, registry)
    if not given:
        say(Text("No hay órdenes en este libro.", "There are no orders in this book."), lang.value)
        return
    titles = ("orden", "puesto", "dada", "qué", "estado", "respuesta")
    titles = titles if lang is Lang.ES else ("id", "post", "given", "what", "state", "answer")
    rows = [_row(one, hearings.get(one.station), now_ms(), lang) for one in given]
    console = Console()
    if not console.is_terminal:  # for a file or another program: a line an order, nothing cut
        for row in (titles, *rows):
            typer.echo("\t".join(row))
        return
    table = Table(*titles, box=None)
    for column in table.columns[:3]:
        column.no_wrap = True
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _row(one: Given, hearing: Hearing | None, at_ms: int, lang: Lang) -> tuple[str, ...]:
    return one.id, one.station, when(one.issued_ms), one.words, *told(one, hearing, at_ms, lang.value)


def _changes(texts: list[str]) -> tuple[dict[str, Setting], list[Remark]]:
    """What NAME=VALUE says, and what of it cannot be read."""
    import tomllib

    told: dict[str, Setting] = {}
    remarks = []
    for text in texts:
        name, equals, written = text.partition("=")
        if not equals or not name:
            words = Text(
                f"{text!r} no es NAME=VALUE, como health.every_s=300",
                f"{text!r} is not NAME=VALUE, such as health.every_s=300",
            )
            remarks.append(Remark(words, Weight.IMPOSSIBLE))
            continue
        try:
            value = tomllib.loads(f"value = {written}")["value"] if written else None
        except tomllib.TOMLDecodeError:
            value = written  # a word without its quotes
        values = value if isinstance(value, list) else [value]
        if all(one is None or isinstance(one, (bool, int, float, str)) for one in values):
            told[name] = value
            continue
        words = Text(
            f"{text!r}: el valor es un número, true o false, una palabra, o una lista de esos",
            f"{text!r}: the value is a number, true or false, a word, or a list of those",
        )
        remarks.append(Remark(words, Weight.IMPOSSIBLE))
    return told, remarks
