"""Settings from a TOML file and the environment, and what is wrong with them told line by line.

A relative path in a settings file is taken from the directory in which `vigia` was started, as everywhere in Unix.
"""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings
from pydantic_settings.exceptions import SettingsError as NotJsonError

from deploy.errors import DeployError
from deploy.settings_environment import blame, misspelt, not_json
from deploy.settings_faults import explain
from deploy.settings_lines import line_numbers

M = TypeVar("M", bound=BaseSettings)

MAX_FILE_BYTES: Final = 1024 * 1024


class Problem(NamedTuple):
    """One thing that is wrong: the line of the file (None: not in the file), where, and what to do about it."""

    line: int | None
    where: str
    words: str

    def __str__(self) -> str:
        return f"{f'line {self.line}: ' if self.line else ''}{f'{self.where}: ' if self.where else ''}{self.words}"


class SettingsFileError(DeployError):
    """A settings file that cannot be used. `problems` are in the order of their lines; those without one come last."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = sorted(dict.fromkeys(problems), key=lambda p: (p.line is None, p.line or 0))
        count = len(self.problems)
        head = f"{path} cannot be used. El archivo tiene {count} {'error' if count == 1 else 'errores'}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


def load_settings(path: Path, model: type[M]) -> M:
    """The settings in a file, the environment over it. Raises SettingsFileError with every problem found; none of them
    quotes a value, since it may be a key."""
    text = _read(path)
    values = _parse(path, text)
    prefix = str(model.model_config.get("env_prefix", ""))
    problems = [Problem(None, name, words) for name, words in misspelt(model, prefix)]
    # What begins with _ would be an option of pydantic-settings to itself.
    hidden = [name for name in values if name.startswith("_")]
    problems += [Problem(line_numbers(text).get((name,)), name, "no such setting; take it away") for name in hidden]
    try:
        settings = model(**{name: value for name, value in values.items() if name not in hidden})
    except NotJsonError:
        problems += [Problem(None, name, words) for name, words in not_json(model, prefix)]
    except ValidationError as error:
        lines = line_numbers(text)
        for place, kind, words in explain(error, model):
            variable = blame(place, kind, prefix)
            line = (
                None if variable else next(filter(None, (lines.get(place[:n]) for n in range(len(place), 0, -1))), None)
            )
            # The line leads to the very element; its number is only needed without one.
            named = (
                part if isinstance(part, str) else f"[{part + 1}]"
                for part in place
                if isinstance(part, str) or not line
            )
            where = ".".join(named).replace(".[", "[")
            problems.append(Problem(line, where, f"{words} (environment variable {variable})" if variable else words))
    if problems:
        raise SettingsFileError(path, problems)
    return settings


def relative_paths(settings: BaseModel) -> list[str]:
    """The names of settings that hold a relative path, such as `outbox.path`."""
    found: list[str] = []
    for name, value in settings:
        if isinstance(value, BaseModel):
            found += [f"{name}.{inner}" for inner in relative_paths(value)]
        elif isinstance(value, Path) and not value.is_absolute():
            found.append(name)
    return found


def _read(path: Path) -> str:
    """The file's text. Notepad's byte order mark is taken off."""
    fault = ""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            fault = "it is a directory; name the file in it" if path.is_dir() else "it is not a file"
        else:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        fault = "there is no such file"
    except PermissionError:
        fault = "you may not read it; use sudo, or an account of the group that owns it"
    except OSError as error:
        fault = error.strerror or str(error)
    if not fault and len(raw) > MAX_FILE_BYTES:
        fault = f"it is longer than {MAX_FILE_BYTES // 1024} KiB, so it is no settings file"
    if not fault and not raw.strip():
        fault = "it is empty; `vigia gateway config` and `vigia ingest config` print a complete one"
    if fault:
        raise SettingsFileError(path, [Problem(None, "", fault)])
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        words = "here is a byte that is not UTF-8 text; save the file as UTF-8"
        raise SettingsFileError(path, [Problem(line, "", words)]) from error


_HINTS: Final = (
    ("Invalid value", 'what follows the = is no value; text stands in "quotes", straight ones'),
    ("Expected newline", 'the line goes on after the value; text stands in "quotes", one setting a line'),
    ("Expected '='", "a setting is written: name = value"),
    ("Cannot overwrite", "this setting or table stands here for the second time; take one away"),
    (
        "Cannot declare",
        "this table stands here for the second time; take one away, or write [[...]] for a list of them",
    ),
    ("Unterminated string", "a text that begins with a quote does not end with one"),
    ("Illegal character '\\n'", "a text that begins with a quote does not end with one"),
    ("Expected ']'", "a table's name ends with ], a list of tables' with ]]"),
    ("Found invalid character", "here is a character that no text file has; the file may be damaged"),
)


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        found = re.search(r"\(at line (\d+), column \d+\)", said)
        line = int(found[1]) if found else len(text.rstrip().splitlines())
        said = "Found invalid character" if "\0" in text else said
        plain = next((words for theirs, words in _HINTS if said.startswith(theirs)), "")
        said = re.sub(r"\s*\(at .*\)$", "", said)
        problem = Problem(line, "", plain or f"not TOML: {said}")
        raise SettingsFileError(path, [problem]) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; lists in lists without end
        raise SettingsFileError(path, [Problem(None, "", "it holds a value that no setting can have")]) from error
