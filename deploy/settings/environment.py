"""The environment over a settings file, and what it has to do with settings that are wrong: pydantic-settings merges
variables into the file's values without a trace, and passes over a misspelt one in silence."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from deploy.language import Text
from deploy.settings.faults import WRONG_SHAPES
from deploy.settings.lines import Place
from deploy.settings.words import FAULTS

M = TypeVar("M", bound=BaseModel)

_DELIMITER = "__"


def merged(values: Mapping[str, Any], model: type[M], prefix: str) -> M:
    """The settings of a file's values with the environment over them. Raises pydantic's ValidationError, and
    SettingsError for a variable that stands for a whole section and is not JSON."""

    class Merged(BaseSettings, model):  # type: ignore[valid-type, misc]  # mypy knows no class that is a variable
        model_config = SettingsConfigDict(env_prefix=prefix, env_nested_delimiter=_DELIMITER)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, init_settings

    found = Merged(**values)
    return model.model_construct(found.model_fields_set, **dict(found))


def misspelt(model: type[BaseModel], prefix: str) -> list[tuple[str, Text]]:
    """Each variable with our prefix that names no section, and what to do."""
    found = []
    for name, parts in _ours(prefix):
        if parts[0] not in model.model_fields:
            close = difflib.get_close_matches(parts[0], model.model_fields, n=1)
            meant = FAULTS["variable_meant"].filled(close=f"{prefix}{close[0].upper()}") if close else None
            found.append((name, meant or FAULTS["variable_unknown"]))
    return found


def not_json(model: type[BaseModel], prefix: str) -> list[tuple[str, Text]]:
    """Each variable that stands for a whole section, a list or a table and cannot be read as one; never none, for when
    one of them could not."""
    ours = [(name, parts) for name, parts in _ours(prefix) if parts[0] in model.model_fields]
    unread = [(name, parts) for name, parts in ours if _as_json(os.environ[name]) is None]
    found = [
        (name, FAULTS["variable_section"].filled(section=f"{prefix}{parts[0].upper()}"))
        for name, parts in unread
        if len(parts) == 1
    ]
    nested = [(name, parts) for name, parts in unread if len(parts) > 1 and _is_json(model, parts)]
    found += [(name, FAULTS["variable_value"]) for name, _ in nested]
    return found or [(name, FAULTS["variable_value"]) for name, _ in unread or ours]


def _is_json(model: type[BaseModel], parts: list[str]) -> bool:
    """Whether a setting is a list or a table, which a variable tells in JSON; other text is taken as it is."""
    node: Any = model
    for part in parts:
        fields = getattr(node, "model_fields", {})
        if part not in fields:
            return False
        node = fields[part].annotation
    return any(get_origin(one) in (list, dict) or hasattr(one, "model_fields") for one in (node, *get_args(node)))


def blame(place: Place, kind: str, prefix: str) -> str | None:
    """The variable that a wrong setting comes from, None when it comes from the file."""
    wanted = [str(part).lower() for part in place]
    for name, parts in _ours(prefix):
        if parts == wanted:
            return name
        if kind in WRONG_SHAPES and parts[: len(wanted)] == wanted:
            return name
        if (
            kind != "missing"
            and wanted[: len(parts)] == parts
            and _holds(_as_json(os.environ[name]), place[len(parts) :])
        ):
            return name
    return None


def _ours(prefix: str) -> Iterator[tuple[str, list[str]]]:
    for name in sorted(os.environ):
        if prefix and name.upper().startswith(prefix.upper()):
            yield name, name[len(prefix) :].lower().split(_DELIMITER)


def _as_json(text: str) -> object:
    try:
        told: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told


def _holds(value: object, place: Place) -> bool:
    for part in place:
        if isinstance(value, list) and isinstance(part, int):
            value = dict(enumerate(value))
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True
