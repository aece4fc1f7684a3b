"""An order is signed and written into the book of commands, from which ingest sends it; or withdrawn from there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.orders.checking import meant_of
from deploy.orders.waiting import times

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gateway.contract.commands import Command, Order
    from ingest.commands.book import CommandBook, Given, Hearing


BOOK: Final = Path("/var/lib/vigia/commands.db")
"""Where the guides have the book."""


class Part(NamedTuple):
    """One command of an order, and what it does, in words for the list."""

    order: Order
    words: Text


class Gave(NamedTuple):
    """What was written into the book. orders: the id and the words of each. superseded: what to tell of orders without
    an answer that are not sent any more because of these."""

    orders: list[tuple[str, str]]
    superseded: list[Text]


def now_ms() -> int:
    """Unix time, milliseconds."""
    return time.time_ns() // 1_000_000


def read_key(path: Path) -> Ed25519PrivateKey:
    """The key that signs. Raises DeployError for a file that is no such key, OSError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # not PEM; with a password; of a kind unknown here
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        words = Text(f"{path} no es una clave de `vigia commands key`", f"{path} is not a key of `vigia commands key`")
        raise DeployError(words)
    return key


def give(
    station: str,
    parts: Sequence[Part],
    key: Ed25519PrivateKey,
    book_file: Path,
    hours: float,
    *,
    any_time: bool,
    language: Language,
) -> Gave:
    """Sign them and write them into the book. More than one are a series: each waits for the answer to the one before.
    Settings and rules supersede those of before that have no answer, or the earlier might be carried out after the
    later. Raises DeployError, then nothing is in the book, or when there is no book or it cannot be used."""
    from gateway.contract.commands import Command, encode_command, new_id
    from gateway.contract.topics import ContractError

    signed = []
    for number, part in enumerate(parts):
        issued_ms = now_ms() + number  # in this order, also within a millisecond
        command = Command(new_id(), station, issued_ms, issued_ms + round(hours * 3_600_000), part.order, any_time)
        try:
            signed.append((command, encode_command(command, key), part.words(language)))
        except ContractError as error:
            words = Text(
                f"{part.words.es}: ningún puesto la tomaría; en inglés: {error.detail}",
                f"{part.words.en}: no post would take it: {error.detail}",
            )
            raise DeployError(words) from error
    series = new_id() if len(signed) > 1 else ""
    superseded: list[Text] = []
    with _opened(book_file) as book:
        for command, message, told in signed:
            older = _older(book, command)
            book.give(command, message, told, series=series, supersedes=[one.id for one, _ in older])
            superseded += [_superseded(one, lost) for one, lost in older]
    return Gave([(command.id, told) for command, _, told in signed], superseded)


def withdraw(book_file: Path, command_id: str) -> list[Given]:
    """Have an order sent no more, with the parts that wait behind it: as they were until now. Raises DeployError for
    one that is not there or over, or when there is no book or it cannot be used."""
    from deploy.orders.answers import state_words

    with _opened(book_file) as book:
        if withdrawn := book.withdraw(command_id, now_ms()):
            return withdrawn
        one = book.given(command_id)
        if one is not None:
            state = one.state(now_ms())
            words = Text(
                f"la orden {command_id} ya no se envía: {state_words(state, 'es')}",
                f"order {command_id} is not sent any more: {state_words(state, 'en')}",
            )
        else:
            meant = meant_of(command_id, [one.id for one in book.open_commands(now_ms())])
            words = Text(
                f"no hay una orden {command_id!r} en {book_file}{meant.es}",
                f"there is no order {command_id!r} in {book_file}{meant.en}",
            )
    raise DeployError(words)


def listed(book_file: Path, station: str | None, registry: Path) -> tuple[list[Given], dict[str, Hearing]]:
    """The last orders in the book, newest first, and which posts hear. Raises DeployError when there is no book, or it
    cannot be used, or for a post that neither the book nor the registry knows."""
    with _opened(book_file) as book:
        given, hearings = book.listed(station), book.hearings()
        known = set(book.stations())
    if station is not None and station not in known:
        known |= _registered(registry)
        if station not in known:
            meant = meant_of(station, known)
            raise DeployError(
                Text(f"no se conoce un puesto {station!r}{meant.es}", f"there is no post {station!r}{meant.en}")
            )
    return given, hearings


def _registered(registry: Path) -> set[str]:
    from deploy.settings.problems import SettingsFileError
    from deploy.settings.registry import load_registry

    try:
        return {one.name for one in load_registry(registry).stations}
    except SettingsFileError:
        return set()


def _older(book: CommandBook, newer: Command) -> list[tuple[Given, list[str]]]:
    """Orders to the same post without an answer that set what a newer one sets, and what of each only it sets."""
    names = _names(newer.order)
    if not names:
        return []
    found = []
    for one in book.open_commands(now_ms()):
        command = one.command() if one.station == newer.station else None
        older = _names(command.order) if command is not None else frozenset()
        if older & names:
            found.append((one, sorted(older - names)))
    return found


def _names(order: Order) -> frozenset[str]:
    """The settings that an order puts on trial at a post; rules are one of them there."""
    from gateway.contract.commands import ChangeSettings, SetRules

    if isinstance(order, SetRules):
        return frozenset({"rules.path"})
    return frozenset(order.changes) if isinstance(order, ChangeSettings) else frozenset()


def _superseded(one: Given, lost: Sequence[str]) -> Text:
    es = f"reemplaza a la orden {one.id} ({one.words}), que ya no se envía"
    en = f"it supersedes order {one.id} ({one.words}), which is not sent any more"
    if one.sends:
        es += f"; se envió {times(one.sends).es}: puede que el puesto la haya recibido"
        en += f"; it was sent {times(one.sends).en}: it may have reached the post"
    if lost:
        es += f"; aquella cambiaba también {', '.join(lost)}: si hace falta, dé otra orden para eso"
        en += f"; that one also changed {', '.join(lost)}: if still wanted, give another order for it"
    return Text(es, en)


@contextmanager
def _opened(path: Path) -> Iterator[CommandBook]:
    """The book, open meanwhile. It is not made here: in a mistyped place nobody would send from it. Raises DeployError
    when it is not there or cannot be used."""
    from ingest.commands.book import BookError, CommandBook

    if not path.exists():
        words = Text(
            f"no hay libro de órdenes en {path}: dígalo con --book, es el [commands] path de los ajustes de ingest. Si"
            " todavía no hay ninguno: escriba ese path y reinicie vigia-ingest, que lo crea al arrancar",
            f"there is no book of commands at {path}: say --book, it is the [commands] path of ingest's settings. If"
            " there is none yet: write that path and restart vigia-ingest, which makes it at its start",
        )
        raise DeployError(words)
    book = CommandBook(path)
    try:
        book.open()
        yield book
    except BookError as error:
        words = Text(
            f"el libro de órdenes {path} no se puede usar: ¿con sudo? ¿es ese el [commands] path de ingest?"
            f" En inglés: {error}",
            f"{error}. With sudo? Is that the [commands] path of ingest?",
        )
        raise DeployError(words) from error
    finally:
        book.close()
