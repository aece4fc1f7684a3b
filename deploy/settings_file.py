"""Settings from a TOML file and the environment, and what is wrong with them told line by line."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings

from deploy.errors import DeployError

M = TypeVar("M", bound=BaseSettings)

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY: Final = re.compile(r"""^\s*([A-Za-z0-9_.-]+|"[^"]+"|'[^']+')\s*=""")


class Problem(NamedTuple):
    """One thing that is wrong: the line of the file (None: not in the file), where, and what to do about it."""

    line: int | None
    where: str
    words: str

    def __str__(self) -> str:
        return f"{f'line {self.line}: ' if self.line else ''}{f'{self.where}: ' if self.where else ''}{self.words}"


class SettingsFileError(DeployError):
    """A settings file that cannot be used."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__("\n".join([f"{path} cannot be used:", *(f"  {problem}" for problem in problems)]))
        self.path = path
        self.problems = problems


def load_settings(path: Path, model: type[M]) -> M:
    """The settings in a file, the environment over it. Raises SettingsFileError with every problem found."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsFileError(path, [Problem(None, "", f"{error.strerror or error}")]) from error
    except UnicodeDecodeError as error:
        raise SettingsFileError(path, [Problem(None, "", "it is not UTF-8 text")]) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        words = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise SettingsFileError(path, [Problem(int(found[1]) if found else None, "", f"not TOML: {words}")]) from error
    try:
        return model(**values)
    except ValidationError as error:
        lines = line_numbers(text)
        problems = [_problem(item, lines, model) for item in error.errors(include_url=False, include_context=True)]
        raise SettingsFileError(path, sorted(set(problems), key=lambda p: p.line or 0)) from error


def line_numbers(text: str) -> dict[tuple[str | int, ...], int]:
    """Where each table and key of a TOML text stands: path (names, and numbers in arrays of tables) to line, from 1."""
    places: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    quotes = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if quotes:  # within a string of several lines
            quotes = "" if quotes in line else quotes
            continue
        if header := _HEADER.match(line):
            names = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1] == "[[":
                counts[names] = counts.get(names, -1) + 1
            table = _numbered(names, counts)
            places.setdefault(table, number)
        elif key := _KEY.match(line):
            names = tuple(part.strip().strip("\"'") for part in key[1].split("."))
            places.setdefault((*table, *names), number)
            rest = line[key.end() :]
            for mark in ('"""', "'''"):
                if rest.count(mark) == 1:
                    quotes = mark
    return places


def _numbered(names: tuple[str, ...], counts: dict[tuple[str, ...], int]) -> tuple[str | int, ...]:
    path: list[str | int] = []
    for depth in range(1, len(names) + 1):
        path.append(names[depth - 1])
        if names[:depth] in counts:
            path.append(counts[names[:depth]])
    return tuple(path)


def _problem(item: Any, lines: dict[tuple[str | int, ...], int], model: type[BaseModel]) -> Problem:
    # The name of a driver stands in the path of an error within a discriminated union; it is no key of the file.
    path = tuple(part for part in item["loc"])
    line = None
    for length in range(len(path), 0, -1):
        line = lines.get(path[:length]) or lines.get(_without_tag(path[:length]))
        if line is not None:
            break
    where = ".".join(str(part) for part in _without_tag(path))
    kind = item["type"]
    if kind == "extra_forbidden":
        words = f"no such setting; {_suggestion(str(path[-1]), model, path[:-1])}"
    elif kind == "missing":
        words = "is missing"
    else:
        words = re.sub(r"^(Value error|Assertion failed), ", "", item["msg"])
        words = words[0].lower() + words[1:]
    from_env = "" if line else _from_environment(path, model)
    return Problem(line, where, words + from_env)


def _without_tag(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    if len(path) > 2 and path[0] == "sources" and isinstance(path[1], int):
        return (*path[:2], *path[3:])
    return path


def _from_environment(path: tuple[str | int, ...], model: type[BaseModel]) -> str:
    prefix = str(model.model_config.get("env_prefix", ""))
    name = prefix + "__".join(str(part) for part in path)
    given = next((key for key in os.environ if prefix and key.upper() == name.upper()), None)
    return f" (from the environment variable {given})" if given else ""


def _suggestion(name: str, model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    known = _fields_at(model, path)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"do you mean {close[0]!r}?"
    return f"known here: {', '.join(known)}" if known else "remove it"


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    at: type[BaseModel] = model
    for part in path:
        field = at.model_fields.get(str(part))
        annotation = field.annotation if field is not None else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        at = annotation
    return list(at.model_fields)
