"""What is wrong with a post's map."""

from __future__ import annotations

from gateway.errors import GatewayError


class PlaceError(GatewayError):
    """The map, or what the settings say of places, cannot be used: fatal, a person must mend it. es, en: what is wrong,
    where, and what to do."""

    def __init__(self, es: str, en: str) -> None:
        super().__init__(es)
        self.es = es
        self.en = en

    def words(self, lang: str) -> str:
        """In Spanish, or in English when lang is "en"."""
        return self.en if lang == "en" else self.es
