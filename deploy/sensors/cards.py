"""What there is to know of each driver, from its header and its module."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel

import firmware_bridge
from deploy.errors import DeployError
from deploy.language import Language, Text
from firmware_bridge import drivers
from firmware_bridge.sources import DRIVERS

SECTIONS: Final = ("Device", "Specification", "Link", "Data layout", "Integrity")
"""What the header of every driver has."""
EXTRA: Final = "Extra"
"""What the header of a driver has that needs more than the gateway does: the extra of pyproject.toml and, in brackets,
the module that it brings: `modbus (pymodbus)`, or `pictures (PIL) for thumbnails` if most goes without it."""
PAGES: Final = Path(firmware_bridge.__path__[0], "docs")

_SECTION: Final = re.compile(rf"^({'|'.join((*SECTIONS, EXTRA))})\s+")
_EXTRA: Final = re.compile(r"([a-z]+) \(([A-Za-z_]+)\)(?: for ([\w ]+))?")
_SHORTEST_MODEL: Final = 3
_MOST_MEANT: Final = 3
_JAVASCRIPT: Final = "javascript (quickjs) for codec javascript"


class Extra(NamedTuple):
    """An extra of ours, the module that it brings, and whether that is installed. purpose: what it is needed for; "" if
    nothing works without it."""

    name: str
    module: str
    purpose: str
    installed: bool


class Card(NamedTuple):
    """One driver. title: the first line of its header. link: of its header, the first words. quantities: by code."""

    name: str
    title: str
    device: str
    link: str
    quantities: tuple[str, ...]
    extras: tuple[Extra, ...]
    has_page: bool


def card(name: str) -> Card:
    """Imports the driver. Raises DeployError for one that there is not."""
    check_known(name)
    driver = DRIVERS[name]
    header = importlib.import_module(f"{drivers.__name__}.{name}").__doc__ or ""
    told = sections(header)
    extras = [_extra(*found) for found in _EXTRA.findall(told.get(EXTRA, ""))]
    if _can_be(driver.Settings, "javascript"):
        extras += [_extra(*found) for found in _EXTRA.findall(_JAVASCRIPT)]
    return Card(
        name,
        " ".join(header.split("\n\n", 1)[0].split()).rstrip("."),
        told.get("Device", ""),
        re.split(r"[;.](?:\s|$)", told.get("Link", ""), maxsplit=1)[0],
        tuple(sorted(driver.QUANTITIES, key=_code)),
        tuple(extras),
        (PAGES / f"{name}.md").is_file(),
    )


def cards() -> list[Card]:
    """Every driver, by name."""
    return [card(name) for name in DRIVERS]


def check_known(name: str, language: Language = "es") -> None:
    """Raises DeployError for a driver that there is not, with those that may be meant."""
    if name in DRIVERS:
        return
    meant = _meant(name)
    question = Text(f"¿Quiso decir {' o '.join(meant)}? " if meant else "", f"{' or '.join(meant)}? " if meant else "")
    there = ", ".join(DRIVERS)
    raise DeployError(
        Text(
            f"no hay un driver {name!r}. {question.es}Los que hay: {there}. Qué es cada uno: vigia sensors list",
            f"there is no driver {name!r}; {question.en}There are: {there}. What each is: vigia sensors list --lang en",
        )(language)
    )


def _meant(name: str) -> list[str]:
    """Drivers whose name, or the models in whose header, are like a word."""
    word = _plain(name)
    found = [one for one in DRIVERS if word and (word in _plain(one) or _plain(one) in word)]
    if not found and len(word) >= _SHORTEST_MODEL:
        found = [one.name for one in cards() if word in _plain(f"{one.title} {one.device}")]
    return (found or difflib.get_close_matches(name.lower(), list(DRIVERS), n=2))[:_MOST_MEANT]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def sections(header: str) -> dict[str, str]:
    """The sections of a driver's header by name, each in one line."""
    found: dict[str, list[str]] = {}
    words: list[str] = []
    for line in header.splitlines():
        if begins := _SECTION.match(line):
            words = found.setdefault(begins[1], [])
            line = line[begins.end() :]
        elif not line.strip():
            words = []
        words.append(line.strip())
    return {name: " ".join(parts) for name, parts in found.items()}


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a value of a type may be or hold: through lists, unions and optional values."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def _can_be(settings: type[BaseModel], codec: str, seen: frozenset[type[BaseModel]] = frozenset()) -> bool:
    """Whether some table of these settings may say `codec = "..."`."""
    if settings in seen:
        return False
    for name, field in settings.model_fields.items():
        if name == "codec" and get_origin(field.annotation) is Literal and codec in get_args(field.annotation):
            return True
        if any(_can_be(inner, codec, seen | {settings}) for inner in models_in(field.annotation)):
            return True
    return False


def _extra(name: str, module: str, purpose: str) -> Extra:
    return Extra(name, module, purpose, importlib.util.find_spec(module) is not None)


def _code(quantity: str) -> int:
    from firmware_bridge.readings import QUANTITIES

    return QUANTITIES[quantity].code
