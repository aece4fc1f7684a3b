"""A settings model as a commented TOML file with every default."""

from __future__ import annotations

import json
import textwrap
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


def gateway_text() -> str:
    """What `vigia gateway config` prints: every setting, and a sample of each driver in comments."""
    from firmware_bridge.sources import DRIVERS
    from gateway.settings import GatewaySettings

    return settings_text(GatewaySettings, "Settings of a Vigía gateway") + _commented(DRIVERS["vigia_sensor"].SAMPLE)


def ingest_text() -> str:
    """What `vigia ingest config` prints."""
    from ingest.influx.settings import TO_BE_FILLED_IN
    from ingest.settings import IngestSettings

    shown = {"influx.token": _toml(TO_BE_FILLED_IN)}
    return settings_text(IngestSettings, "Settings of Vigía's ingestion service", required=shown)


def settings_text(model: type[BaseModel], title: str, *, required: dict[str, str] | None = None) -> str:
    """The file's text. required: TOML values to show for fields without a default, by `section.field`."""
    prefix = model.model_config.get("env_prefix", "")
    lines = [f"# {title}. Every value here is the default; leave out what you do not change."]
    if prefix:
        lines.append(f"# An environment variable {prefix}<SECTION>__<NAME> goes before the file.")
    lines.append("# A relative path is taken from the directory in which vigia is started: write whole paths.")
    for name, field in model.model_fields.items():
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            continue
        lines += ["", *_comment(field.description or ""), f"[{name}]"]
        tables: list[str] = []  # TOML takes the keys of a table before any table in it
        for key, inner in section.model_fields.items():
            if (element := _element(inner)) is not None:
                tables += _sample(f"{name}.{key}", inner, element)
                continue
            if isinstance(inner.annotation, type) and issubclass(inner.annotation, BaseModel):
                tables += _table(f"{name}.{key}", inner, inner.annotation)
                continue
            lines += _comment(inner.description or "")
            lines.append(_assignment(key, inner, (required or {}).get(f"{name}.{key}")))
        lines += tables
    return "\n".join(lines) + "\n"


def _element(field: FieldInfo) -> type[BaseModel] | None:
    """What a list of tables has as its elements; None for any other field."""
    of = get_args(field.annotation)[:1] if get_origin(field.annotation) is list else ()
    return of[0] if of and isinstance(of[0], type) and issubclass(of[0], BaseModel) else None


def _sample(name: str, field: FieldInfo, element: type[BaseModel]) -> list[str]:
    """One element of a list of tables, in comments."""
    lines = [*_comment(field.description or ""), f"# [[{name}]]"]
    for key, inner in element.model_fields.items():
        lines += [f"# {line}" for line in _comment(inner.description or "")]
        lines.append(f"# {_assignment(key, inner, None).removeprefix('# ')}")
    return lines


def _table(name: str, field: FieldInfo, model: type[BaseModel]) -> list[str]:
    """A table within a section."""
    lines = ["", *_comment(field.description or ""), f"[{name}]"]
    for key, inner in model.model_fields.items():
        lines += [*_comment(inner.description or ""), _assignment(key, inner, None)]
    return lines


def _assignment(key: str, field: FieldInfo, shown: str | None) -> str:
    if shown is not None:
        return f"{key} = {shown}"
    default: Any = field.get_default(call_default_factory=True) if field.default is PydanticUndefined else field.default
    if default is None or default is PydanticUndefined:
        return f"# {key} ="
    return f"{key} = {_toml(default)}"


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr):
        return '""'
    if isinstance(value, Enum):
        return _toml(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _comment(words: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(words, 116)]


def _commented(sample: str) -> str:
    tables = "[[sources]]\n" + sample.replace("[[", "[[sources.")
    lines = [
        "",
        "# What this post listens to, one [[sources]] for each port or directory. Take away the # to use this one, of",
        "# sensors that speak Vigía's own frames. For all others: vigia sensors list, vigia sensors sample NAME.",
    ]
    return "\n".join(lines + [f"# {line}".rstrip() for line in tables.splitlines()]) + "\n"
