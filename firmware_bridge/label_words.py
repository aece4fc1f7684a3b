"""Words that settings and file names use for what was detected, brought to the labels of the vocabulary."""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from firmware_bridge.readings import LABELS, MAX_NAME_BYTES

_UNLISTED: Final = re.compile(r"unlisted_\d{1,3}")
_FREE: Final = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_NAME_BYTES - 1}}}")
_ALIKE: Final = 0.8
"""From here on a word is taken for a label misspelt: chainsw, motosiera."""


def known_label(word: str) -> str:
    """The label that a word names, by its own name or by its title in Spanish or English (motosierra, Peque-peque);
    "" for none."""
    return word if is_listed(word) else _by_word().get(_plain(word), "")


def is_listed(label: str) -> bool:
    """Whether it is of the vocabulary, or stands for a code of newer firmware: what rules and alerts know."""
    return label in LABELS or _UNLISTED.fullmatch(label) is not None


def _label(word: object) -> object:
    """A title becomes its label. A free word is kept, as recorders tell what the vocabulary has not; one that is
    nearly a label is refused, since it would warn nobody."""
    if not isinstance(word, str) or not word:
        return word
    if label := known_label(word):
        return label
    by_word = _by_word()
    if close := difflib.get_close_matches(_plain(word), by_word, n=1, cutoff=_ALIKE):
        label = by_word[close[0]]
        words = {"label": label, "es": LABELS[label].title_es.partition(" (")[0].lower()}
        raise PydanticCustomError("label_misspelt", "no such label; do you mean {label} ({es})?", words)
    if not _FREE.fullmatch(word):
        raise ValueError(f"a label of your own is 1 to {MAX_NAME_BYTES} of a-z, 0-9 and _, and begins with a letter")
    return word


def _by_word() -> dict[str, str]:
    found: dict[str, str] = {}
    for label in LABELS.values():
        for title in (label.name, label.title_es, label.title_en):
            for word in (title, title.partition(" (")[0]):
                found.setdefault(_plain(word), label.name)
    return found


def _plain(text: str) -> str:
    """Without capitals, accents, hyphens and underscores."""
    letters = unicodedata.normalize("NFD", re.sub(r"[\s_-]+", " ", text.strip().lower()))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


LabelWord = Annotated[str, Field(min_length=1, max_length=MAX_NAME_BYTES), BeforeValidator(_label)]
"""A label in settings: of the vocabulary, by its name or a title, or a free word."""
LabelWordOrNone = Annotated[str, Field(max_length=MAX_NAME_BYTES), BeforeValidator(_label)]
"""The same, or "" for nothing."""
