"""How settings are written down for a person: what each means, in comments, and its value in TOML."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from deploy.language import Language

_WIDTH: Final = 116


def in_language(description: str, language: Language, spanish: Mapping[str, str]) -> str:
    """A setting's description. spanish: by the English; what is not in it is told in English."""
    return spanish.get(description, description) if language == "es" else description


def comment(words: str) -> list[str]:
    """Lines that each begin with #; none for no words."""
    return [f"# {line}" for line in textwrap.wrap(words, _WIDTH)]


def toml_value(value: Any) -> str:
    """What follows the = of a setting: of text, a path, a number, a choice, or several of them."""
    if isinstance(value, Enum):
        return toml_value(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False, default=str)
