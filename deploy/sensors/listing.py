"""The drivers as a table on a terminal, as lines, as JSON, and as the page that indexes their pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text as RichText

from deploy.sensors.cards import Card, Extra

_MOST_QUANTITIES: Final = 10
_ANY: Final = "what its payloads tell"


def as_json(cards: Sequence[Card]) -> str:
    """A list of objects."""
    rows = [card._asdict() | {"extras": [extra._asdict() for extra in card.extras]} for card in cards]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_lines(cards: Sequence[Card]) -> list[str]:
    """One line a driver, separated by tabs: name, device, link, quantities, extras."""
    return ["\t".join((c.name, c.title, c.link, ", ".join(c.quantities), _extras(c.extras))) for c in cards]


def as_table(cards: Sequence[Card]) -> Table:
    """For a terminal, however narrow."""
    table = Table("Driver", "What it hears")
    table.columns[0].no_wrap = True
    for card in cards:
        words = RichText.assemble((card.title, "bold"), f"\n{card.link}\n", (_quantities(card), "cyan"))
        for extra in card.extras:
            if not extra.purpose or not extra.installed:
                words.append(f"\n{_extras([extra])}", "dim" if extra.installed else "yellow")
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


def _quantities(card: Card, quote: str = "") -> str:
    if len(card.quantities) > _MOST_QUANTITIES:
        return _ANY
    return ", ".join(f"{quote}{name}{quote}" for name in card.quantities)


def _extras(extras: Sequence[Extra]) -> str:
    return "; ".join(
        f"vigia[{x.name}]{_purpose(x)} ({'installed' if x.installed else f'missing: pip install vigia[{x.name}]'})"
        for x in extras
    )


def _needs(extras: Sequence[Extra]) -> str:
    """The same whatever is installed here."""
    return ", ".join(f"`vigia[{x.name}]`{_purpose(x)}" for x in extras)


def _purpose(extra: Extra) -> str:
    return f" for {extra.purpose}" if extra.purpose else ""
