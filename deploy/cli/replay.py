"""vigia gateway replay: what rules would have done with what the post heard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from deploy.cli.doctor import Lang
from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.settings.file import load_settings

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings

_SETTINGS: Final = Path("/etc/vigia/gateway.toml")
_SPAN: Final = re.compile(r"(\d{1,4})\s*([dhm])")
_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000}


def replay(
    rules: Annotated[Path, typer.Argument(help="El archivo de reglas que se prueba.")],
    since: Annotated[
        str, typer.Option(help="Desde cuándo, contando hacia atrás de lo último oído: 7d, 12h, 90m.")
    ] = "7d",
    settings: Annotated[
        Path | None,
        typer.Option(help=f"Los ajustes del puesto, por su mapa y sus reglas de ahora; {_SETTINGS} si está."),
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="Lo que se oyó: la historia del puesto, o hechos en líneas de JSON.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Idioma de lo que se dice / language of what is said.")] = Lang.ES,
) -> None:
    """Probar reglas con lo que oyó el puesto, antes de confiar en ellas. No avisa a nadie ni cambia nada.

    Try rules on what the post heard, before they are trusted: what they would have warned of and held back, by rule
    and by day, beside what the present rules did. Nobody is warned and nothing is changed.
    """
    from deploy.replay.past import read_past
    from deploy.replay.report import Report
    from deploy.replay.trying import split, try_rules
    from deploy.settings.post import place_of_post, rules_of_post
    from gateway.rules.book import RuleBook

    language: Language = lang.value
    span_ms = _span_ms(since, language)
    told = _post(settings, language)
    book = load_settings(rules, RuleBook, language)
    place, zone = place_of_post(told, language), told.rules.zone
    # The rules need what was heard before, to know what is new.
    with _progress(Text("leyendo", "reading")(language)) as progress:
        past = read_past(history or _history_of(told), span_ms + 86_400_000, progress, language)
    report = Report(Console(), language, place, zone)
    if not past.facts:
        report.say(Text("La historia está vacía: el puesto no oyó nada.", "The history is empty: nothing was heard."))
        return
    since_ms = max(past.facts[0].steady_ms, past.facts[-1].steady_ms - span_ms)
    with _progress(Text("probando", "trying")(language)) as progress:
        tried = try_rules(book, place, zone, past.facts, since_ms, progress)
    if past.incidents is not None:
        present = split(one for one in past.incidents if one.last_steady_ms >= since_ms)
    else:
        with _progress(Text("las reglas de ahora", "the present rules")(language)) as progress:
            present = try_rules(rules_of_post(told, language), place, zone, past.facts, since_ms, progress)
    heard = sum(fact.steady_ms >= since_ms for fact in past.facts)
    span = _span_words(past.facts[-1].steady_ms - since_ms)
    report.say(
        Text(f"{rules} sobre {heard} lecturas de {span.es}:", f"{rules} on {heard} readings of {span.en}:"),
    )
    if past.unread:
        report.say(Text(f"{past.unread} no se pudieron leer.", f"{past.unread} could not be read."))
    report.show(tried, present)


def _span_ms(text: str, language: Language) -> int:
    found = _SPAN.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise DeployError(
            Text(f"--since {text}: escriba 7d, 12h o 90m", f"--since {text}: write 7d, 12h or 90m")(language)
        )
    return int(found[1]) * _MS[found[2]]


def _span_words(span_ms: int) -> Text:
    """How long, in the unit that fits."""
    if span_ms < 2 * _MS["h"]:
        minutes = f"{span_ms / _MS['m']:.0f} min"
        return Text(minutes, minutes)
    if span_ms < 2 * _MS["d"]:
        hours = f"{span_ms / _MS['h']:.1f}"
        return Text(f"{hours} horas", f"{hours} hours")
    days = f"{span_ms / _MS['d']:.1f}"
    return Text(f"{days} días", f"{days} days")


def _post(settings: Path | None, language: Language) -> GatewaySettings:
    """The post's settings; those of a post that says nothing, if there are none."""
    from gateway.settings import GatewaySettings

    if settings is None and not _SETTINGS.exists():
        return GatewaySettings()
    return load_settings(settings or _SETTINGS, GatewaySettings, language)


def _history_of(settings: GatewaySettings) -> Path:
    return settings.history.path or settings.outbox.path.parent / "history.db"


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, gone when it is done; nothing where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _done, _of: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
