"""A driver's sample as a [[sources]] block of a gateway's settings, each setting with what it means."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from deploy.language import Language
from deploy.sensors.cards import check_known, models_in
from deploy.sensors.setting_words import SPANISH
from deploy.sensors.spanish import TITLES
from deploy.settings.commented import comment, in_language, toml_value
from firmware_bridge.sources import DRIVERS

_TABLE: Final = re.compile(r"^(\[\[?)([A-Za-z0-9_.-]+)(\]\]?)\s*$")
_SETTING: Final = re.compile(r"^([A-Za-z0-9_-]+)\s*=")


def source_block(name: str, language: Language = "es") -> str:
    """TOML, ready to be put at the end of a gateway's settings. What the sample leaves out stands in comments, with its
    default. Imports the driver. Raises DeployError for one that there is not."""
    check_known(name, language)
    driver = DRIVERS[name]
    lines = ["[[sources]]"]
    table: tuple[str, ...] = ()
    models: Sequence[type[BaseModel]] = [driver.Settings]
    explained: set[tuple[str, ...]] = set()
    has_told_rest = False
    for line in driver.SAMPLE.strip().splitlines():
        if header := _TABLE.match(line):
            if not has_told_rest:
                lines += [*_left_out(driver.Settings, tomllib.loads(driver.SAMPLE), language), ""]
                has_told_rest = True
            table = tuple(header[2].split("."))
            models = _models_at(driver.Settings, table)
            lines.append(f"{header[1]}sources.{header[2]}{header[3]}")
            continue
        if (setting := _SETTING.match(line)) and (*table, setting[1]) not in explained:
            explained.add((*table, setting[1]))
            words = _description(models, setting[1], language)
            if language == "es" and (*table, setting[1]) == ("driver",):
                words = TITLES.get(name, words)
            lines += comment(words)
        if line or has_told_rest:
            lines.append(line)
    if not has_told_rest:
        lines += _left_out(driver.Settings, tomllib.loads(driver.SAMPLE), language)
    return "\n".join(lines) + "\n"


def _left_out(model: type[BaseModel], told: dict[str, Any], language: Language) -> list[str]:
    """The plain settings that the sample does without, in comments; tables are for the driver's page to explain."""
    lines = []
    for name, field in model.model_fields.items():
        if name in told or field.is_required() or any(models_in(field.annotation)):
            continue
        value = _toml(field)
        assigned = f"# {name} = {value}" if value else f"# {name} ="
        lines += [*comment(_description([model], name, language)), assigned]
    return lines


def _toml(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is None or isinstance(value, SecretStr) else toml_value(value)


def _models_at(model: type[BaseModel], table: Sequence[str]) -> list[type[BaseModel]]:
    """The models that a table of the file may be."""
    models = [model]
    for part in table:
        models = [
            inner for m in models if part in m.model_fields for inner in models_in(m.model_fields[part].annotation)
        ]
    return models


def _description(models: Sequence[type[BaseModel]], setting: str, language: Language) -> str:
    words = next((m.model_fields[setting].description or "" for m in models if setting in m.model_fields), "")
    return in_language(words, language, SPANISH)
