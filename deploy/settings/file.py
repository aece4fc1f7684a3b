"""Settings from a TOML file and the environment, and what is wrong with them told line by line.

A relative path in a settings file is taken from the directory in which `vigia` was started, as everywhere in Unix.
"""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_settings.exceptions import SettingsError as NotJsonError

from deploy.errors import DeployError
from deploy.language import Language, Text, system_words
from deploy.settings.environment import blame, misspelt, not_json
from deploy.settings.faults import explain
from deploy.settings.lines import line_numbers
from deploy.settings.words import FAULTS, TOML

M = TypeVar("M", bound=BaseModel)

MAX_FILE_BYTES: Final = 1024 * 1024


class Problem(NamedTuple):
    """One thing that is wrong: the line of the file (None: not in the file), where, and what to do about it."""

    line: int | None
    where: str
    words: Text

    def __call__(self, language: Language) -> str:
        """In one language."""
        line = f"{Text('línea', 'line')(language)} {self.line}: " if self.line else ""
        return f"{line}{f'{self.where}: ' if self.where else ''}{self.words(language)}"


class SettingsFileError(DeployError):
    """A settings file that cannot be used. `problems` are in the order of their lines; those without one come last.
    missing: there is no such file."""

    def __init__(self, path: Path, problems: list[Problem], language: Language, *, missing: bool = False) -> None:
        self.path = path
        self.problems = sorted(dict.fromkeys(problems), key=lambda p: (p.line is None, p.line or 0))
        self.missing = missing
        count = len(self.problems)
        head = Text(
            f"{path} no sirve; tiene {count} {'error' if count == 1 else 'errores'}:",
            f"{path} cannot be used; it has {count} {'error' if count == 1 else 'errors'}:",
        )
        super().__init__("\n".join([head(language), *(f"  {problem(language)}" for problem in self.problems)]))


def load_settings(path: Path, model: type[M], language: Language = "es") -> M:
    """The settings in a file, the environment over it. Raises SettingsFileError with every problem found; none of them
    quotes a value, since it may be a key. language: of its message; its problems are in both."""
    text = _read(path, language)
    values = _parse(path, text, model, language)
    prefix = str(model.model_config.get("env_prefix", ""))
    problems = [Problem(None, name, words) for name, words in misspelt(model, prefix)]
    # What begins with _ would be an option of pydantic-settings to itself.
    hidden = [name for name in values if name.startswith("_")]
    problems += [Problem(line_numbers(text).get((name,)), name, FAULTS["unknown"]) for name in hidden]
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
            if variable:
                by = FAULTS["variable"].filled(name=variable)
                words = Text(f"{words.es} {by.es}", f"{words.en} {by.en}")
            problems.append(Problem(line, where, words))
    if problems:
        raise SettingsFileError(path, problems, language)
    return settings


def sound_part(path: Path, model: type[M]) -> tuple[M, frozenset[str]] | None:
    """What of a file with faults is in order: settings, and the names of the sections that are not. Those have their
    defaults, or are not there at all, and must not be asked; of a list its sound elements are there. The environment is
    left out. None for a file that cannot be read as TOML."""
    try:
        values = _parse(path, _read(path, "es"), model, "es")
    except SettingsFileError:
        return None
    sound: dict[str, Any] = {}
    unsound = set()
    for name, field in model.model_fields.items():
        value, annotation = values.get(name), cast(Any, field.annotation)
        if get_origin(annotation) is list and isinstance(value, list):
            element = TypeAdapter(get_args(annotation)[0])
            sound[name] = [checked for each in value if (checked := _checked(element, each)) is not None]
        elif name in values and (checked := _checked(TypeAdapter(annotation), value)) is not None:
            sound[name] = checked
        elif name in values or field.is_required():
            unsound.add(name)
    return model.model_construct(**sound), frozenset(unsound)


def _checked(adapter: TypeAdapter[Any], value: object) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def relative_paths(settings: BaseModel) -> list[str]:
    """The names of settings that hold a relative path, such as `outbox.path` or `sources[1].directory`."""
    return [name for field, value in settings for name in _relative(field, value)]


def _relative(name: str, value: object) -> list[str]:
    if isinstance(value, BaseModel):
        return [f"{name}.{inner}" for inner in relative_paths(value)]
    if isinstance(value, list):
        return [inner for at, one in enumerate(value, 1) for inner in _relative(f"{name}[{at}]", one)]
    is_layout = isinstance(value, str) and name == "layout" and value.endswith(".toml")
    path = Path(str(value)) if is_layout else value
    return [name] if isinstance(path, Path) and not path.is_absolute() else []


def _read(path: Path, language: Language) -> str:
    """The file's text. Notepad's byte order mark is taken off."""
    fault: Text | None = None
    missing = False
    raw = b""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            fault = FAULTS["directory" if path.is_dir() else "no_regular_file"]
        else:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        fault, missing = FAULTS["no_file"], True
    except PermissionError:
        fault = FAULTS["denied"]
    except OSError as error:
        fault = system_words(error)
    if fault is None and len(raw) > MAX_FILE_BYTES:
        fault = FAULTS["too_large"].filled(kib=MAX_FILE_BYTES // 1024)
    if fault is None and not raw.strip():
        fault = FAULTS["nothing"]
    if fault is not None:
        raise SettingsFileError(path, [Problem(None, "", fault)], language, missing=missing)
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsFileError(path, [Problem(line, "", FAULTS["not_utf8"])], language) from error


def _parse(path: Path, text: str, model: type[BaseModel], language: Language) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        found = re.search(r"\(at line (\d+), column \d+\)", said)
        line = int(found[1]) if found else len(text.rstrip().splitlines())
        said = "Found invalid character" if "\0" in text else said
        plain = next((words for theirs, words in TOML if said.startswith(theirs)), None)
        if comma := _DECIMAL_COMMA.search(text.splitlines()[line - 1]):
            plain = FAULTS["decimal_comma"].filled(number=f"{comma[1]}.{comma[2]}")
        if said.startswith("Invalid value") and _is_yes_or_no(text, line, model):
            plain = FAULTS["write_true_or_false"]
        said = re.sub(r"\s*\(at .*\)$", "", said)
        problem = Problem(line, "", plain or FAULTS["not_toml"].filled(said=said))
        raise SettingsFileError(path, [problem], language) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; lists in lists without end
        raise SettingsFileError(path, [Problem(None, "", FAULTS["no_value"])], language) from error


_DECIMAL_COMMA: Final = re.compile(r"=\s*([-+]?\d+),(\d+)\s*(?:[,}#]|$)")
_YES_OR_NO: Final = re.compile(r"[^=]*=\s*(s[ií]|no|yes|on|off|true|false|verdadero|falso)\s*(#.*)?", re.IGNORECASE)
_BARE_WORD: Final = re.compile(r"[^=]*=\s*[^\W\d]\w*\s*(#.*)?")


def _is_yes_or_no(text: str, line: int, model: type[BaseModel]) -> bool:
    """Whether a line without a value has a bare word where true or false belongs."""
    written = text.splitlines()[line - 1]
    if _YES_OR_NO.fullmatch(written):
        return True
    at = [place for place, number in line_numbers(text).items() if number == line]
    if not at or len(at[-1]) != 2 or not _BARE_WORD.fullmatch(written):
        return False
    table, name = at[-1]
    section = model.model_fields.get(str(table))
    fields = getattr(section.annotation, "model_fields", {}) if section else {}
    return str(name) in fields and fields[str(name)].annotation is bool
