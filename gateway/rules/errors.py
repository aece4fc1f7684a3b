"""What is wrong with a rules file."""

from __future__ import annotations

from typing import NamedTuple

from gateway.errors import GatewayError


class Fault(NamedTuple):
    """where: the place in the file, such as `rules[2] "motosierra": within_s`, or "" for the file as a whole. es, en:
    what is wrong and what to do."""

    where: str
    es: str
    en: str


class RulesError(GatewayError):
    """A rules file that cannot be used: fatal at the start, refused when it comes from elsewhere."""

    def __init__(self, path: str, faults: list[Fault]) -> None:
        self.path = path
        self.faults = faults
        super().__init__(self.words("es"))

    def words(self, lang: str) -> str:
        """All of it in Spanish, or in English when lang is "en": a line for the file, and one for each fault."""
        head = f"{self.path} cannot be used:" if lang == "en" else f"{self.path} no sirve:"
        return "\n".join(
            [head, *(f"  {f.where}{': ' if f.where else ''}{f.en if lang == 'en' else f.es}" for f in self.faults)]
        )
