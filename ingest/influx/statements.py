"""InfluxQL text from names and values that others chose.

Quoting follows the scanner of InfluxQL: inside quotes a backslash escapes the quote, itself and (as `\\n`) a line feed;
any other escape, a bare line feed and NUL end the statement with an error, and a carriage return is read as a line
feed. There is no way to write NUL and carriage return.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_IDENTIFIER: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n"})
_LITERAL: Final = str.maketrans({"'": "\\'", "\\": "\\\\", "\n": "\\n"})


def quote_identifier(name: str) -> str:
    """A measurement, tag, field or database name. Raises ValueError for NUL and carriage return."""
    return f'"{_sayable(name).translate(_IDENTIFIER)}"'


def quote_literal(text: str) -> str:
    """A string value. Raises ValueError for NUL and carriage return."""
    return f"'{_sayable(text).translate(_LITERAL)}'"


def where(equals: Mapping[str, str], *, start_ns: int | None = None, stop_ns: int | None = None) -> str:
    """` WHERE ...` for tags that equal values and start <= time < stop (Unix time, nanoseconds), or nothing."""
    terms = [f"{quote_identifier(tag)} = {quote_literal(value)}" for tag, value in equals.items()]
    if start_ns is not None:
        terms.append(f"time >= {start_ns:d}")
    if stop_ns is not None:
        terms.append(f"time < {stop_ns:d}")
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def from_measurements(names: Iterable[str]) -> str:
    """` FROM ...` for one or more measurements."""
    return f" FROM {', '.join(quote_identifier(name) for name in names)}"


def _sayable(text: str) -> str:
    if "\0" in text or "\r" in text:
        raise ValueError(f"{text!r} holds a NUL or a carriage return, which InfluxQL cannot say")
    return text
