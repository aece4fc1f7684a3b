"""vigia commands ...: orders to posts, signed here, sent by ingest, answered by the post."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.checked import say
from deploy.cli.doctor import Lang
from deploy.cli.gateway import Language
from deploy.cli.plain import plain_errors
from deploy.doctor.findings import Text
from deploy.errors import DeployError

if TYPE_CHECKING:
    from gateway.contract.commands import Order, Setting
    from ingest.commands.book import Given

app = typer.Typer(
    no_args_is_help=True,
    help="Orders to posts: ask for a picture, change rules or settings, say something to a sensor, bring it new"
    " firmware, restart. Each is signed here, sent by ingest whenever the post listens, carried out once, answered.",
)

KEY: Final = Path("/etc/vigia/commands.key")
BOOK: Final = Path("/var/lib/vigia/commands.db")

Station = Annotated[str, typer.Argument(help="The post's name.", show_default=False)]
KeyFile = Annotated[Path, typer.Option("--key", help="The private key that signs, from `vigia commands key`.")]
BookFile = Annotated[Path, typer.Option("--book", help="The book of commands: [commands] path of ingest.")]
Hours = Annotated[float, typer.Option(min=0.01, max=2159, help="How long the order is good for.")]
AnyTime = Annotated[
    bool, typer.Option("--any-time", help="Carry it out also while the post does not know what time it is.")
]


@app.command()
def key(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put the two files.", show_default=False)],
    lang: Language = Lang.ES,
) -> None:
    """Make the key pair: commands.key stays with whoever gives orders, headquarters.pub goes to every post."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    from deploy.pki import files

    private, public = directory / "commands.key", directory / "headquarters.pub"
    with plain_errors():
        if private.exists():
            raise DeployError(f"{private} is there already; posts that have its headquarters.pub obey no other")
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
def send_media(
    station: Station,
    sha256: Annotated[str, typer.Argument(help="The picture's or clip's hash, 64 hex digits.", show_default=False)],
    key_file: KeyFile = KEY,
    book: BookFile = BOOK,
    hours: Hours = 72.0,
    lang: Language = Lang.ES,
) -> None:
    """Ask a post for a whole picture or clip."""
    from gateway.contract.commands import SendMedia

    _give(station, [(SendMedia(sha256.lower()), f"send media {sha256[:12]}")], key_file, book, hours, False, lang)


@app.command()
def rules(
    station: Station,
    file: Annotated[Path | None, typer.Argument(help="The rules (TOML); none for the post's own.")] = None,
    key_file: KeyFile = KEY,
    book: BookFile = BOOK,
    hours: Hours = 72.0,
    any_time: AnyTime = False,
    lang: Language = Lang.ES,
) -> None:
    """Give a post other rules. They are checked there, tried, and taken back if headquarters is lost under them."""
    from gateway.contract.commands import SetRules

    with plain_errors():
        text = "" if file is None else file.read_text()
    words = f"rules of {file.name}" if file else "the post's own rules"
    _give(station, [(SetRules(text), words)], key_file, book, hours, any_time, lang)


@app.command()
def settings(
    station: Station,
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...", help='Such as health.every_s=300 or uplink.mode="windows"; NAME= undoes a change.'
        ),
    ],
    key_file: KeyFile = KEY,
    book: BookFile = BOOK,
    hours: Hours = 72.0,
    any_time: AnyTime = False,
    lang: Language = Lang.ES,
) -> None:
    """Change settings of a post: tried first, and taken back by the post itself if headquarters is lost under them."""
    from gateway.contract.commands import ChangeSettings

    with plain_errors():
        told = dict(_change(change) for change in changes)
    _give(station, [(ChangeSettings(told), " ".join(changes))], key_file, book, hours, any_time, lang)


@app.command("say")
def say_to(
    station: Station,
    sensor: Annotated[str, typer.Argument(help="The sensor's or the source's name at the post.", show_default=False)],
    text: Annotated[str, typer.Option(help="Words, for radios that carry them.")] = "",
    payload: Annotated[str, typer.Option("--hex", help="Bytes as hex digits, for devices.")] = "",
    port: Annotated[int, typer.Option(min=1, max=255, help="The port of the payload.")] = 1,
    key_file: KeyFile = KEY,
    book: BookFile = BOOK,
    hours: Hours = 24.0,
    lang: Language = Lang.ES,
) -> None:
    """Say something to a sensor or a radio of a post: --text or --hex."""
    from gateway.contract.commands import SayToSensor

    order = SayToSensor(sensor, payload.lower(), port, text)
    _give(station, [(order, f"say to {sensor}")], key_file, book, hours, False, lang)


@app.command()
def firmware(
    station: Station,
    sensor: Annotated[str, typer.Argument(help="The sensor's name at the post.", show_default=False)],
    image: Annotated[Path, typer.Argument(help="The signed image, as `vigia sensors update` takes it.")],
    key_file: KeyFile = KEY,
    book: BookFile = BOOK,
    hours: Hours = 336.0,
    any_time: AnyTime = False,
    lang: Language = Lang.ES,
) -> None:
    """Bring a sensor of a post new firmware: the image in pieces, then the update."""
    import hashlib

    from gateway.contract.commands import PIECE_BYTES, PutFirmware, UpdateFirmware

    with plain_errors():
        content = image.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    orders: list[tuple[Order, str]] = [
        (PutFirmware(sha256, len(content), at, content[at : at + PIECE_BYTES]), f"{image.name} from byte {at}")
        for at in range(0, len(content), PIECE_BYTES)
    ]
    orders.append((UpdateFirmware(sensor, sha256), f"firmware {image.name} to {sensor}"))
    _give(station, orders, key_file, book, hours, any_time, lang)


