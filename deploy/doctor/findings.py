"""What a look at one thing gives: a mark, a sentence in two languages, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from deploy.language import Language as Language
from deploy.language import Text as Text

LOCAL_LIMIT_S: Final = 2.0
"""How long a look at this machine may take."""
LINK_LIMIT_S: Final = 8.0
"""How long a look over a link may take: a satellite answers in most of a second, and a safe connection asks often."""


class Mark(Enum):
    """How it stands. The value is its name in JSON."""

    OK = "ok"
    ATTENTION = "attention"
    WRONG = "wrong"
    UNSEEN = "unseen"  # could not be looked at


class Finding(NamedTuple):
    """code: a name for programs, stable. where: a path, an address, a name; the same in every language."""

    mark: Mark
    code: str
    what: Text
    where: str = ""
    todo: Text | None = None


class Check(NamedTuple):
    """One thing to look at. look: takes up to limit_s, raises nothing that it foresees."""

    theme: Text
    look: Callable[[], Sequence[Finding]]
    limit_s: float = LOCAL_LIMIT_S


class Told(NamedTuple):
    """A finding and what it is about."""

    theme: Text
    finding: Finding


def ok(code: str, es: str, en: str, where: str = "") -> Finding:
    """All well."""
    return Finding(Mark.OK, code, Text(es, en), where)


def attention(code: str, es: str, en: str, where: str = "", *, todo: Text) -> Finding:
    """It works, but somebody should look."""
    return Finding(Mark.ATTENTION, code, Text(es, en), where, todo)


def wrong(code: str, es: str, en: str, where: str = "", *, todo: Text) -> Finding:
    """It does not work."""
    return Finding(Mark.WRONG, code, Text(es, en), where, todo)


def unseen(code: str, es: str, en: str, where: str = "", *, todo: Text) -> Finding:
    """It could not be looked at."""
    return Finding(Mark.UNSEEN, code, Text(es, en), where, todo)


AS_ROOT: Final = Text("Repita con sudo: sudo vigia doctor", "Do it again with sudo: sudo vigia doctor")


def is_there(path: Path) -> bool | None:
    """Whether a file or directory is there; None when we may not see (the services' directories are theirs alone)."""
    try:
        path.stat()
    except PermissionError:
        return None
    except OSError:
        return False
    return True


def sentence(text: str) -> str:
    """As a sentence: a capital first, no full stop at the end."""
    return text[:1].upper() + text[1:].rstrip(".")


def number(value: float, language: Language) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,.0f}".replace(",", " " if language == "es" else ",")


def counted(count: int, one: Text, many: Text) -> Text:
    """So many of something: the number, then the noun in the form that the number asks for."""
    noun = one if count == 1 else many
    return Text(f"{number(count, 'es')} {noun.es}", f"{number(count, 'en')} {noun.en}")


def ages(seconds: float) -> Text:
    """How long, in the largest unit that fits."""
    for size, es, en in ((86_400, "días", "days"), (3600, "horas", "hours"), (60, "minutos", "minutes")):
        if seconds >= 2 * size:
            return Text(f"{seconds / size:.0f} {es}", f"{seconds / size:.0f} {en}")
    return counted(round(max(0.0, seconds)), Text("segundo", "second"), Text("segundos", "seconds"))


def sizes(count: float) -> str:
    """Bytes for a person, such as 3.4 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
