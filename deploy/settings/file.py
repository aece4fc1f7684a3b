"""Settings from a TOML file and the environment, and what is wrong with them told line by line.

A relative path in a settings file is taken from the directory in which `vigia` was started, as everywhere in Unix.
"""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from deploy.language import Language
from deploy.settings.problems import MAX_FILE_BYTES, env_prefix

M = TypeVar("M", bound=BaseModel)


def load_settings(path: Path, model: type[M], language: Language = "es") -> M:
    """The settings in a file, the environment over it. Raises SettingsFileError with every problem found; none of them
    quotes a value, since it may be a key. language: of its message; its problems are in both."""
    if (settings := _if_plain(path, model)) is not None:
        return settings
    from deploy.settings.judging import judge  # its words would stay in a gateway's memory for months

    return judge(path, model, language)


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
