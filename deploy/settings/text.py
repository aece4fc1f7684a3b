"""A settings model as a commented TOML file with every default."""

from __future__ import annotations

import json
import textwrap
import types
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deploy.settings.problems import env_prefix


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
    prefix = env_prefix(model)
    lines = [f"# {title}. Every value here is the default; leave out what you do not change."]
    if prefix:
        lines.append(f"# An environment variable {prefix}<SECTION>__<NAME> goes before the file.")
    lines.append("# A relative path is taken from the directory in which vigia is started: write whole paths.")
    for name, field in model.model_fields.items():
        section = field.annotation
        if choices := _choices(field):
            lines += _samples(name, field, choices)
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


def _choices(field: FieldInfo) -> list[type[BaseModel]]:
    """The sorts of tables that a list of tables may hold; none for any other field."""
    of = get_args(field.annotation)[0] if get_origin(field.annotation) is list else None
    either = get_args(of)[0] if get_origin(of) is Annotated else of
    return list(get_args(either)) if get_origin(either) in (Union, types.UnionType) else []


def _samples(name: str, field: FieldInfo, choices: list[type[BaseModel]]) -> list[str]:
    """One element of each sort, in comments; of the later ones only what the first has not, or has otherwise."""
    lines = ["", *_comment(field.description or "")]
    shown: set[str] = set()
    for number, choice in enumerate(choices):
        lines += [*([] if number == 0 else ["#"]), f"# [[{name}]]"]
        tagged = sorted(choice.model_fields.items(), key=lambda item: not _is_tag(item[1]))
        for key, inner in tagged:
            tag = get_args(inner.annotation)[0] if _is_tag(inner) else None
            line = f"{key} = {_toml(tag)}" if tag else _assignment(key, inner, None).removeprefix("# ")
            if line not in shown or key == "name":
                lines += [f"# {words}" for words in _comment(inner.description or "")] if line not in shown else []
                lines.append(f"# {line}")
            shown.add(line)
    return lines


def _is_tag(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


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
