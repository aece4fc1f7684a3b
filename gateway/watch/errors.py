"""What a person asked of the watch and cannot have."""

from __future__ import annotations

from gateway.errors import GatewayError


class WatchError(GatewayError):
    """Bad input of a person or a command, nothing was done. reason: a counter name. es, en: what is wrong and what to
    do, for a person."""

    def __init__(self, reason: str, es: str, en: str) -> None:
        super().__init__(f"{reason}: {en}")
        self.reason = reason
        self.es = es
        self.en = en

    def words(self, lang: str) -> str:
        """In Spanish, or in English when lang is "en"."""
        return self.en if lang == "en" else self.es
