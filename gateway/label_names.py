"""The name of a label in settings: refused when no sensor says it, with the likely one."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from firmware_bridge.readings import LABELS

_UNLISTED: Final = re.compile(r"unlisted_\d{1,3}")
"""What a code of newer firmware becomes."""


def _label(name: str) -> str:
    """A label that is never heard would warn nobody: refused, with the likely one by any of its names."""
    if name in LABELS or _UNLISTED.fullmatch(name):
        return name
    by_word = {
        _plain(word): label
        for label in LABELS.values()
        for title in (label.name, label.title_en, label.title_es)
        for word in (title, *re.findall(r"\w{4,}", title))
    }
    import difflib  # for a fault alone: a daemon need not hold it

    close = difflib.get_close_matches(_plain(name), by_word, n=1, cutoff=0.7)
    if close:
        label = by_word[close[0]]
        words = {"label": label.name, "es": label.title_es.partition(" (")[0].lower()}
        raise PydanticCustomError("label_misspelt", "no such label; do you mean {label} ({es})?", words)
    raise PydanticCustomError("label_unknown", "no such label; known: {known}", {"known": ", ".join(LABELS)})


def _plain(text: str) -> str:
    """Without capitals, accents and underscores."""
    letters = unicodedata.normalize("NFD", text.lower().replace("_", " "))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


LabelName = Annotated[str, AfterValidator(_label)]
"""A label of the vocabulary, or `unlisted_<code>`."""
