"""Advice on a post's settings that work, and hardly as they were meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from deploy.language import Text
from deploy.settings.far import doubts_of_distance
from gateway.hearing import configured_sensors

if TYPE_CHECKING:
    from gateway.place.place import Place
    from gateway.settings import GatewaySettings

_CARRY_WORDS: Final = "meshtastic"
"""Begins the drivers of radios that people carry and read: the others speak to devices of their settings alone."""


def doubts_of_map(settings: GatewaySettings, place: Place) -> list[Text]:
    """Sensors that have a place and that nobody can hear, and whatever is far from the rest."""
    return [*_unheard(settings, place), *doubts_of_distance(place)]


def _unheard(settings: GatewaySettings, place: Place) -> list[Text]:
    known = {source.name for source in settings.sources} | set(configured_sensors(settings.sources))
    unheard = [name for name in place.sensors if name not in known]
    if not settings.sources or not unheard:
        return []
    listed = ", ".join(unheard[:12]) + (f" (+{len(unheard) - 12})" if len(unheard) > 12 else "")
    return [
        Text(
            f"en el mapa hay sensores que ninguna fuente nombra: {listed}. Se verán como nunca oídos; ¿está bien"
            " escrito su nombre en [[sources]]?",
            f"on the map are sensors that no source names: {listed}. They will be shown as never heard; is their name"
            " in [[sources]] spelt so?",
        )
    ]


def doubts_of_radios(settings: GatewaySettings) -> Iterator[Text]:
    """Radio outputs whose source carries no words."""
    from gateway.warning.settings import RadioSettings

    sources = {source.name: source for source in settings.sources}
    for output in settings.warnings:
        if not isinstance(output, RadioSettings):
            continue
        source = sources[output.source]
        if not source.driver.startswith(_CARRY_WORDS):
            yield Text(
                f"la salida {output.name} no avisará: {source.name} ({source.driver}) no lleva palabras a las radios;"
                " ponga en source una fuente meshtastic",
                f"output {output.name} will warn nobody: {source.name} ({source.driver}) carries no words to radios;"
                " name a meshtastic source in source",
            )
        elif not getattr(source, "gateway", source.name):
            yield Text(
                f"la salida {output.name} no avisará: a {source.name} le falta gateway, el nodo que transmite",
                f"output {output.name} will warn nobody: source {source.name} lacks gateway, the node that sends",
            )
