"""What a folder hands to a clerk, and what the clerk makes of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from firmware_bridge.readings import Attachment, Reading, Rejected


class Item(msgspec.Struct, frozen=True):
    """A file. path: where it lies. name: its place below the watched directory, safe to show. folder: the first
    directory of that, "" for none. sha256: of the whole, 64 hex digits. modified_s: Unix time as the file system has
    it."""

    path: str
    name: str
    folder: str
    size_bytes: int
    sha256: str
    modified_s: float


def item_of(path: Path, directory: Path, content: bytes, modified_s: float) -> Item:
    """A file as a source that watches a directory has it; by its name alone where it lies elsewhere."""
    absolute, watched = path.absolute(), directory.absolute()
    name = str(absolute.relative_to(watched)) if absolute.is_relative_to(watched) else path.name
    folder = name.split("/", 1)[0] if "/" in name else ""
    return Item(str(path), name, folder, len(content), hashlib.sha256(content).hexdigest(), modified_s)


class Bundle(msgspec.Struct, frozen=True):
    """Files that belong together and what they tell: a reading with its attachments, or only reasons; then the files
    are to be kept aside."""

    items: tuple[Item, ...]
    reading: Reading | None = None
    attachments: tuple[Attachment, ...] = ()
    rejected: tuple[Rejected, ...] = ()


class Clerk(Protocol):
    """Makes readings of files. Pure but for reading the file that is handed in; never raises but OSError for that."""

    suffixes: frozenset[str]
    """Of the names to look at, in lower case, such as ".jpg"."""
    max_bytes: int
    """Of one file."""

    def is_whole(self, file: BinaryIO, size_bytes: int) -> bool:
        """Whether the file has its end; one that has not is waited for, and then taken all the same."""

    def mark(self, file: BinaryIO) -> bytes | None:
        """A SHA-256 of what the recorder tells of this recording and of no other, the same for a copy that is cut short
        or written anew; None where it does not tell enough."""

    def take(self, item: Item, file: BinaryIO, now_s: float, clock_s: float) -> None:
        """Look at a file. now_s: Unix time; clock_s: of a clock that only goes on."""

    def due(self, clock_s: float) -> list[Bundle]:
        """What need not wait any longer."""

    def waiting(self) -> int:
        """How many files wait for others of their event."""
