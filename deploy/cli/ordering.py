"""What every command that gives an order shares: the post, the options, the look at it, its place in the book."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from deploy.cli.checked import say
from deploy.cli.doctor import Lang, Language
from deploy.cli.plain import plain_errors
from deploy.errors import DeployError
from deploy.language import Text
from deploy.orders.checking import Post, Remark, Weight, at_station, clock_remarks, hours_remarks
from deploy.orders.giving import BOOK, Part, give, now_ms, read_key

KEY: Final = Path("/etc/vigia/commands.key")
REGISTRY: Final = Path("/etc/vigia/registry.toml")

BookFile = Annotated[
    Path, typer.Option("--book", help="El libro de órdenes: [commands] path de ingest, que lo crea al arrancar.")
]


class Asked(NamedTuple):
    """An order as it was asked for: its parts, and what is wrong with it."""

    parts: list[Part]
    remarks: list[Remark]


def order(*, hours: float, any_time: bool = True) -> Callable[[Callable[..., Asked]], Callable[..., None]]:
    """Make a command of a function that says what to order: it gets the post as the registry has it (None where that is
    not known) and then its own arguments. The command has those, the post's name before them and the shared options
    after. hours: how long the order is good for if nobody says. any_time: whether `--any-time` changes anything."""

    def made(ask: Callable[..., Asked]) -> Callable[..., None]:
        def command(**told: Any) -> None:
            shared = {name: told.pop(name) for name in list(told) if name in _SHARED}
            _give(lambda post: ask(post, **told), **shared)

        _, *own = inspect.signature(ask, eval_str=True).parameters.values()
        station, *options = (one for one in _SHARED.values() if any_time or one.name != "any_time")
        options = [one.replace(default=hours) if one.name == "hours" else one for one in options]
        parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (station, *own, *options)]
        # typer asks for the signature
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        command.__name__, command.__doc__ = ask.__name__, ask.__doc__
        return command

    return made


def _give(
    ask: Callable[[Post | None], Asked],
    *,
    station: Annotated[str, typer.Argument(help="El nombre del puesto.", show_default=False)],
    key_file: Annotated[Path, typer.Option("--key", help="La clave privada que firma, de `vigia commands key`.")] = KEY,
    book: BookFile = BOOK,
    registry: Annotated[
        Path, typer.Option(help="El registro de puestos y sensores de la sede, con el que se revisa la orden.")
    ] = REGISTRY,
    hours: Annotated[float, typer.Option(help="Cuántas horas vale la orden.")] = 24.0,
    any_time: Annotated[
        bool,
        typer.Option(
            "--any-time", help="Que se cumpla aunque el puesto no sepa la hora (y no pueda ver si ya venció)."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Dar la orden aunque la revisión no la acepte, o sin registro.")
    ] = False,
    lang: Language = Lang.ES,
) -> None:
    with plain_errors(lang.value):
        post, remarks = at_station(registry, station)
        asked = ask(post)
        remarks += [*hours_remarks(hours), *clock_remarks(now_ms()), *asked.remarks]
        _refuse(remarks, force=force)
        key = read_key(key_file)
        gave = give(station, asked.parts, key, book, hours, any_time=any_time, language=lang.value)
    for words in (*(remark.words for remark in remarks), *gave.superseded):
        typer.echo(f"{Text('Ojo', 'Mind')(lang.value)}: {words(lang.value)}", err=True)
    for command_id, told in gave.orders:
        typer.echo(f"{command_id}  {told}")
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(now_ms() / 1000 + hours * 3600))
    say(
        Text(
            f"Se envía cuando el puesto escuche, hasta el {until}; `vigia commands list` dice qué pasó.",
            f"It is sent when the post listens, until {until}; `vigia commands list` says what became of it.",
        ),
        lang.value,
    )


_SHARED: Final = {
    name: parameter for name, parameter in inspect.signature(_give, eval_str=True).parameters.items() if name != "ask"
}


def _refuse(remarks: list[Remark], *, force: bool) -> None:
    """Raises DeployError for an order that should not travel."""
    heaviest = max((remark.weight for remark in remarks), default=Weight.DOUBT)
    if heaviest is Weight.DOUBT or (force and heaviest is Weight.FAULT):
        return
    lines = [
        Text("La orden no se dio:", "The order was not given:"),
        *(Text(f"  {remark.words.es}", f"  {remark.words.en}") for remark in remarks if remark.weight > Weight.DOUBT),
    ]
    if heaviest is Weight.FAULT:
        lines.append(Text("Si aun así hay que darla: --force", "To give it all the same: --force"))
    raise DeployError(Text("\n".join(line.es for line in lines), "\n".join(line.en for line in lines)))
