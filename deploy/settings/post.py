"""What a post's settings name beside themselves: its map and its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.settings.file import load_settings

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
    return [Text(*both) for both in doubts(book, place, names, settings.lanes.alert_labels)]


def _sensors(settings: GatewaySettings) -> Iterator[str]:
    """Every name that a source may give to a sensor."""
    for source in settings.sources:
        yield source.name
        for value in (getattr(source, field) for field in type(source).model_fields):
            for one in value if isinstance(value, list | tuple) else (value,):
                for name in (one, getattr(one, "name", None)):
                    if isinstance(name, str):
                        yield name
