"""Where each table and key of a TOML text stands, which tomllib does not tell."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Mapping
from typing import Final

Place = tuple[str | int, ...]
"""Names of tables and keys, and numbers (from 0) of what is in arrays: ("sources", 0, "devices", 2, "key")."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS: Final = (
    re.compile(r'"""(?:\\.|[^\\])*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")


def line_numbers(text: str) -> Mapping[Place, int]:
    """Each place to its line, from 1; an array of tables also by its elements. The text must be TOML (tomllib took
    it); of any other, what was found before the first fault."""
    scan = _Scan(text)
    with contextlib.suppress(_NotTomlError):  # the caller has been told by tomllib, with better words
        scan.document()
    return scan.places


class _NotTomlError(Exception):
    pass


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted_to = 0
        self._line = 1
        self._elements: dict[Place, int] = {}  # array of tables to its last element
        self.places: dict[Place, int] = {}

    def document(self) -> None:
        table: Place = ()
        while self._skip_blank():
            if self._peek() == "[":
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> Place:
        line = self._line_now()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        keys = self._keys()
        self._at += 2 if many else 1
        table: Place = ()
        for depth, key in enumerate(keys, start=1):
            table = (*table, key)
            if many and depth == len(keys):
                self._elements[table] = self._elements.get(table, -1) + 1
                self.places.setdefault(table, line)
            if table in self._elements:
                table = (*table, self._elements[table])
        self.places.setdefault(table, line)
        return table

    def _assignment(self, table: Place) -> None:
        line = self._line_now()
        place: Place = table
        for key in self._keys():
            place = (*place, key)
            self.places.setdefault(place, line)
        if self._peek() != "=":
            raise _NotTomlError
        self._at += 1
        self._skip_blank()
        self._value(place)

    def _value(self, place: Place) -> None:
        first = self._peek()
        if first == "[":
            self._array(place)
        elif first == "{":
            self._inline_table(place)
        elif self._string() is None:
            self._at = self._match(_SCALAR).end()

    def _array(self, place: Place) -> None:
        self._at += 1
        number = 0
        while self._skip_blank() and self._peek() != "]":
            self.places.setdefault((*place, number), self._line_now())
            self._value((*place, number))
            number += 1
            self._skip_comma("]")
        self._at += 1

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        while self._skip_blank() and self._peek() != "}":
            self._assignment(place)
            self._skip_comma("}")
        self._at += 1

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip_blank()
            quoted = self._string()
            if quoted is None:
                found = self._match(_BARE_KEY)
                self._at = found.end()
                keys.append(found[0])
            else:
                keys.append(str(tomllib.loads(f"key = {quoted}")["key"]))
            self._skip_blank()
            if self._peek() != ".":
                return keys
            self._at += 1

    def _string(self) -> str | None:
        """The string literal that begins here, passed over; None when there is none."""
        if self._peek() not in ('"', "'"):
            return None
        for shape in _STRINGS:
            if found := shape.match(self._text, self._at):
                self._at = found.end()
                return found[0]
        raise _NotTomlError

    def _skip_comma(self, end: str) -> None:
        self._skip_blank()
        if self._peek() == ",":
            self._at += 1
        elif self._peek() != end:
            raise _NotTomlError

    def _skip_blank(self) -> bool:
        """Past blanks and comments; whether anything follows."""
        self._at = self._match(_BLANK).end()
        return self._at < len(self._text)

    def _match(self, shape: re.Pattern[str]) -> re.Match[str]:
        found = shape.match(self._text, self._at)
        if found is None:
            raise _NotTomlError
        return found

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line_now(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line
