"""What a settings file has wrong: the errors of `load_settings`, and what all who read one agree on."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel

from deploy.errors import DeployError
from deploy.language import Language, Text

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


def env_prefix(model: type[BaseModel]) -> str:
    """How the variables that go before this model's file begin, its ENV_PREFIX; "" when there are none."""
    return str(getattr(model, "ENV_PREFIX", ""))
