"""The post's map and rules: there, in order, and of use at this post."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from deploy.doctor.findings import Check, Finding, Text, attention, counted, ok, wrong
from deploy.errors import DeployError
from deploy.settings.post import doubts_of_post, place_of_post, rules_of_post
from deploy.settings.problems import SettingsFileError

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings

_MEND: Text = Text(
    "Corríjalo y repita; vigia gateway check lo dice línea por línea", "Mend it; see vigia gateway check"
)


def rules_checks(settings: GatewaySettings) -> list[Check]:
    """One look at both; none at a post that names neither."""
    if settings.place.map is None and settings.rules.path is None:
        return []
    return [Check(Text("Reglas", "Rules"), partial(_look, settings))]


def _look(settings: GatewaySettings) -> Sequence[Finding]:
    try:
        place = place_of_post(settings, "es")
    except DeployError as error:
        english = _in_english(settings) or str(error)
        return [wrong("map_wrong", f"El mapa no sirve: {error}", f"The map cannot be used: {english}", todo=_MEND)]
    try:
        book = rules_of_post(settings, "es")
    except SettingsFileError as error:
        return [
            wrong(
                "rules_missing" if error.missing else "rules_wrong",
                f"Las reglas no sirven: {problem('es')}",
                f"The rules cannot be used: {problem('en')}",
                str(error.path),
                todo=_MEND,
            )
            for problem in error.problems
        ]
    where = str(settings.rules.path or settings.place.map)
    many = counted(len(book.rules), Text("regla", "rule"), Text("reglas", "rules"))
    doubts = [
        attention(
            "rules_doubt",
            f"Regla que aquí no vale: {doubt.es}",
            f"A rule of no use here: {doubt.en}",
            where,
            todo=Text("Cambie la regla, o el mapa", "Change the rule, or the map"),
        )
        for doubt in doubts_of_post(settings, book, place)
    ]
    return [ok("rules", f"El puesto tiene {many.es}", f"The post has {many.en}", where), *doubts]


def _in_english(settings: GatewaySettings) -> str:
    try:
        place_of_post(settings, "en")
    except DeployError as error:
        return str(error)
    return ""
