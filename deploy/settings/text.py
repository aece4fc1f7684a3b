"""A settings model as a commented TOML file with every default."""

from __future__ import annotations

import types
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deploy.language import Language, Text
from deploy.settings.commented import comment, in_language, toml_value
from deploy.settings.gateway_words import GATEWAY
from deploy.settings.ingest_words import INGEST
from deploy.settings.problems import env_prefix

SPANISH: Final = {**GATEWAY, **INGEST}
"""Description in English to what a technician reads; one that is not here is told in English."""

_DEFAULTS: Final = Text(
    "{title}. Cada valor es el de fábrica; lo que usted no cambie se puede quitar.",
    "{title}. Every value here is the default; leave out what you do not change.",
)
_VARIABLES: Final = Text(
    "Una variable de entorno {prefix}<SECCIÓN>__<NOMBRE> vale más que el archivo.",
    "An environment variable {prefix}<SECTION>__<NAME> goes before the file.",
)
_PATHS: Final = Text(
    "Una ruta relativa se cuenta desde el directorio donde se arranca vigia: escriba rutas completas.",
    "A relative path is taken from the directory in which vigia is started: write whole paths.",
)
_SOURCES: Final = Text(
    "Lo que este puesto oye: un [[sources]] por cada puerto o directorio. Quite los # para usar este, de sensores que"
    " hablan las tramas de Vigía. Para todos los demás: vigia sensors list, vigia sensors sample NOMBRE.",
    "What this post listens to, one [[sources]] for each port or directory. Take away the # to use this one, of"
    " sensors that speak Vigía's own frames. For all others: vigia sensors list, vigia sensors sample NAME.",
)


def gateway_text(language: Language = "es") -> str:
    """What `vigia gateway config` prints: every setting, and a sample of each driver in comments."""
    from firmware_bridge.sources import DRIVERS
    from gateway.settings import GatewaySettings

    title = Text("Ajustes del gateway de un puesto de Vigía", "Settings of a Vigía gateway")
    return settings_text(GatewaySettings, title, language) + _commented(DRIVERS["vigia_sensor"].SAMPLE, language)


def ingest_text(language: Language = "es") -> str:
    """What `vigia ingest config` prints."""
    from ingest.influx.settings import TO_BE_FILLED_IN
    from ingest.settings import IngestSettings

    shown = {"influx.token": toml_value(TO_BE_FILLED_IN)}
    title = Text("Ajustes de ingest, el servicio de Vigía en la sede", "Settings of Vigía's ingestion service")
    return settings_text(IngestSettings, title, language, required=shown)


def settings_text(
    model: type[BaseModel], title: Text, language: Language, *, required: dict[str, str] | None = None
) -> str:
    """The file's text. required: TOML values to show for fields without a default, by `section.field`."""
    prefix = env_prefix(model)
    lines = comment(_DEFAULTS(language).format(title=title(language)))
    if prefix:
        lines += comment(_VARIABLES(language).format(prefix=prefix))
    lines += comment(_PATHS(language))
    for name, field in model.model_fields.items():
        section = field.annotation
        if choices := _choices(field):
            lines += _samples(name, field, choices, language)
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            continue
        lines += ["", *_explained(field, language), f"[{name}]"]
        tables: list[str] = []  # TOML takes the keys of a table before any table in it
        for key, inner in section.model_fields.items():
            if (element := _element(inner)) is not None:
                tables += _sample(f"{name}.{key}", inner, element, language)
                continue
            if isinstance(inner.annotation, type) and issubclass(inner.annotation, BaseModel):
                tables += _table(f"{name}.{key}", inner, inner.annotation, language)
                continue
            lines += _explained(inner, language)
            lines.append(_assignment(key, inner, (required or {}).get(f"{name}.{key}")))
        lines += tables
    return "\n".join(lines) + "\n"


def _choices(field: FieldInfo) -> list[type[BaseModel]]:
    """The sorts of tables that a list of tables may hold; none for any other field."""
    of = get_args(field.annotation)[0] if get_origin(field.annotation) is list else None
    either = get_args(of)[0] if get_origin(of) is Annotated else of
    return list(get_args(either)) if get_origin(either) in (Union, types.UnionType) else []


def _samples(name: str, field: FieldInfo, choices: list[type[BaseModel]], language: Language) -> list[str]:
    """One element of each sort, in comments; of the later ones only what the first has not, or has otherwise."""
    lines = ["", *_explained(field, language)]
    shown: set[str] = set()
    for number, choice in enumerate(choices):
        lines += [*([] if number == 0 else ["#"]), f"# [[{name}]]"]
        tagged = sorted(choice.model_fields.items(), key=lambda item: not _is_tag(item[1]))
        for key, inner in tagged:
            tag = get_args(inner.annotation)[0] if _is_tag(inner) else None
            line = f"{key} = {_toml(tag)}" if tag else _assignment(key, inner, None).removeprefix("# ")
            if line not in shown or key == "name":
                lines += [f"# {words}" for words in _explained(inner, language)] if line not in shown else []
                lines.append(f"# {line}")
            shown.add(line)
    return lines


def _is_tag(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def _element(field: FieldInfo) -> type[BaseModel] | None:
    """What a list of tables has as its elements; None for any other field."""
    of = get_args(field.annotation)[:1] if get_origin(field.annotation) is list else ()
    return of[0] if of and isinstance(of[0], type) and issubclass(of[0], BaseModel) else None


def _sample(name: str, field: FieldInfo, element: type[BaseModel], language: Language) -> list[str]:
    """One element of a list of tables, in comments."""
    lines = [*_explained(field, language), f"# [[{name}]]"]
    for key, inner in element.model_fields.items():
        lines += [f"# {line}" for line in _explained(inner, language)]
        lines.append(f"# {_assignment(key, inner, None).removeprefix('# ')}")
    return lines


def _table(name: str, field: FieldInfo, model: type[BaseModel], language: Language) -> list[str]:
    """A table within a section."""
    lines = ["", *_explained(field, language), f"[{name}]"]
    for key, inner in model.model_fields.items():
        lines += [*_explained(inner, language), _assignment(key, inner, None)]
    return lines


def _assignment(key: str, field: FieldInfo, shown: str | None) -> str:
    if shown is not None:
        return f"{key} = {shown}"
    default: Any = field.get_default(call_default_factory=True) if field.default is PydanticUndefined else field.default
    if default is None or default is PydanticUndefined:
        return f"# {key} ="
    return f"{key} = {_toml(default)}"


def _toml(value: Any) -> str:
    return '""' if isinstance(value, SecretStr) else toml_value(value)


def _explained(field: FieldInfo, language: Language) -> list[str]:
    return comment(in_language(field.description or "", language, SPANISH))


def _commented(sample: str, language: Language) -> str:
    tables = "[[sources]]\n" + sample.replace("[[", "[[sources.")
    lines = ["", *comment(_SOURCES(language)), *(f"# {line}".rstrip() for line in tables.splitlines())]
    return "\n".join(lines) + "\n"
