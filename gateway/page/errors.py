"""What the page raises beyond its own stage."""

from __future__ import annotations

from gateway.errors import GatewayError


class PageError(GatewayError):
    """The page cannot be served as the settings say: tried again by the supervisor."""


class PinError(GatewayError):
    """A PIN that may not be used, or a PIN file that cannot be read or written. es, en: what is wrong."""

    def __init__(self, es: str, en: str) -> None:
        super().__init__(en)
        self.es = es
        self.en = en

    def words(self, lang: str) -> str:
        """In Spanish, or in English when lang is "en"."""
        return self.en if lang == "en" else self.es
