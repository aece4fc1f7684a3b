"""What is wrong with a settings file, told line by line: by `load_settings`, when something is out of the ordinary."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_settings import SettingsError as NotJsonError

from deploy.language import Language, Text, system_words
from deploy.settings.environment import blame, merged, misspelt, not_json
from deploy.settings.faults import explain
from deploy.settings.lines import line_numbers
from deploy.settings.problems import MAX_FILE_BYTES, Problem, SettingsFileError, env_prefix
from deploy.settings.words import FAULTS, TOML

M = TypeVar("M", bound=BaseModel)


def judge(path: Path, model: type[M], language: Language) -> M:
    """See `load_settings`."""
    text = _read(path, language)
    values = _parse(path, text, model, language)
    prefix = env_prefix(model)
    problems = [Problem(None, name, words) for name, words in misspelt(model, prefix)]
    # What begins with _ would be an option of pydantic-settings to itself.
    hidden = [name for name in values if name.startswith("_")]
    problems += [Problem(line_numbers(text).get((name,)), name, FAULTS["unknown"]) for name in hidden]
    try:
        seen = {name: value for name, value in values.items() if name not in hidden}
        settings = merged(seen, model, prefix) if prefix else model(**seen)
    except (NotJsonError, RecursionError):  # no JSON, or lists in lists without end
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
