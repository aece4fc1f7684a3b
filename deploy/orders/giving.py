"""An order is signed and written into the book of commands, from which ingest sends it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from deploy.errors import DeployError
from deploy.language import Language, Text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gateway.contract.commands import Order
    from ingest.commands.book import CommandBook, Given


BOOK: Final = Path("/var/lib/vigia/commands.db")
"""Where the guides have the book."""


class Part(NamedTuple):
    """One command of an order, and what it does, in words for the list."""

    order: Order
    words: Text


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
) -> list[tuple[str, str]]:
    """Sign them and write them into the book: the id and the words of each. More than one are a series: each waits for
    the answer to the one before. Raises DeployError, then nothing is in the book, or when the book cannot be used."""
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
    with _opened(book_file) as book:
        for command, message, told in signed:
            book.give(command, message, told, series=series)
    return [(command.id, told) for command, _, told in signed]


def listed(book_file: Path, station: str | None) -> list[Given]:
    """The last orders in the book, newest first. Raises DeployError when there is no book, or it cannot be used."""
    if not book_file.exists():
        words = Text(
            f"no hay libro de órdenes en {book_file}: dígalo con --book, el [commands] path de ingest",
            f"there is no book of commands at {book_file}: say --book, the [commands] path of ingest",
        )
        raise DeployError(words)
    with _opened(book_file) as book:
        return book.listed(station)


@contextmanager
def _opened(path: Path) -> Iterator[CommandBook]:
    """The book, open meanwhile. Raises DeployError when it cannot be used."""
    from ingest.commands.book import BookError, CommandBook

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
