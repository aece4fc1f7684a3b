"""The drivers as a table on a terminal, as lines, as JSON, and as the page that indexes their pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text as RichText

from deploy.language import Language, Text
from deploy.sensors.cards import Card, Extra
from deploy.sensors.spanish import PURPOSES, TITLES, link_words
from firmware_bridge.readings import QUANTITIES

_MOST_QUANTITIES: Final = 10
_ANY: Final = Text("lo que traigan sus mensajes", "what its payloads tell")
_DRIVER: Final = Text("Driver", "Driver")
_HEARS: Final = Text("Qué oye", "What it hears")
_FOR: Final = Text(" para ", " for ")
_INSTALLED: Final = Text("instalado", "installed")
_MISSING: Final = Text("falta: pip install vigia[{name}]", "missing: pip install vigia[{name}]")
_NEXT: Final = Text("Su configuración: vigia sensors sample NOMBRE", "The settings of one: vigia sensors sample NAME")


def as_json(cards: Sequence[Card]) -> str:
    """A list of objects."""
    rows = [card._asdict() | {"extras": [extra._asdict() for extra in card.extras]} for card in cards]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_lines(cards: Sequence[Card], language: Language) -> list[str]:
    """One line a driver, separated by tabs: name, device, link, quantities by the catalogue's names, extras."""
    return [
        "\t".join((c.name, *_title_and_link(c, language), ", ".join(c.quantities), _extras(c.extras, language)))
        for c in cards
    ]


def as_table(cards: Sequence[Card], language: Language) -> Table:
    """For a terminal, however narrow."""
    table = Table(_DRIVER(language), _HEARS(language), caption=RichText(_NEXT(language)), caption_justify="left")
    table.columns[0].no_wrap = True
    for card in cards:
        title, link = _title_and_link(card, language)
        words = RichText.assemble((title, "bold"), f"\n{link}\n", (_titles(card, language), "cyan"))
        for extra in card.extras:
            if not extra.purpose or not extra.installed:
                words.append(f"\n{_extras([extra], language)}", "dim" if extra.installed else "yellow")
        table.add_row(RichText(card.name), words, end_section=True)
    return table


def index_page(cards: Sequence[Card]) -> str:
    """Markdown: every driver with its page."""
    rows = [
        (f"[{c.name}]({c.name}.md)" if c.has_page else c.name, c.title, c.link, _quantities(c, "`"), _needs(c.extras))
        for c in cards
    ]
    return "\n".join(
        [
            "# Sensors that Vigía can hear",
            "",
            "Generated from the headers of `firmware_bridge/drivers` by `vigia generate`. A page tells how to wire a",
            "sensor, its settings, what it says, and its traps. See also `vigia sensors list`, and `vigia sensors",
            "sample NAME` for a block of settings to begin with.",
            "",
            *(f"| {' | '.join(row)} |" for row in (("driver", "device", "link", "quantities", "needs"), ("---",) * 5)),
            *(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows),
            "",
            "Not there? `vigia sensors new MAKER_MODEL` begins a driver: one file, one test, one page.",
            "",
        ]
    )


def _title_and_link(card: Card, language: Language) -> tuple[str, str]:
    if language == "es":
        return TITLES.get(card.name, card.title), link_words(card.link)
    return card.title, card.link


def _titles(card: Card, language: Language) -> str:
    """What it measures, as people call it."""
    if len(card.quantities) > _MOST_QUANTITIES:
        return _ANY(language)
    found = (QUANTITIES[name] for name in card.quantities)
    return ", ".join(one.title_es if language == "es" else one.title_en for one in found)


def _quantities(card: Card, quote: str = "") -> str:
    if len(card.quantities) > _MOST_QUANTITIES:
        return _ANY.en
    return ", ".join(f"{quote}{name}{quote}" for name in card.quantities)


def _extras(extras: Sequence[Extra], language: Language) -> str:
    return "; ".join(
        f"vigia[{x.name}]{_purpose(x, language)}"
        f" ({(_INSTALLED if x.installed else _MISSING.filled(name=x.name))(language)})"
        for x in extras
    )


def _needs(extras: Sequence[Extra]) -> str:
    """The same whatever is installed here."""
    return ", ".join(f"`vigia[{x.name}]`{_purpose(x, 'en')}" for x in extras)


def _purpose(extra: Extra, language: Language) -> str:
    if not extra.purpose:
        return ""
    purpose = PURPOSES.get(extra.purpose, extra.purpose) if language == "es" else extra.purpose
    return f"{_FOR(language)}{purpose}"
