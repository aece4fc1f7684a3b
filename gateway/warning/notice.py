"""A warning on its way to people."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.rules.facts import Change

_MORE: Final = {"es": " (y {} más)", "en": " (and {} more)"}
_TEST: Final = {
    "es": "PRUEBA de Vigía: así llega un aviso. No pasa nada.",
    "en": "TEST of Vigía: this is how a warning comes. All is well.",
}


class Notice(msgspec.Struct, frozen=True):
    """change: what it tells of; None for a test. due_at: seconds of the monotonic clock since when people should know.
    more: how many others it stands for, which came while the output was busy. numbers: of all those incidents that
    nobody has seen to."""

    change: Change | None
    due_at: float
    more: int = 0
    numbers: frozenset[int] = frozenset()

    def with_more(self, other: Notice) -> Notice:
        """This one, standing for another too."""
        own = 1 if other.change is not None else 0
        return msgspec.structs.replace(self, more=self.more + own + other.more, numbers=self.numbers | other.numbers)

    def without(self, number: int) -> Notice | None:
        """This one, when an incident has been seen to; None when it tells of no other."""
        if number not in self.numbers:
            return self
        left = self.numbers - {number}
        return msgspec.structs.replace(self, numbers=left, more=max(0, self.more - 1)) if left else None

    def is_of_what(self, other: Notice) -> bool:
        """Whether both tell of one incident alone, and of the same."""
        if self.change is None or other.change is None or self.numbers != other.numbers:
            return False
        return self.change.incident.label == other.change.incident.label

    @property
    def is_alert(self) -> bool:
        """Whether it is of the more urgent sort; a test is not."""
        return self.change is not None and self.change.incident.level == "alert"


def test_words(lang: str) -> str:
    """What a test says."""
    return _TEST[lang]


def whole_text(words: str, more: int, lang: str, max_bytes: int) -> str:
    """The words, and how many more there are, in at most so many bytes of UTF-8; what is cut off is the words' end."""
    tail = _MORE[lang].format(more) if more else ""
    room = max_bytes - len(tail.encode())
    raw = words.encode()
    if len(raw) > room:
        words = raw[: room - 3].decode(errors="ignore") + "…"
    return words + tail