@app.command()
def restart(
    station: Station,
    machine: Annotated[bool, typer.Option("--machine", help="The whole machine, not the gateway alone.")] = False,
    key_file: KeyFile = KEY,
    book: BookFile = BOOK,
    hours: Hours = 24.0,
    any_time: AnyTime = False,
    lang: Language = Lang.ES,
) -> None:
    """Start a post's gateway anew, or its machine."""
    from gateway.contract.commands import Restart

    what = "machine" if machine else "gateway"
    _give(
        station,
        [(Restart("machine" if machine else "gateway"), f"restart {what}")],
        key_file,
        book,
        hours,
        any_time,
        lang,
    )


@app.command("list")
def list_(
    station: Annotated[str | None, typer.Option(help="Only this post's.")] = None,
    book: BookFile = BOOK,
    lang: Language = Lang.ES,
) -> None:
    """The last orders, and what became of each."""
    with plain_errors():
        given = _listed(book, station)
    if not given:
        say(Text("No hay órdenes en este libro.", "There are no orders in this book."), lang.value)
        return
    titles = ("orden", "puesto", "dada", "qué", "estado", "respuesta")
    titles = titles if lang is Lang.ES else ("id", "post", "given", "what", "state", "answer")
    rows = [_row(one, _now_ms(), lang) for one in given]
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


def _row(one: Given, now_ms: int, lang: Lang) -> tuple[str, ...]:
    state = one.state(now_ms)
    told = _STATES.get(state, Text(state, state))(lang.value)
    return one.id, one.station, _when(one.issued_ms), one.words, told, one.note or ""


_STATES: Final = {
    "queued": Text("por enviar", "queued"),
    "sent": Text("enviada", "sent"),
    "expired": Text("venció sin respuesta", "expired, no answer"),
    "on_trial": Text("a prueba", "on trial"),
    "done": Text("hecha", "done"),
    "started": Text("empezada", "started"),
    "refused": Text("rechazada", "refused"),
    "failed": Text("falló", "failed"),
    "rolled_back": Text("deshecha por el puesto", "rolled back by the post"),
    "interrupted": Text("interrumpida", "interrupted"),
}


def _give(
    station: str,
    orders: Sequence[tuple[Order, str]],
    key_file: Path,
    book_file: Path,
    hours: float,
    any_time: bool,
    lang: Lang,
) -> None:
    """Sign and write them into the book; more than one are a series: each waits for the answer to the one before."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from gateway.contract.commands import Command, encode_command, new_id
    from gateway.contract.topics import ContractError
    from ingest.commands.book import CommandBook

    with plain_errors():
        try:
            signer = load_pem_private_key(key_file.read_bytes(), None)
        except (ValueError, TypeError) as error:
            raise DeployError(f"{key_file} is not a private key of `vigia commands key`: {error}") from error
        if not isinstance(signer, Ed25519PrivateKey):
            raise DeployError(f"{key_file} is not a key of `vigia commands key`")
        book = CommandBook(book_file)
        book.open()
        series = new_id() if len(orders) > 1 else ""
        try:
            for number, (order, words) in enumerate(orders):
                issued_ms = _now_ms() + number  # in this order, also within a millisecond
                expires_ms = issued_ms + round(hours * 3_600_000)
                command = Command(new_id(), station, issued_ms, expires_ms, order, any_time)
                try:
                    book.give(command, encode_command(command, signer), words, series=series)
                except ContractError as error:
                    raise DeployError(f"{words}: {error.detail}") from error
                typer.echo(f"{command.id}  {words}")
        finally:
            book.close()
    say(
        Text(
            "Se envía cuando el puesto escuche; `vigia commands list` dice qué pasó.",
            "It is sent when the post listens; `vigia commands list` says what became of it.",
        ),
        lang.value,
    )


def _listed(book_file: Path, station: str | None) -> list[Given]:
    from ingest.commands.book import CommandBook

    if not book_file.exists():
        raise DeployError(f"there is no book of commands at {book_file}; say --book, the [commands] path of ingest")
    book = CommandBook(book_file)
    book.open()
    try:
        return book.listed(station)
    finally:
        book.close()


def _change(text: str) -> tuple[str, Setting]:
    import tomllib

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise DeployError(f"{text!r} is not NAME=VALUE, such as health.every_s=300")
    if not value:
        return name, None
    try:
        told = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        told = value  # a word without its quotes
    if isinstance(told, (bool, int, float, str)) or (
        isinstance(told, list) and all(isinstance(one, (int, float, str)) for one in told)
    ):
        return name, told
    raise DeployError(f"{text!r}: a number, true or false, a word, or a list of those")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _when(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))
