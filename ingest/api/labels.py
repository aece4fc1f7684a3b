"""Words that callers give as a label: which of them the vocabulary has, and what was meant by the others."""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import Final

from firmware_bridge.readings import LABELS, Label, label_from_code

_LEAST_LETTERS: Final = 3
"""Shorter words of a title ("de", "o") lead nowhere."""


def is_listed(label: str) -> bool:
    """Whether it is in the vocabulary, or is how a code of newer firmware is stored (`unlisted_200`)."""
    number = label.removeprefix("unlisted_")
    return label in LABELS or (bool(re.fullmatch(r"\d{1,3}", number)) and label == label_from_code(int(number)))


def not_a_label(label: str) -> str:
    """What to tell a caller who asks for a label that is neither listed nor stored."""
    meant = _meant(label)
    hint = f"do you mean {meant.name} ({meant.title_es})?" if meant else f"there are: {', '.join(LABELS)}"
    return f"`label` {label!r} is not in the vocabulary, and no reading here has it; {hint}"


def _meant(label: str) -> Label | None:
    """By name or title in Spanish or English, without regard to accents; else the one that is written most alike."""
    by_form: dict[str, Label] = {}
    for listed in LABELS.values():
        for text in (listed.name, listed.title_es, listed.title_en):
            for form in (_plain(text), *re.findall(rf"\w{{{_LEAST_LETTERS},}}", _plain(text))):
                by_form.setdefault(form, listed)
    alike = difflib.get_close_matches(_plain(label), by_form, n=1, cutoff=0.75)
    return by_form[alike[0]] if alike else None


def _plain(text: str) -> str:
    parted = unicodedata.normalize("NFKD", text.casefold().replace("_", " "))
    return "".join(c for c in parted if not unicodedata.combining(c))
