"""A rules file from disk."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from gateway.rules.book import RuleBook
from gateway.rules.errors import Fault, RulesError

MAX_FILE_BYTES: Final = 1024 * 1024


def load_rules(path: Path) -> RuleBook:
    """The rules in a file. Raises RulesError with every fault and its place (`vigia gateway check` knows the lines)."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        said = error.strerror or str(error)
        raise RulesError(str(path), [Fault("", f"no se puede leer: {said}", f"cannot be read: {said}")]) from error
    return parse_rules(raw, str(path))


def parse_rules(raw: bytes, origin: str) -> RuleBook:
    """The rules in a file's bytes. origin: what to call them. Raises RulesError."""
    if len(raw) > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1024
        raise RulesError(origin, [Fault("", f"pasa de {most} KiB", f"it is longer than {most} KiB")])
    try:
        values = tomllib.loads(raw.decode("utf-8-sig").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(origin, [Fault("", f"no es TOML: {error}", f"not TOML: {error}")]) from error
    except (ValueError, RecursionError) as error:  # not UTF-8; a number of thousands of digits; lists without end
        raise RulesError(origin, [Fault("", "no es TOML en UTF-8", "not TOML in UTF-8")]) from error
    try:
        return RuleBook.model_validate(values)
    except ValidationError as error:
        faults = [
            Fault(_place(values, fault["loc"]), f"no sirve así; en inglés: {fault['msg']}", fault["msg"])
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise RulesError(origin, faults) from error


def _place(values: Any, loc: Sequence[str | int]) -> str:
    """Where: tables by their number from 1 and name; pydantic's names of union members are left out."""
    words: list[str] = []
    for part in loc:
        if isinstance(part, int):
            values = values[part] if isinstance(values, list) and part < len(values) else None
            name = values.get("name") if isinstance(values, dict) else None
            called = f' "{name}"' if isinstance(name, str) and name.isprintable() else ""
            words[-1:] = [f"{words[-1] if words else ''}[{part + 1}]{called}"]
        elif isinstance(values, dict) and part in values:
            values = values[part]
            words.append(part)
        elif part == loc[-1] and not (isinstance(values, dict) and values.get("when") == part):
            words.append(part)
    return ": ".join(words)
