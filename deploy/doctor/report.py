"""The findings for a person: a table on a terminal, lines elsewhere; and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as RichText

from deploy.doctor.findings import Language, Mark, Text, Told

# A word and a sign each: colour alone says nothing on a sunlit or old screen.
_WORDS: Final = {
    Mark.OK: Text("bien", "ok"),
    Mark.ATTENTION: Text("atención", "attention"),
    Mark.WRONG: Text("MAL", "WRONG"),
    Mark.UNSEEN: Text("sin ver", "not seen"),
}
_SIGNS: Final = {Mark.OK: "✓", Mark.ATTENTION: "!", Mark.WRONG: "✗", Mark.UNSEEN: "?"}
_STYLES: Final = {Mark.OK: "green", Mark.ATTENTION: "yellow", Mark.WRONG: "bold red", Mark.UNSEEN: "magenta"}
_ORDER: Final = (Mark.UNSEEN, Mark.ATTENTION, Mark.WRONG)
"""What is worst comes last: that is where a reader of a terminal looks."""
_TODO: Final = Text("Qué hacer", "What to do")


def exit_code(told: Sequence[Told]) -> int:
    """0: nothing is wrong, though there may be something to look after. 1: something is wrong. 2: nothing wrong was
    found, but something could not be looked at."""
    marks = {item.finding.mark for item in told}
    return 1 if Mark.WRONG in marks else 2 if Mark.UNSEEN in marks else 0


def summary(told: Sequence[Told], language: Language) -> str:
    """One sentence over all."""
    count = Counter(item.finding.mark for item in told)
    one = count[Mark.OK] == 1
    es = ["1 cosa bien" if one else f"{count[Mark.OK]} cosas bien"]
    en = ["1 thing in order" if one else f"{count[Mark.OK]} things in order"]
    for mark, spanish, english in (
        (Mark.UNSEEN, "sin poder ver", "not seen"),
        (Mark.ATTENTION, "por atender", "to look after"),
        (Mark.WRONG, "mal", "wrong"),
    ):
        if count[mark]:
            es.append(f"{count[mark]} {spanish}")
            en.append(f"{count[mark]} {english}")
    if len(es) == 1:
        return Text("Todo está bien.", "All is well.")(language)
    return Text(", ".join(es) + ".", ", ".join(en) + ".")(language)


def as_json(told: Sequence[Told], language: Language) -> str:
    """A list of objects; `code` and `mark` stay the same in every language."""
    rows = [
        {
            "mark": finding.mark.value,
            "code": finding.code,
            "theme": theme(language),
            "what": finding.what(language),
            "where": finding.where,
            "todo": finding.todo(language) if finding.todo else None,
        }
        for theme, finding in told
    ]
    return json.dumps({"exit_code": exit_code(told), "findings": rows}, ensure_ascii=False, indent=2)


def as_lines(title: str, told: Sequence[Told], language: Language) -> list[str]:
    """One line a finding, and one more for what to do."""
    lines = [title]
    for theme, finding in _sorted(told):
        word = _WORDS[finding.mark](language)
        place = f" [{finding.where}]" if finding.where else ""
        lines.append(f"{word:9} {theme(language)}: {finding.what(language)}{place}")
        if finding.todo is not None:
            lines.append(f"{'':9}   {_TODO(language)}: {finding.todo(language)}")
    return [*lines, summary(told, language)]


def show(console: Console, title: str, told: Sequence[Told], language: Language) -> None:
    """On a terminal: what is well in short lines, then what is not with what to do, then the sum."""
    good = Table.grid(padding=(0, 1))
    good.add_column(no_wrap=True, min_width=10)
    good.add_column(no_wrap=True, min_width=13)
    good.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    bad = Table.grid(padding=(0, 1))
    bad.add_column(no_wrap=True, min_width=10)
    bad.add_column(ratio=1)
    for theme, finding in _sorted(told):
        mark = finding.mark
        head = RichText(f"{_SIGNS[mark]} {_WORDS[mark](language)}", _STYLES[mark])
        if mark is Mark.OK:
            good.add_row(
                head,
                RichText(theme(language)),
                RichText.assemble(finding.what(language), (f"  {finding.where}", "dim")),
            )
            continue
        words = RichText.assemble((f"{theme(language)}: ", "bold"), (finding.what(language), "bold"))
        if finding.where:
            words.append(f"\n{finding.where}", "dim")
        if finding.todo is not None:
            words.append(f"\n{_TODO(language)}: ").append(finding.todo(language), "cyan")
        bad.add_row(head, Padding(words, (0, 0, 1, 0)))
    console.rule(RichText(title, "bold"), align="left")
    if good.row_count:
        console.print(good)
    if bad.row_count:
        console.print()
        console.print(bad)
    worst = next((mark for mark in reversed(_ORDER) if any(t.finding.mark is mark for t in told)), Mark.OK)
    console.print(RichText(f"{_SIGNS[worst]} {summary(told, language)}", _STYLES[worst]))


def _sorted(told: Sequence[Told]) -> list[Told]:
    """What is well first, in the order of looking; then the rest, the worst last."""
    order = {mark: place for place, mark in enumerate((Mark.OK, *_ORDER))}
    return sorted(told, key=lambda item: order[item.finding.mark])
