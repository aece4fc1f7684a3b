"""What a post's settings name beside themselves: its map and its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.settings.file import load_settings
from firmware_bridge.readings import LABELS

if TYPE_CHECKING:
    from gateway.place.place import Place
    from gateway.rules.book import RuleBook
    from gateway.settings import GatewaySettings


def place_of_post(settings: GatewaySettings, language: Language) -> Place:
    """Where the post and its sensors are. Raises DeployError with words for a person."""
    from gateway.place.errors import PlaceError
    from gateway.place.place import Place

    try:
        return Place.load(settings.place)
    except PlaceError as error:
        raise DeployError(error.words(language)) from error


def rules_of_post(settings: GatewaySettings, language: Language) -> RuleBook:
    """Its rules: of the file that is named, or those of a post without one. Raises SettingsFileError."""
    from gateway.rules.book import RuleBook, default_rules

    if settings.rules.path is None:
        return default_rules(settings.lanes.alert_labels, settings.lanes.alert_confidence)
    return load_settings(settings.rules.path, RuleBook, language)


def doubts_of_post(settings: GatewaySettings, book: RuleBook, place: Place) -> list[Text]:
    """What of the rules cannot work at this post, and what nothing warns of."""
    from gateway.rules.describe import doubts

    names = list(_sensors(settings))
    outputs = {output.name: output.rules for output in settings.warnings}
    return [Text(*both) for both in doubts(book, place, names, settings.lanes.alert_labels, outputs)]


def doubts_of_link(settings: GatewaySettings) -> list[Text]:
    """What of the hours and budgets of the link is hardly meant."""
    from gateway.uplink.settings import doubts

    return [Text(*both) for both in doubts(settings.uplink)]


def doubts_of_sources(settings: GatewaySettings) -> list[Text]:
    """Labels of the settings' own making: they are kept, and no alert knows them."""
    return [
        Text(
            f"{source.name} usa la etiqueta {label}, que no está en la lista: se guarda, pero no avisa. Las que avisan:"
            f" {', '.join(settings.lanes.alert_labels)}",
            f"{source.name} uses the label {label}, which is not in the list: it is kept, and warns nobody. Those that"
            f" warn: {', '.join(settings.lanes.alert_labels)}",
        )
        for source in settings.sources
        for label in sorted(set(_labels(source)))
        if label and label not in LABELS and not label.startswith("unlisted_")
    ]


def _labels(model: BaseModel) -> Iterator[str]:
    """Every label that settings give, also in the layouts that they name."""
    for name, value in model:
        if name == "label" and isinstance(value, str):
            yield value
        elif name == "labels" and isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, BaseModel):
            yield from _labels(value)
        elif isinstance(value, list | dict):
            for one in value if isinstance(value, list) else value.values():
                for inner in one if isinstance(one, list) else (one,):
                    if isinstance(inner, BaseModel):
                        yield from _labels(inner)


def _sensors(settings: GatewaySettings) -> Iterator[str]:
    """Every name that a source may give to a sensor."""
    for source in settings.sources:
        yield source.name
        for value in (getattr(source, field) for field in type(source).model_fields):
            for one in value if isinstance(value, list | tuple) else (value,):
                for name in (one, getattr(one, "name", None)):
                    if isinstance(name, str):
                        yield name
