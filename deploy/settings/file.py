"""Settings from a TOML file and the environment, and what is wrong with them told line by line.

A relative path in a settings file is taken from the directory in which `vigia` was started, as everywhere in Unix.
"""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from deploy.errors import DeployError
from deploy.language import Language, Text

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
    if (settings := _if_plain(path, model)) is not None:
        return settings
    from deploy.settings.judging import judge  # its words would stay in a gateway's memory for months

    return judge(path, model, language)


def env_prefix(model: type[BaseModel]) -> str:
    """How the variables that go before this model's file begin, its ENV_PREFIX; "" when there are none."""
    return str(getattr(model, "ENV_PREFIX", ""))


def _if_plain(path: Path, model: type[M]) -> M | None:
    """The settings of a file without a fault that no variable goes before; None when there is anything to say."""
    prefix = env_prefix(model).upper()
    if prefix and any(name.upper().startswith(prefix) for name in os.environ):
        return None
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES or not raw.strip():
            return None
        return model(**tomllib.loads(raw.decode("utf-8-sig").replace("\r\n", "\n")))
    except (OSError, ValueError, RecursionError):  # pydantic's and TOML's errors are of ValueError
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
