"""What rules would have done, on a terminal."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from deploy.language import Language, Text
from deploy.replay.trying import Tried
from gateway.place.place import Place
from gateway.rules.facts import Change, Incident, Step
from gateway.rules.words import words

_BAR: Final = 40
_DAYS: Final = Text("lun mar mié jue vie sáb dom", "Mon Tue Wed Thu Fri Sat Sun")
_LAST_MS: Final = 4_102_444_800_000


class Report:
    """place, zone: of the post."""

    def __init__(self, console: Console, language: Language, place: Place, zone: dt.tzinfo) -> None:
        self._console = console
        self._language = language
        self._place = place
        self._zone = zone

    def say(self, text: Text) -> None:
        """One line."""
        self._console.print(text(self._language), markup=False, highlight=False, soft_wrap=True)

    def show(self, tried: Tried, present: Tried | None) -> None:
        """By rule, by day, then each incident in a line."""
        self._by_rule(tried, present)
        self._by_day(tried, present)
        self._each(Text("Avisos", "Warnings"), tried.warned, tried)
        self._each(Text("Callados", "Held back"), tried.held_back, tried)

    def _by_rule(self, tried: Tried, present: Tried | None) -> None:
        told = _counts(tried)
        now = _counts(present) if present is not None else {}
        heads = [Text("regla", "rule"), Text("avisos", "warnings"), Text("callados", "held back")]
        if present is not None:
            heads += [Text("avisos de ahora", "warnings now"), Text("callados de ahora", "held back now")]
        table = Table(*(head(self._language) for head in heads), box=None, pad_edge=False, show_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for rule in dict.fromkeys([*sorted(told), *sorted(now)]):
            numbers = [*told.get(rule, (0, 0)), *(now.get(rule, (0, 0)) if present is not None else ())]
            table.add_row(rule, *(str(number) for number in numbers))
        sums = [len(tried.warned), len(tried.held_back)]
        if present is not None:
            sums += [len(present.warned), len(present.held_back)]
        table.add_row(Text("todas", "all")(self._language), *(str(number) for number in sums))
        self._console.print()
        self._console.print(table)

    def _by_day(self, tried: Tried, present: Tried | None) -> None:
        told = Counter(self._day(one, tried) for one in tried.warned)
        now = Counter(self._day(one, present) for one in present.warned) if present is not None else Counter[dt.date]()
        if not (told or now):
            return
        self._console.print()
        self.say(
            Text("Avisos por día (█ con estas reglas)", "Warnings a day (█ with these rules)")
            if present is None
            else Text("Avisos por día (█ con estas reglas, ░ ahora)", "Warnings a day (█ with these rules, ░ now)")
        )
        most = max([*told.values(), *now.values()])
        for day in _days([*told, *now]):
            name = _DAYS(self._language).split()[day.weekday()]
            line = f"{name} {day:%d.%m.}  {_bar('█', told[day], most)}"
            self._console.print(line, markup=False, highlight=False)
            if present is not None:
                self._console.print(f"{'':12}{_bar('░', now[day], most)}", markup=False, highlight=False)

    def _each(self, head: Text, incidents: Sequence[Incident], tried: Tried) -> None:
        if not incidents:
            return
        self._console.print()
        self.say(Text(f"{head.es}: {len(incidents)}", f"{head.en}: {len(incidents)}"))
        for one in incidents:
            why = f" [{one.suppressed_by}]" if one.suppressed_by else ""
            said = words(Change(Step.RAISED, one), self._language, self._place, self._zone)
            if self._moment(one.first_ms) != (when := self._moment(tried.when_ms(one))):
                heard = f"{self._local(one.first_ms):%H:%M}"
                said += Text(f", se oyó desde las {heard}", f", heard since {heard}")(self._language)
            line = f"{when}  {said}  ({', '.join(_rules_of(one))}){why}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _day(self, incident: Incident, tried: Tried) -> dt.date:
        return self._local(tried.when_ms(incident)).date()

    def _moment(self, wall_ms: int) -> str:
        return f"{self._local(wall_ms):%d.%m. %H:%M}"

    def _local(self, wall_ms: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(min(max(0, wall_ms), _LAST_MS) / 1000, self._zone)


def _rules_of(one: Incident) -> tuple[str, ...]:
    """Those that found it: one incident may be of several."""
    return one.found_by or (one.rule,)


def _counts(tried: Tried) -> dict[str, tuple[int, int]]:
    """By rule, how many incidents it had a part in."""
    warned = Counter(rule for one in tried.warned for rule in _rules_of(one))
    held = Counter(rule for one in tried.held_back for rule in _rules_of(one))
    return {rule: (warned[rule], held[rule]) for rule in {*warned, *held}}


def _bar(block: str, count: int, most: int) -> str:
    return f"{block * max(1 if count else 0, round(count / most * _BAR))} {count}" if count else "0"


def _days(days: Iterable[dt.date]) -> Iterator[dt.date]:
    """Every day from the first to the last; with a clock that was years off, only those on which something was."""
    known = sorted(set(days))
    if (known[-1] - known[0]).days > 400:
        yield from known
        return
    day = known[0]
    while day <= known[-1]:
        yield day
        day += dt.timedelta(days=1)
